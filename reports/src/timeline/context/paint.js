// Draws the canvas: the whole run in small, the axis, faults and leaders; the operations are in `paintRows`.

const COLOURS = ["ok", "failed", "info"];
const TYPE = "system-ui, sans-serif";

function palette() {
  const style = getComputedStyle(document.documentElement);
  const names = ["page", "ink", "muted", "line", "soft", "bad", "on-fault", "leader", "partition", "kill", "pause", "member", "transfer",
    "other", ...COLOURS];
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

function paint(t) {
  const { canvas, pen } = t;
  t.layout = layoutOf(t);
  const ratio = window.devicePixelRatio || 1;
  const [width, height] = [Math.round(t.layout.width * ratio), Math.round(t.layout.height * ratio)];
  if (canvas.width !== width || canvas.height !== height) {
    [canvas.width, canvas.height] = [width, height];
    canvas.style.height = `${t.layout.height}px`;
  }
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, t.layout.width, t.layout.height);
  pen.textBaseline = "middle";
  paintOverview(t);
  paintAxis(t);
  t.tracks.forEach((track, row) => paintTrack(t, track, t.layout.tracksTop + row * TRACK_HEIGHT));
  within(t, () => paintBands(t));
  paintRows(t);
}

// Draws what may not leave the part of the canvas that stands for time.
function within(t, draw) {
  const { pen, layout } = t;
  pen.save();
  pen.beginPath();
  pen.rect(layout.left, 0, layout.plot, layout.height);
  pen.clip();
  draw();
  pen.restore();
}

function paintName(t, name, y, height) {
  const { pen, layout, colour } = t;
  pen.font = `${Math.min(12, Math.max(9, height))}px ${TYPE}`;
  pen.fillStyle = colour.muted;
  pen.textAlign = "right";
  pen.fillText(fitting(pen, name, layout.left - 10), layout.left - 8, y + height / 2);
}

function fitting(pen, text, width) {
  if (pen.measureText(text).width <= width) return text;
  let length = text.length;
  while (length > 1 && pen.measureText(`${text.slice(0, length)}…`).width > width) length--;
  return `${text.slice(0, length)}…`;
}

// Operations over the whole run by pixel, and the window that is in view.
function paintOverview(t) {
  const { pen, layout, colour, limits, view } = t;
  const counts = overview(t);
  const highest = Math.max(1, ...counts.totals);
  const height = OVERVIEW_HEIGHT - 6;
  for (let x = 0; x < layout.plot; x++) {
    let y = height;
    for (let outcome = OK; outcome <= INFO; outcome++) {
      const part = counts.outcomes[x * 3 + outcome];
      if (part === 0) continue;
      const tall = Math.max(1.5, part / highest * (height - 4));
      pen.fillStyle = colour[COLOURS[outcome]];
      pen.fillRect(layout.left + x, y - tall, 1, tall);
      y -= tall;
    }
  }
  const x = (time) => layout.left + (time - limits.from) / (limits.to - limits.from) * layout.plot;
  pen.fillStyle = colour.bad;
  for (const found of t.contradictions) pen.fillRect(x(t.data.begin[found[found.length - 1]]) - 1, 0, 2, height);
  const [left, right] = [x(view.from), x(view.to)];
  pen.fillStyle = colour.page;
  pen.globalAlpha = 0.6;
  pen.fillRect(layout.left, 0, left - layout.left, height);
  pen.fillRect(right, 0, layout.left + layout.plot - right, height);
  pen.globalAlpha = 1;
  pen.strokeStyle = colour.muted;
  pen.strokeRect(left + 0.5, 0.5, Math.max(3, right - left - 1), height);
  paintName(t, "all", 0, height);
}

// Counted anew only when the width or the matches changed.
function overview(t) {
  const { data, layout, limits, mask } = t;
  if (t.counted?.plot === layout.plot && t.counted.mask === mask) return t.counted;
  const [plot, factor] = [Math.ceil(layout.plot), layout.plot / (limits.to - limits.from)];
  const outcomes = new Uint32Array(plot * 3 + 3);
  for (let i = 0; i < data.count; i++) {
    if (mask[i]) outcomes[Math.floor((data.begin[i] - limits.from) * factor) * 3 + outcomeOf(data, i)]++;
  }
  const totals = Array.from({ length: plot }, (_, x) => outcomes[x * 3] + outcomes[x * 3 + 1] + outcomes[x * 3 + 2]);
  t.counted = { plot: layout.plot, mask, outcomes, totals };
  return t.counted;
}

function paintAxis(t) {
  const { pen, layout, colour } = t;
  pen.font = `12px ${TYPE}`;
  pen.textAlign = "center";
  for (const [time, text] of marks(t)) {
    const x = pixelOf(t, time);
    const half = pen.measureText(text).width / 2;
    pen.fillStyle = colour.line;
    pen.fillRect(Math.round(x), OVERVIEW_HEIGHT + AXIS_HEIGHT - 4, 1, layout.bottom);
    pen.fillStyle = colour.muted;
    pen.fillText(text, Math.min(x, layout.width - half), OVERVIEW_HEIGHT + AXIS_HEIGHT / 2 - 2);
  }
}

function faultColour(t, fault) {
  return t.colour[["partition", "kill", "pause", "member", "transfer"].includes(fault.name) ? fault.name : "other"];
}

function paintTrack(t, track, y) {
  const { pen, colour } = t;
  paintName(t, track.title, y, TRACK_HEIGHT);
  within(t, () => {
    for (const [n, item] of track.items.entries()) {
      const [left, right] = [pixelOf(t, item.from), pixelOf(t, item.to)];
      // Bars may overlap; words end where the next bar begins.
      const next = track.items[n + 1];
      const covered = next !== undefined && next.from >= item.from ? pixelOf(t, next.from) : right;
      const width = Math.max(2, right - left);
      const acted = track.kind === "leader" || item.effect === "installed";
      pen.fillStyle = track.kind === "leader" ? colour.leader : faultColour(t, item);
      pen.globalAlpha = acted ? 1 : 0.25;
      pen.fillRect(left, y + 2, width, TRACK_HEIGHT - 4);
      pen.globalAlpha = 1;
      if (!acted) dashed(t, left, y + 2, width, TRACK_HEIGHT - 4, colour.muted);
      pen.fillStyle = acted ? colour["on-fault"] : colour.ink;
      paintInside(t, trackTexts(track, item), left, Math.min(width, covered - left), y + TRACK_HEIGHT / 2);
    }
  });
}

function trackTexts(track, item) {
  return track.kind === "leader" ? [`term ${item.term}`, String(item.term)] : [`#${item.id} ${item.description}`, `#${item.id}`];
}

// The longest text that fits into the visible part of a bar, if any.
function paintInside(t, texts, left, width, y) {
  const { pen, layout } = t;
  const start = Math.max(left, layout.left) + 4;
  const room = Math.min(left + width, layout.left + layout.plot) - start - 2;
  pen.font = `11px ${TYPE}`;
  pen.textAlign = "left";
  const text = texts.find((text) => pen.measureText(text).width <= room);
  if (text !== undefined) pen.fillText(text, start, y + 0.5);
}

function dashed(t, x, y, width, height, colour) {
  t.pen.strokeStyle = colour;
  t.pen.setLineDash([3, 2]);
  t.pen.strokeRect(x + 0.5, y + 0.5, Math.max(1, width - 1), height - 1);
  t.pen.setLineDash([]);
}

function paintBands(t) {
  const { pen, layout } = t;
  pen.globalAlpha = 0.1;
  for (const fault of t.data.faults.filter((fault) => fault.effect !== "skipped")) {
    const left = pixelOf(t, fault.from);
    pen.fillStyle = faultColour(t, fault);
    pen.fillRect(left, layout.top, pixelOf(t, fault.to) - left, layout.bottom - layout.top);
  }
  pen.globalAlpha = 1;
}

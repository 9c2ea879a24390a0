// Draws the operations: as bars, or as counts by pixel where a row has more of them in view than bars find room.

function paintRows(t) {
  const { layout, pen, colour, rows } = t;
  t.dense = 0;
  let named = -Infinity;
  rows.all.forEach((row, number) => {
    const y = layout.top + number * layout.row;
    if (row.name && layout.row > 8) {
      pen.fillStyle = colour.line;
      pen.fillRect(0, y, layout.left + layout.plot, 1);
    }
    if (row.name && y - named >= 11) {
      paintName(t, row.name, y, layout.row);
      named = y;
    }
    within(t, () => paintRow(t, row, y));
  });
  within(t, () => paintChosen(t));
}

function paintRow(t, row, y) {
  const [first, last] = placesWithin(t.data, row, t.view.from, t.view.to);
  if (isDense(t, last - first)) {
    t.dense++;
    return paintCounts(t, row, first, last, y);
  }
  for (const i of row.open) if (t.data.begin[i] < t.view.to) paintOpen(t, i, y);
  let labelled = -Infinity;
  for (let place = first; place < last; place++) {
    const i = row.operations[place];
    const next = place + 1 < row.operations.length ? pixelOf(t, t.data.begin[row.operations[place + 1]]) : Infinity;
    paintBar(t, i, y);
    if (t.mask[i]) labelled = paintLabel(t, i, y, labelled, next);
  }
}

function extent(t, i) {
  const left = pixelOf(t, t.data.begin[i]);
  return [left, Math.max(3, pixelOf(t, endOf(t.data, i)) - left)];
}

function paintBar(t, i, y) {
  const { pen, colour, layout } = t;
  const [left, width] = extent(t, i);
  const [top, height] = [y + 2, layout.row - 4];
  const outcome = outcomeOf(t.data, i);
  const ink = colour[COLOURS[outcome]];
  pen.globalAlpha = t.mask[i] ? 1 : 0.14;
  pen.fillStyle = pen.strokeStyle = ink;
  if (outcome === OK) pen.fillRect(left, top, width > 4 ? width - 1 : width, height);
  else if (outcome === FAILED) pen.strokeRect(left + 0.75, top + 0.75, Math.max(1.5, width - 1.5), height - 1.5);
  else paintHatched(t, left, top, width, height, ink);
  pen.globalAlpha = 1;
}

// It may take effect at any time: the end stays open.
function paintHatched(t, left, top, width, height, ink) {
  const { pen } = t;
  pen.save();
  pen.beginPath();
  pen.rect(left, top, width, height);
  pen.clip();
  pen.beginPath();
  const [from, to] = [Math.max(left, t.layout.left) - height, Math.min(left + width, t.layout.left + t.layout.plot)];
  for (let x = from - ((from - left) % 5); x < to; x += 5) {
    pen.moveTo(x, top + height);
    pen.lineTo(x + height, top);
  }
  pen.stroke();
  pen.restore();
  dashed(t, left, top, width, height, ink);
  pen.fillRect(left + width, top + height / 2 - 0.75, 6, 1.5);
  pen.fillRect(left + width + 9, top + height / 2 - 0.75, 5, 1.5);
}

// A line to the end for what never returned.
function paintOpen(t, i, y) {
  const { pen, layout, colour } = t;
  const left = Math.max(layout.left, pixelOf(t, t.data.begin[i]));
  pen.globalAlpha = t.mask[i] ? 0.6 : 0.1;
  pen.strokeStyle = colour.info;
  pen.setLineDash([6, 4]);
  pen.beginPath();
  pen.moveTo(left, y + layout.row / 2);
  pen.lineTo(layout.left + layout.plot, y + layout.row / 2);
  pen.stroke();
  pen.setLineDash([]);
  pen.globalAlpha = 1;
}

// Writes into the bar or, before the next one, behind it; says how far the texts of the row reach now.
function paintLabel(t, i, y, labelled, next) {
  const { pen, colour, layout } = t;
  if (layout.row < 14) return labelled;
  const [left, width] = extent(t, i);
  pen.font = `11px ${TYPE}`;
  pen.textAlign = "left";
  const text = fitting(pen, label(t.data, i), 160);
  const size = pen.measureText(text).width;
  const start = Math.max(left, layout.left) + 4;
  const inside = start + size + 3 <= left + width;
  const behind = left + width + (outcomeOf(t.data, i) === INFO ? 18 : 4);
  const x = inside ? start : behind;
  if (x < labelled || (!inside && x + size > next - 3)) return labelled;
  if (outcomeOf(t.data, i) === INFO) {
    pen.fillStyle = colour.page;
    pen.fillRect(x - 2, y + 4, size + 4, layout.row - 8);
  }
  pen.fillStyle = inside && outcomeOf(t.data, i) === OK ? colour.page : colour.ink;
  pen.fillText(text, x, y + layout.row / 2 + 0.5);
  return x + size;
}

// How many operations of a row began in each pixel: ok, failed, indeterminate, and those nobody asked for.
function countsByPixel(t, row, first, last) {
  const { data, view, layout, mask } = t;
  const counts = new Uint32Array(Math.ceil(layout.plot) * 4 + 4);
  const factor = layout.plot / (view.to - view.from);
  for (let place = first; place < last; place++) {
    const i = row.operations[place];
    const x = Math.floor((data.begin[i] - view.from) * factor);
    if (x >= 0) counts[x * 4 + (mask[i] ? outcomeOf(data, i) : 3)]++;
  }
  return counts;
}

function paintCounts(t, row, first, last, y) {
  const { pen, colour, layout } = t;
  const counts = countsByPixel(t, row, first, last);
  let highest = 1;
  for (let at = 0; at < counts.length; at += 4) highest = Math.max(highest, counts[at] + counts[at + 1] + counts[at + 2] + counts[at + 3]);
  const room = layout.row - 2;
  const tall = (count) => count === 0 ? 0 : Math.max(1.5, Math.log1p(count) / Math.log1p(highest) * room);
  const column = (x, top, height, ink) => {
    pen.fillStyle = ink;
    pen.fillRect(layout.left + x, top, 1, height);
  };
  for (let x = 0; x < layout.plot; x++) {
    const [ok, failed, info, others] = counts.subarray(x * 4, x * 4 + 4);
    if (others > 0) column(x, y + layout.row - tall(others), tall(others), colour.line);
    const asked = tall(ok + failed + info);
    if (asked > 0) column(x, y + layout.row - asked, asked, colour.ok);
    if (failed > 0) column(x, y + 1, room / 4, colour.failed);
    if (info > 0) column(x, y + 1 + room / 4, room / 4, colour.info);
  }
}

// The contradiction's operations and the chosen one are outlined, however dense the rest is.
function paintChosen(t) {
  const { pen, colour, layout, rows, selected } = t;
  const outline = (i, ink) => {
    const [left, width] = extent(t, i);
    if (left > layout.left + layout.plot || left + width < layout.left) return;
    const y = layout.top + rows.rowOf[i] * layout.row;
    pen.strokeStyle = ink;
    pen.lineWidth = 2.5;
    pen.strokeRect(left - 1.5, y + 0.5, width + 3, layout.row - 1);
    pen.lineWidth = 1;
  };
  for (const found of t.contradictions) {
    for (const i of found) outline(i, colour.bad);
    const x = pixelOf(t, t.data.begin[found[found.length - 1]]);
    pen.fillStyle = colour.bad;
    pen.beginPath();
    pen.moveTo(x - 5, layout.top - 8);
    pen.lineTo(x + 5, layout.top - 8);
    pen.lineTo(x, layout.top);
    pen.fill();
  }
  if (selected !== null) outline(selected, colour.ink);
}

// What lies under a pixel: an operation, a count, a fault, a leader or nothing.
function hit(t, x, y) {
  const { layout, tracks, rows, data } = t;
  if (x < layout.left || x > layout.left + layout.plot || y > layout.bottom) return null;
  const time = timeAt(t, x);
  if (y < layout.top) {
    const track = tracks[Math.floor((y - layout.tracksTop) / TRACK_HEIGHT)];
    const item = y < layout.tracksTop ? undefined : track?.items.find((item) => item.from <= time && time <= item.to);
    return item ? { track, item } : null;
  }
  const row = rows.all[Math.min(rows.all.length - 1, Math.floor((y - layout.top) / layout.row))];
  const [first, last] = placesWithin(data, row, t.view.from, t.view.to);
  if (isDense(t, last - first)) {
    const at = Math.floor(x - layout.left) * 4;
    const [ok, failed, info, others] = countsByPixel(t, row, first, last).subarray(at, at + 4);
    return { row, counts: [ok, failed, info], others, from: timeAt(t, Math.floor(x)), to: timeAt(t, Math.floor(x) + 1) };
  }
  return nearest(t, row, first, last, x);
}

function nearest(t, row, first, last, x) {
  let [best, least] = [null, 5];
  const look = (i) => {
    const [left, width] = extent(t, i);
    const distance = Math.max(left - x, x - left - width, 0) + (t.mask[i] ? 0 : 2);
    if (distance < least) [best, least] = [i, distance];
  };
  for (let place = first; place < last; place++) look(row.operations[place]);
  return best === null ? null : { operation: best };
}

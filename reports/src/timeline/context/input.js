// What the reader does: pointer, wheel, keys, the form and its buttons.

function listen(t) {
  const { canvas, form } = t;
  canvas.addEventListener("pointerdown", (event) => pressed(t, event));
  canvas.addEventListener("pointermove", (event) => moved(t, event));
  canvas.addEventListener("pointerup", (event) => released(t, event));
  canvas.addEventListener("pointercancel", (event) => t.pointers.delete(event.pointerId));
  canvas.addEventListener("pointerleave", () => { t.tip.hidden = true; });
  canvas.addEventListener("dblclick", (event) => act(t, () => zoom(t, 1 / 4, event.offsetX)));
  canvas.addEventListener("wheel", (event) => wheeled(t, event), { passive: false });
  canvas.addEventListener("keydown", (event) => keyed(t, event, CANVAS_KEYS));
  document.addEventListener("keydown", (event) => {
    if (!event.target.closest("input, select, textarea")) keyed(t, event, PAGE_KEYS);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => {
    clearTimeout(t.typing);
    t.typing = setTimeout(() => act(t, () => filter(t)), 120);
  });
  form.elements.text.addEventListener("keydown", (event) => {
    if (event.key === "Enter") act(t, () => step(t, 1));
    if (event.key === "Escape") canvas.focus();
  });
  for (const [name, action] of Object.entries(BUTTONS)) form.elements[name].addEventListener("click", () => act(t, () => action(t)));
}

const whole = (t) => { t.view = { ...t.limits }; };

const BUTTONS = {
  in: (t) => zoom(t, 1 / 2),
  out: (t) => zoom(t, 2),
  all: whole,
  previous: (t) => step(t, -1),
  next: (t) => step(t, 1),
  contradiction: (t) => showContradiction(t),
};

const CANVAS_KEYS = {
  ArrowLeft: (t, event) => pan(t, event.shiftKey ? -0.8 : -0.15),
  ArrowRight: (t, event) => pan(t, event.shiftKey ? 0.8 : 0.15),
  "+": (t) => zoom(t, 1 / 1.6),
  "=": (t) => zoom(t, 1 / 1.6),
  "-": (t) => zoom(t, 1.6),
  Home: whole,
  Escape: (t) => { t.selected = null; },
};

const PAGE_KEYS = {
  "/": (t) => {
    t.form.elements.text.focus();
    t.form.elements.text.select();
  },
  n: (t) => step(t, 1),
  p: (t) => step(t, -1),
  v: (t) => showContradiction(t),
};

function keyed(t, event, keys) {
  if (event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(keys, event.key)) return;
  if (keys === PAGE_KEYS && event.key !== "/") t.canvas.scrollIntoView({ block: "nearest" });
  event.preventDefault();
  act(t, () => keys[event.key](t, event));
}

// Chooses the next match, or the one before.
function step(t, direction) {
  const { data, mask } = t;
  let i = t.selected ?? firstAtLeast(data.count, t.view.from, (i) => data.begin[i]) - (direction > 0 ? 1 : 0);
  do i += direction; while (i >= 0 && i < data.count && !mask[i]);
  if (i < 0 || i >= data.count) return;
  t.selected = i;
  reveal(t, i);
}

// Goes to the contradiction, and from there to the next one.
function showContradiction(t) {
  if (t.contradictions.length === 0) return;
  t.contradiction = (t.contradiction + 1) % t.contradictions.length;
  const found = t.contradictions[t.contradiction];
  t.selected = found[found.length - 1];
  show(t, Math.min(...found.map((i) => t.data.begin[i])), Math.max(...found.map((i) => endOf(t.data, i))));
}

function wheeled(t, event) {
  const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
  if (event.ctrlKey || event.metaKey) {
    event.preventDefault();
    act(t, () => zoom(t, Math.exp(Math.max(-60, Math.min(60, event.deltaY)) / 100), event.offsetX));
  } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
    event.preventDefault();
    act(t, () => pan(t, sideways / t.layout.plot));
  }
}

function pressed(t, event) {
  t.canvas.setPointerCapture(event.pointerId);
  t.pointers.set(event.pointerId, { x: event.offsetX, y: event.offsetY, startX: event.offsetX, dragged: false });
  if (event.offsetY < OVERVIEW_HEIGHT) toOverview(t, event.offsetX);
}

// The window moves to where the overview was touched.
function toOverview(t, x) {
  const part = (x - t.layout.left) / t.layout.plot;
  const middle = t.limits.from + part * (t.limits.to - t.limits.from);
  const half = (t.view.to - t.view.from) / 2;
  act(t, () => { t.view = clamped(t, middle - half, middle + half); });
}

function moved(t, event) {
  const pointer = t.pointers.get(event.pointerId);
  if (!pointer) return hover(t, event);
  const before = pointer.x;
  pointer.x = event.offsetX;
  pointer.dragged ||= Math.abs(pointer.x - pointer.startX) > 4;
  if (t.pointers.size === 2) return pinched(t, pointer, before);
  if (pointer.y < OVERVIEW_HEIGHT) toOverview(t, pointer.x);
  else if (pointer.dragged) act(t, () => pan(t, (before - pointer.x) / t.layout.plot));
}

function pinched(t, pointer, before) {
  const other = [...t.pointers.values()].find((one) => one !== pointer);
  const apart = (x) => Math.max(20, Math.abs(x - other.x));
  act(t, () => zoom(t, apart(before) / apart(pointer.x), other.x));
}

function released(t, event) {
  const pointer = t.pointers.get(event.pointerId);
  t.pointers.delete(event.pointerId);
  if (!pointer || pointer.dragged || pointer.y < OVERVIEW_HEIGHT) return;
  const under = hit(t, event.offsetX, event.offsetY);
  act(t, () => choose(t, under));
}

// A tap chooses an operation; on a count, the first of those that are counted.
function choose(t, under) {
  if (under?.counts) {
    const { data, mask } = t;
    const places = placesWithin(data, under.row, under.from, under.to);
    const counted = under.row.operations.subarray(...places).find((i) => mask[i] && data.begin[i] >= under.from);
    t.selected = counted ?? null;
  } else t.selected = under?.operation ?? null;
}

function hover(t, event) {
  const under = hit(t, event.offsetX, event.offsetY);
  t.tip.hidden = under === null;
  t.canvas.style.cursor = under?.operation === undefined ? "" : "pointer";
  if (under === null) return;
  t.tip.textContent = tipText(t, under);
  const left = Math.min(event.offsetX + 14, t.layout.width - t.tip.offsetWidth - 4);
  t.tip.style.left = `${Math.max(0, left)}px`;
  t.tip.style.top = `${event.offsetY + 16}px`;
}

function tipText(t, under) {
  const { data } = t;
  if (under.operation !== undefined) return sentence(data, under.operation);
  if (under.item) {
    const { item, track } = under;
    const what = track.kind === "leader" ? `${item.node} led in term ${item.term}` : `#${item.id} ${item.name} ${item.description}: ${item.effect}`;
    return `${what}\n${moment(data, item.from)} to ${moment(data, item.to)}`;
  }
  const counts = under.counts.map((count, outcome) => `${grouped(count)} ${OUTCOMES[outcome]}`).join(", ");
  const others = under.others > 0 ? `, ${grouped(under.others)} not asked for` : "";
  return `${counts}${others}\nbegan within ${duration(data, under.to - under.from)} from ${moment(data, under.from, 6)}`;
}

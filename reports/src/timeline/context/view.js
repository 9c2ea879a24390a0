// What part of the time is in view, and where things lie on the canvas.

const OVERVIEW_HEIGHT = 30, AXIS_HEIGHT = 24, TRACK_HEIGHT = 18, GAP = 5;
const LEAST_SPAN = { time: 2000, order: 8 };

function limitsOf(data) {
  const first = Math.min(data.begin[0], ...data.faults.slice(0, 1).map((fault) => fault.from));
  const margin = Math.max(1, data.end - first) / 100;
  return { from: Math.max(0, first - margin), to: data.end + margin };
}

// Keeps a view within the limits, and its span above what can be told apart.
function clamped(t, from, to) {
  const { limits } = t;
  const widest = limits.to - limits.from;
  const span = Math.min(widest, Math.max(to - from, Math.min(widest, LEAST_SPAN[t.data.axis])));
  const middle = (from + to) / 2;
  const start = Math.min(Math.max(middle - span / 2, limits.from), limits.to - span);
  return { from: start, to: start + span };
}

function pan(t, part) {
  const shift = (t.view.to - t.view.from) * part;
  t.view = clamped(t, t.view.from + shift, t.view.to + shift);
}

// Zooms by a factor; what lies at pixel `x` stays there.
function zoom(t, factor, x = middleOf(t)) {
  const fixed = timeAt(t, x);
  const span = Math.min((t.view.to - t.view.from) * factor, t.limits.to - t.limits.from);
  const left = (x - t.layout.left) / t.layout.plot;
  t.view = clamped(t, fixed - span * left, fixed + span * (1 - left));
}

function show(t, from, to) {
  const margin = (to - from) * 0.15;
  t.view = clamped(t, from - margin, to + margin);
}

// Moves as little as possible, and zooms in only where bars would be thinner than pixels.
function reveal(t, i) {
  const row = t.rows.all[t.rows.rowOf[i]];
  const spacing = (t.limits.to - t.limits.from) / row.operations.length;
  const [first, last] = placesWithin(t.data, row, t.view.from, t.view.to);
  const dense = isDense(t, last - first);
  const near = Math.min(spacing * t.layout.plot / 12, (t.view.to - t.view.from) / 2);
  const span = dense ? near : t.view.to - t.view.from;
  const begin = t.data.begin[i];
  if (dense || begin < t.view.from || endOf(t.data, i) > t.view.to) t.view = clamped(t, begin - span / 2, begin + span / 2);
}

// An operation among its neighbours in time.
function showAmongOthers(t, i) {
  const { data } = t;
  const [first, last] = [Math.max(0, i - 40), Math.min(data.count - 1, i + 40)];
  show(t, data.begin[first], Math.max(data.begin[last], endOf(data, i)));
}

function middleOf(t) {
  return t.layout.left + t.layout.plot / 2;
}

function timeAt(t, x) {
  return t.view.from + (x - t.layout.left) / t.layout.plot * (t.view.to - t.view.from);
}

function pixelOf(t, time) {
  return t.layout.left + (time - t.view.from) / (t.view.to - t.view.from) * t.layout.plot;
}

// Whether that many operations in a row are counted by pixel rather than drawn one by one.
function isDense(t, operations) {
  return operations * 3 > t.layout.plot;
}

function layoutOf(t) {
  const width = t.canvas.parentElement.clientWidth;
  const left = width < 560 ? 66 : 100;
  const rows = t.rows.all.length;
  const row = Math.min(24, Math.max(6, Math.floor(440 / rows)));
  const tracksTop = OVERVIEW_HEIGHT + AXIS_HEIGHT + GAP;
  const top = tracksTop + t.tracks.length * TRACK_HEIGHT + (t.tracks.length > 0 ? GAP : 0);
  return { width, left, plot: Math.max(40, width - left - 8), row, tracksTop, top, bottom: top + rows * row, height: top + rows * row + 4 };
}

// One row for each kind of fault, then one for each node that led.
function tracksOf(data) {
  const byName = (name, kind, items, title) => ({ name, kind, title, items: items.filter((item) => (item.name ?? item.node) === name) });
  const names = (items, of) => [...new Set(items.map(of))].sort();
  return [
    ...names(data.faults, (fault) => fault.name).map((name) => byName(name, "fault", data.faults, name)),
    ...names(data.leaders, (span) => span.node).map((name) => byName(name, "leader", data.leaders, `${name} leads`)),
  ];
}

// Round moments within the view, at most as many as find room.
function marks(t) {
  const most = Math.max(2, Math.floor(t.layout.plot / 80));
  const least = (t.view.to - t.view.from) / most;
  const power = 10 ** Math.floor(Math.log10(least));
  const step = Math.max(1, [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least));
  const decimals = Math.min(9, Math.max(0, 9 - Math.floor(Math.log10(step) + 1e-9)));
  const marks = [];
  for (let at = Math.ceil(t.view.from / step) * step; at <= t.view.to; at += step) marks.push([at, moment(t.data, at, decimals)]);
  return marks;
}

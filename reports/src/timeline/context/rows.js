// Which operation is drawn in which row: a row for each client, or for each node as many as it had operations at once.
//
// A row has its operations in the order of their beginnings, and `reach`: the latest end of any of them so far. It never falls,
// so what is in view is found by halving.

const MOST_OWN_ROWS = 32;
const MOST_ROWS = 120;
const MOST_ROWS_OF_A_NODE = 8;

function rowsByClient(data) {
  const places = placesOfClients(data);
  const names = [];
  data.processes.forEach((process, p) => {
    const place = places[p];
    if (names[place] === undefined) names[place] = `client ${process}`;
    else if (!names[place].endsWith("…")) names[place] += " …";
  });
  const rowOf = new Uint32Array(data.count);
  for (let i = 0; i < data.count; i++) rowOf[i] = places[data.process[i]];
  return rows(data, rowOf, names);
}

// A client that came when another was gone may follow it in its row, where there are too many for a row each.
function placesOfClients(data) {
  const processes = data.processes.length;
  if (processes <= MOST_OWN_ROWS) return Uint32Array.from({ length: processes }, (_, p) => p);
  const first = new Float64Array(processes).fill(Infinity);
  const last = new Float64Array(processes);
  for (let i = 0; i < data.count; i++) {
    const p = data.process[i];
    first[p] = Math.min(first[p], data.begin[i]);
    last[p] = Math.max(last[p], endOf(data, i));
  }
  const order = Array.from(first.keys()).sort((a, b) => first[a] - first[b]);
  const places = new Uint32Array(processes);
  const free = [];
  for (const p of order) {
    let place = free.findIndex((end) => end < first[p]);
    if (place < 0) place = free.length < MOST_ROWS ? free.length : p % MOST_ROWS;
    free[place] = Math.max(free[place] ?? 0, last[p]);
    places[p] = place;
  }
  return places;
}

function rowsByNode(data) {
  const nodes = new Map();
  for (let i = 0; i < data.count; i++) {
    if (!nodes.has(data.node[i])) nodes.set(data.node[i], { free: [], rows: [] });
  }
  const rowOf = new Uint32Array(data.count);
  for (let i = 0; i < data.count; i++) {
    const { free } = nodes.get(data.node[i]);
    let row = 0;
    while (row < free.length && free[row] > data.begin[i]) row++;
    if (row === MOST_ROWS_OF_A_NODE) row--;
    free[row] = Math.max(free[row] ?? 0, endOf(data, i));
    rowOf[i] = row;
  }
  const name = (node) => optionalText(data, node) || "no node";
  const sorted = [...nodes.keys()].sort((a, b) => name(a).localeCompare(name(b), "en", { numeric: true }));
  const names = [];
  for (const node of sorted) {
    nodes.get(node).start = names.length;
    nodes.get(node).free.forEach((_, row) => names.push(row === 0 ? name(node) : ""));
  }
  for (let i = 0; i < data.count; i++) rowOf[i] += nodes.get(data.node[i]).start;
  return rows(data, rowOf, names);
}

function rows(data, rowOf, names) {
  const counts = new Uint32Array(names.length);
  for (let i = 0; i < data.count; i++) counts[rowOf[i]]++;
  const all = names.map((name, row) => ({
    name,
    operations: new Uint32Array(counts[row]),
    reach: new Float64Array(counts[row]),
    open: [],
  }));
  counts.fill(0);
  for (let i = 0; i < data.count; i++) {
    const row = all[rowOf[i]];
    const place = counts[rowOf[i]]++;
    row.operations[place] = i;
    row.reach[place] = Math.max(place > 0 ? row.reach[place - 1] : 0, endOf(data, i));
    if (!returned(data, i)) row.open.push(i);
  }
  return { all, rowOf };
}

// The first place whose number is at least `bound`; the numbers never fall.
function firstAtLeast(length, bound, number) {
  let low = 0, high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (number(middle) < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}

// Places of a row from the first operation that ends after `from` to the first that begins after `to`.
function placesWithin(data, row, from, to) {
  const length = row.operations.length;
  return [
    firstAtLeast(length, from, (place) => row.reach[place]),
    firstAtLeast(length, to, (place) => data.begin[row.operations[place]]),
  ];
}

// Puts the timeline together: reads the operations, fills the form, follows the address, and draws whenever something changed.

function filter(t) {
  const wanted = Object.fromEntries(CONDITIONS.map((name) => [name, t.form.elements[name].value.trim()]));
  const key = JSON.stringify(wanted);
  if (key !== t.wanted) {
    t.wanted = key;
    const { mask, count } = matching(t.data, wanted);
    [t.mask, t.matches] = [mask, count];
  }
  const lanes = t.form.elements.lanes.value;
  if (lanes !== t.lanes) {
    t.lanes = lanes;
    t.rows = lanes === "node" ? rowsByNode(t.data) : rowsByClient(t.data);
  }
}

// Everything that changes what is seen goes through here.
function act(t, change) {
  change();
  remember(t);
  redraw(t);
}

function redraw(t) {
  if (t.drawing) return;
  t.drawing = requestAnimationFrame(() => {
    t.drawing = 0;
    paint(t);
    tell(t);
  });
}

// Says in words, and to scripts, what is seen.
function tell(t) {
  const { data, section, status } = t;
  const all = t.matches === data.count;
  status.textContent = `${all ? "" : `${grouped(t.matches)} of `}${grouped(data.count)} operations${all ? "" : " match"}. ` +
    `In view: ${moment(data, t.view.from)} to ${moment(data, t.view.to)}.`;
  Object.assign(section.dataset, {
    from: Math.round(t.view.from), to: Math.round(t.view.to), matches: t.matches, rows: t.rows.all.length, dense: t.dense,
    tracks: t.tracks.map((track) => track.title).join(","), left: t.layout.left, top: t.layout.top, row: t.layout.row,
    selected: t.selected === null ? "" : data.event[t.selected],
  });
  if (t.told !== t.selected) describe(t);
}

function describe(t) {
  t.told = t.selected;
  t.chosen.replaceChildren();
  if (t.selected === null) return;
  const list = document.createElement("dl");
  for (const [name, text] of facts(t.data, t.selected)) list.append(element("dt", name), element("dd", text));
  t.chosen.append(list);
  const key = keyText(t.data, t.selected);
  if (key) {
    const only = element("button", "Only this key");
    only.type = "button";
    only.addEventListener("click", () => act(t, () => {
      t.form.elements.key.value = key;
      filter(t);
    }));
    t.chosen.append(only);
  }
}

function element(name, text) {
  const element = document.createElement(name);
  element.textContent = text;
  return element;
}

function offer(select, names) {
  for (const name of names) {
    const option = element("option", name);
    option.value = name;
    select.append(option);
  }
}

function namesIn(data, column, offset) {
  const used = new Set(column);
  return [...used].filter((code) => code >= offset).map((code) => data.texts[code - offset])
    .sort((a, b) => a.localeCompare(b, "en", { numeric: true })).slice(0, 200);
}

// The operations of each contradiction, by their places.
function contradictionsOf(data) {
  const places = new Map();
  const wanted = new Set(data.contradictions.flat());
  for (let i = 0; wanted.size > 0 && i < data.count; i++) if (wanted.has(data.event[i])) places.set(data.event[i], i);
  return data.contradictions.map((events) => events.map((event) => places.get(event)).filter((i) => i !== undefined))
    .filter((found) => found.length > 0);
}

function begin(section, data) {
  const canvas = section.querySelector("canvas");
  const t = {
    section, data, canvas, pen: canvas.getContext("2d"), form: section.querySelector("form"), tip: section.querySelector(".tip"),
    status: section.querySelector(".status"), chosen: section.querySelector(".chosen"), pointers: new Map(), colour: palette(),
    limits: limitsOf(data), tracks: tracksOf(data), contradictions: contradictionsOf(data), contradiction: -1, selected: null, told: null,
  };
  t.view = { ...t.limits };
  offer(t.form.elements.type, namesIn(data, data.function, 0));
  offer(t.form.elements.node, namesIn(data, data.node, 1));
  t.form.elements.contradiction.hidden = t.contradictions.length === 0;
  t.form.hidden = canvas.parentElement.hidden = false;
  filter(t);
  t.layout = layoutOf(t);
  return t;
}

function attend(t) {
  listen(t);
  new ResizeObserver(() => redraw(t)).observe(t.canvas.parentElement);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    t.colour = palette();
    redraw(t);
  });
  const arrive = () => {
    if (location.hash !== t.address && follow(t, location.hash)) {
      t.section.scrollIntoView();
      redraw(t);
    }
  };
  addEventListener("hashchange", arrive);
  arrive();
}

async function main(section) {
  const status = section.querySelector(".status");
  if (typeof DecompressionStream === "undefined") {
    status.textContent = "This browser cannot unpack the operations; Chromium 103, Firefox 113, Safari 16.4 and later can.";
    return;
  }
  status.textContent = "Reading the operations …";
  await new Promise((painted) => requestAnimationFrame(() => setTimeout(painted)));
  const text = document.getElementById("operations");
  const t = begin(section, await unpack(text.textContent));
  text.remove();
  attend(t);
  paint(t);
  tell(t);
  section.dataset.ready = Math.round(performance.now());
}

for (const section of document.querySelectorAll("section.context")) {
  main(section).catch((error) => {
    section.querySelector(".status").textContent = `The operations could not be read: ${error.message}`;
    throw error;
  });
}
})();

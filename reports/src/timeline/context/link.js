// The address says what is in view, so that it can be passed on: `#op=123&t=11900000000-14200000000&node=n3`.

function address(t) {
  const link = new URLSearchParams();
  if (t.selected !== null) link.set("op", t.data.event[t.selected]);
  const { from, to } = t.view;
  const whole = from <= t.limits.from && to >= t.limits.to;
  if (!whole) link.set("t", `${Math.round(from)}-${Math.round(to)}`);
  for (const name of [...CONDITIONS, "lanes"]) {
    const value = t.form.elements[name].value;
    if (value && value !== "client") link.set(name, value);
  }
  return `#${link}`;
}

// Whether the address led anywhere.
function follow(t, fragment) {
  const link = new URLSearchParams(fragment.slice(1));
  const known = ["op", "t", "lanes", ...CONDITIONS].some((name) => link.has(name));
  if (!known) return false;
  for (const name of CONDITIONS) t.form.elements[name].value = link.get(name) ?? "";
  t.form.elements.lanes.value = link.get("lanes") === "node" ? "node" : "client";
  filter(t);
  const event = Number(link.get("op") ?? NaN);
  const found = t.data.event.indexOf(event);
  t.selected = found < 0 ? null : found;
  const [from, to] = (link.get("t") ?? "").split("-").map(Number);
  if (from < to) t.view = clamped(t, from, to);
  else if (found >= 0) showAmongOthers(t, found);
  else t.view = { ...t.limits };
  return true;
}

function remember(t) {
  clearTimeout(t.remembering);
  t.remembering = setTimeout(() => {
    t.address = address(t);
    try {
      history.replaceState(null, "", t.address);
    } catch {
      // Some browsers refuse it for files; the page works without.
    }
  }, 200);
}

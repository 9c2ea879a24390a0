// Operations, moments and counts in words, as the rest of the page writes them.

const OUTCOMES = ["ok", "failed", "indeterminate"];
const OK = 0, FAILED = 1, INFO = 2, NEVER_RETURNED = 4;

function outcomeOf(data, i) {
  return data.outcome[i] & 3;
}

function returned(data, i) {
  return data.outcome[i] < NEVER_RETURNED;
}

function endOf(data, i) {
  return data.begin[i] + data.length[i];
}

function grouped(count) {
  return String(count).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

function moment(data, time, decimals = 3) {
  if (data.axis === "order") return `event ${Math.round(time)}`;
  return `${((time + data.origin) / 1e9).toFixed(decimals)} s`;
}

function duration(data, length) {
  if (data.axis === "order") return `${Math.round(length)} events`;
  if (length < 1e4) return `${(length / 1e3).toFixed(2)} µs`;
  if (length < 1e7) return `${(length / 1e6).toFixed(2)} ms`;
  if (length < 1e9) return `${Math.floor(length / 1e6)} ms`;
  return `${(length / 1e9).toFixed(length < 1e11 ? 1 : 0)} s`;
}

function valueText(data, code) {
  if (code === 0) return "nil";
  return code % 2 ? String(signed((code - 1) / 2)) : data.texts[code / 2 - 1];
}

function optionalText(data, code) {
  return code === 0 ? "" : data.texts[code - 1];
}

function keyText(data, i) {
  return data.key[i] === 0 ? "" : valueText(data, data.key[i] - 1);
}

function inputText(data, i) {
  return valueText(data, data.input[i]);
}

function outputText(data, i) {
  return data.output[i] === 0 ? inputText(data, i) : valueText(data, data.output[i] - 1);
}

function clientText(data, i) {
  return `client ${data.processes[data.process[i]]}`;
}

// `w 17`, `r 16`, `cas 3→4`.
function label(data, i) {
  const name = data.texts[data.function[i]];
  const known = outcomeOf(data, i) === OK;
  if (name === "read") return `r ${known ? outputText(data, i) : "?"}`;
  if (name === "write") return `w ${inputText(data, i)}`;
  if (name === "cas") return `cas ${inputText(data, i).replace(/^\[(\S+) (\S+)\]$/, "$1→$2")}`;
  const value = known && data.output[i] > 1 ? outputText(data, i) : inputText(data, i);
  return `${name} ${value}`;
}

// What is known of an operation, as names and texts.
function facts(data, i) {
  const facts = [
    ["Operation", `${data.texts[data.function[i]]} ${inputText(data, i)}`],
    ["Answer", outcomeOf(data, i) === OK ? outputText(data, i) : "none"],
    ["Outcome", OUTCOMES[outcomeOf(data, i)]],
    ["Error", optionalText(data, data.error[i])],
    ["Key", keyText(data, i)],
    ["Client", String(data.processes[data.process[i]])],
    ["Node", optionalText(data, data.node[i])],
    ["Called", moment(data, data.begin[i], 6)],
    ["Returned", returned(data, i) ? moment(data, endOf(data, i), 6) : "never"],
    ["Lasted", returned(data, i) ? duration(data, data.length[i]) : ""],
    ["Event", String(data.event[i])],
  ];
  return facts.filter(([, text]) => text !== "");
}

function sentence(data, i) {
  const node = optionalText(data, data.node[i]);
  const key = keyText(data, i);
  return [
    `${label(data, i)}${key && ` on ${key}`}: ${OUTCOMES[outcomeOf(data, i)]}`,
    `${clientText(data, i)}${node && ` at ${node}`}`,
    `${moment(data, data.begin[i])}${returned(data, i) ? `, ${duration(data, data.length[i])}` : ", never returned"}`,
  ].join("\n");
}

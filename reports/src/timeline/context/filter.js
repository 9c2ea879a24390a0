// Which operations the reader asked for: all conditions hold. A number is found as a whole, a text by any part of it.

const CONDITIONS = ["text", "key", "value", "type", "node", "outcome"];

function matching(data, conditions) {
  const mask = new Uint8Array(data.count).fill(1);
  const keep = (holds) => {
    for (let i = 0; i < data.count; i++) if (mask[i] && !holds(i)) mask[i] = 0;
  };
  const { text, key, value, type, node, outcome } = conditions;
  if (type) keep(equal(data, type, data.function, 0));
  if (node) keep(equal(data, node, data.node, 1));
  if (outcome) keep((i) => outcomeOf(data, i) === Number(outcome));
  if (key) keep(keyIs(data, key));
  if (value) keep(valueHas(data, value));
  if (text) keep(anythingHas(data, text));
  return { mask, count: mask.reduce((sum, one) => sum + one, 0) };
}

function equal(data, text, column, offset) {
  const wanted = data.texts.map((one) => one === text);
  return (i) => column[i] >= offset && wanted[column[i] - offset];
}

function keyIs(data, key) {
  const is = codeTest(data, (text) => text === key, key);
  return (i) => data.key[i] > 0 && is(data.key[i] - 1);
}

function valueHas(data, value) {
  const has = codeTest(data, contains(value), value);
  return (i) => has(data.input[i]) || (data.output[i] > 0 && has(data.output[i] - 1));
}

function anythingHas(data, text) {
  const test = contains(text);
  const inText = data.texts.map(test);
  const inValue = valueHas(data, text);
  const inKey = codeTest(data, test, text);
  const client = data.processes.map((process) => `client ${process}` === text.toLowerCase());
  return (i) =>
    inText[data.function[i]] || (data.node[i] > 0 && inText[data.node[i] - 1]) || (data.error[i] > 0 && inText[data.error[i] - 1]) ||
    (data.key[i] > 0 && inKey(data.key[i] - 1)) || inValue(i) || client[data.process[i]];
}

function contains(text) {
  const part = text.toLowerCase();
  return (whole) => whole.toLowerCase().includes(part);
}

// Whether a code is the wanted number, or a text that passes.
function codeTest(data, test, wanted) {
  const passes = data.texts.map(test);
  const number = /^-?\d+$/.test(wanted) ? Number(wanted) : NaN;
  return (code) => {
    if (code === 0) return wanted === "nil";
    return code % 2 ? signed((code - 1) / 2) === number : passes[code / 2 - 1];
  };
}

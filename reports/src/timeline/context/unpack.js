(() => {
"use strict";

// The operations of the history, from the text in the page to one typed array for each column.

async function unpack(base64) {
  const packed = Uint8Array.fromBase64 ? Uint8Array.fromBase64(base64) : bytesOf(base64);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return decode(new Uint8Array(await new Response(stream).arrayBuffer()));
}

function bytesOf(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

function decode(bytes) {
  let at = 0;
  const number = () => {
    let byte = bytes[at++];
    let value = byte & 127;
    for (let factor = 128; byte > 127; factor *= 128) {
      byte = bytes[at++];
      value += (byte & 127) * factor;
    }
    return value;
  };
  const text = () => {
    const length = number();
    at += length;
    return new TextDecoder().decode(bytes.subarray(at - length, at));
  };
  const head = JSON.parse(text());
  const texts = text().split("\n");
  const column = (target) => {
    for (let i = 0; i < target.length; i++) target[i] = number();
    return target;
  };
  const sums = (target, read) => {
    let sum = 0;
    for (let i = 0; i < target.length; i++) target[i] = sum += read();
    return target;
  };
  const count = head.count;
  return {
    ...head,
    texts,
    begin: sums(new Float64Array(count), number),
    length: column(new Float64Array(count)),
    outcome: column(new Uint8Array(count)),
    process: column(new Uint32Array(count)),
    function: column(new Uint32Array(count)),
    node: column(new Uint32Array(count)),
    key: column(new Float64Array(count)),
    input: column(new Float64Array(count)),
    output: column(new Float64Array(count)),
    error: column(new Uint32Array(count)),
    event: sums(new Float64Array(count), () => signed(number())),
  };
}

// From 0, 1, 2, 3 … back to 0, -1, 1, -2 …
function signed(number) {
  return number % 2 ? -(number + 1) / 2 : number / 2;
}

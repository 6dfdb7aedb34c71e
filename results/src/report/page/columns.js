"use strict";
// Unpacks what report/columns.rs packs: base64 of LEB128 varints.

/** Decodes one column of `count` whole numbers; `rising` ones are stored as differences. */
function decodeColumn(text, count, rising) {
  const bytes = atob(text);
  const values = new Float64Array(count);
  let at = 0;
  let last = 0;
  for (let row = 0; row < count; row++) {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = bytes.charCodeAt(at++);
      // Not shifts: those would cut numbers at 32 bits.
      value += (byte & 0x7f) * scale;
      scale *= 128;
      if (byte < 0x80) break;
    }
    last = rising ? last + value : value;
    values[row] = last;
  }
  return values;
}

/** The operations as an object of columns, sorted by `start`. */
function decodeOperations(packed) {
  const rising = new Set(["start", "index"]);
  const names = ["start", "latency", "outcome", "kind", "process", "key", "node", "index",
    "completion", "attempts"];
  const operations = { count: packed.count, kinds: packed.kinds, keys: packed.keys, nodes: packed.nodes };
  // How many operations each stands for: of a long run, a sample is drawn.
  operations.weight = packed.columns.weight
    ? decodeColumn(packed.columns.weight, packed.count, false)
    : new Float64Array(packed.count).fill(1);
  for (const name of names) {
    operations[name] = decodeColumn(packed.columns[name] ?? "", packed.count, rising.has(name));
  }
  return operations;
}

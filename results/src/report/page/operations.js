"use strict";
// Unpacks the operations.

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

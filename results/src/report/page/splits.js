"use strict";
// What the throughput is split into, and one process' operations alone.

/** How a part of a split is drawn: a colour and a texture, so that nothing is told by colour alone. */
const PART_TEXTURES = ["solid", "stripes", "dots", "counter-stripes", "horizontal", "grid", "rings", "vertical"];

/** The ways to split operations: names of the parts, and which part the operation of a row is. */
function splitOf(operations, by) {
  const { outcome, kind, node } = operations;
  if (by === "kind") return { by, names: operations.kinds, of: (row) => kind[row] };
  if (by === "node") {
    // In the order of their names: the first to answer is no order.
    const order = operations.nodes.map((name, number) => [name, number + 1])
      .sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true }));
    const places = new Map([...order.map(([, number], place) => [number, place]), [0, order.length]]);
    const names = [...order.map(([name]) => name), "no node"];
    return { by, names, of: (row) => places.get(node[row]) };
  }
  return { by: "outcome", names: OUTCOMES, of: (row) => outcome[row] };
}

/** Colour and texture of a part. */
function partFill(context, colours, by, number) {
  if (by === "outcome") return { colour: colours[OUTCOMES[number]], fill: colours[OUTCOMES[number]] };
  const colour = colours[`node-${number % CLOCK_DASHES.length}`];
  const kind = PART_TEXTURES[number % PART_TEXTURES.length];
  return { colour, fill: kind === "solid" ? colour : texture(context, kind, colour) };
}

/** The operations of one process, as columns like those of all. */
function ofProcess(operations, process) {
  const rows = [];
  for (let row = 0; row < operations.count; row++) {
    if (operations.process[row] === process) rows.push(row);
  }
  const columns = Object.entries(operations).filter(([, column]) => column instanceof Float64Array)
    .map(([name, column]) => [name, Float64Array.from(rows, (row) => column[row])]);
  return { ...operations, ...Object.fromEntries(columns), count: rows.length };
}

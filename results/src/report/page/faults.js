"use strict";
// Draws the faults: a named bar for each, a band in the row of every node that it was aimed at, and
// a shade behind what the clients measured.

/** More rows than this are made only for faults that overlap. */
const MOST_FAULT_ROWS = 10;
/** More bands than this at one node share the last lane. */
const MOST_BANDS = 3;

/** Puts every fault into a row in which it overlaps none, and has room for its name if possible. */
function packFaults(faults, end, labelWidth, plotWidth) {
  // A name that does not fit into its bar stands right of it.
  const room = (fault) => {
    const label = (labelWidth(fault) / plotWidth) * end;
    return label <= fault.end - fault.start ? fault.end : fault.end + label;
  };
  const rows = [];
  for (const fault of faults) {
    let row = rows.findIndex((last) => last.labelled <= fault.start);
    if (row < 0 && rows.length >= MOST_FAULT_ROWS) {
      row = rows.findIndex((last) => last.end <= fault.start);
    }
    if (row < 0) row = rows.push(null) - 1;
    rows[row] = { end: fault.end, labelled: room(fault) };
    fault.row = row;
  }
}

/** The place of each of these lanes once those that are not among them are left out. */
function closeUp(lanes) {
  const used = [...new Set(lanes)].sort((a, b) => a - b);
  return new Map(used.map((lane, place) => [lane, place]));
}

/** Puts the faults that name a node into lanes below its row: `node.bands` are pairs of a fault and its lane. */
function packBands(node, faults) {
  const ends = [];
  node.bands = [];
  for (const fault of faults) {
    if (fault.outcome === "skipped" || !fault.nodes.includes(node.name)) continue;
    let lane = ends.findIndex((end) => end <= fault.start);
    if (lane < 0) lane = Math.min(ends.length, MOST_BANDS - 1);
    ends[lane] = Math.max(ends[lane] ?? 0, fault.end);
    node.bands.push([fault, lane]);
  }
}

function faultName(fault) {
  const sign = { skipped: "⊘ ", indeterminate: "? ", unreported: "? " }[fault.outcome] ?? "";
  return `${sign}${fault.name}`;
}

/** What is written at a bar: the name with the measurement that tells most. */
function faultLabel(fault) {
  return fault.label ? `${faultName(fault)} · ${fault.label}` : faultName(fault);
}

/** Everything about a fault at a moment, for the reader. */
function faultStory(fault, time) {
  const outcome = fault.outcome === "installed" ? "" : ` · ${fault.outcome}`;
  const nodes = fault.nodes.length ? ` · at ${fault.nodes.join(", ")}` : "";
  const done = fault.steps.filter((step) => step <= time).length;
  // Of a thousand steps not all are on the page; then only their number is told.
  const step = !fault.stepCount ? ""
    : fault.steps.length === fault.stepCount ? ` · step ${done} of ${fault.stepCount}`
    : ` · ${fault.stepCount} steps`;
  const effect = fault.effect ? ` · ${fault.effect}` : "";
  return `${fault.letter} ${faultName(fault)}${outcome}${nodes}${step}${effect} (#${fault.index})`;
}

/** How many faults were on at the same time, at most. */
function mostAtOnce(faults) {
  const on = faults.filter((fault) => fault.outcome !== "skipped");
  const ends = on.map((fault) => fault.end).sort((a, b) => a - b);
  let ended = 0;
  let most = 0;
  on.forEach((fault, begun) => {
    while (ends[ended] < fault.start) ended++;
    most = Math.max(most, begun + 1 - ended);
  });
  return most;
}

/** A light shade behind what the clients measured while a fault was on. */
function drawShades({ context, run, layout, view, colours, x }) {
  const { lanes } = layout;
  const top = lanes.throughput.top;
  // One fault shades visibly; a dozen at once must not hide what is measured.
  const alpha = Math.min(0.1, 0.25 / layout.mostAtOnce);
  for (const fault of run.faults) {
    if (fault.outcome === "skipped" || fault.end < view.from || fault.start > view.to) continue;
    context.globalAlpha = alpha;
    context.fillStyle = familyColour(colours, fault.family);
    context.fillRect(x(fault.start), top, Math.max(x(fault.end) - x(fault.start), 1), lanes.axis.top - top);
  }
  context.globalAlpha = 1;
}

function drawFaults({ context, run, layout, view, colours, x }) {
  const { lanes, plot } = layout;
  context.font = SMALL;
  context.textAlign = "left";
  if (!run.faults.length) {
    context.fillStyle = colours.muted;
    context.fillText("no fault was injected", plot.left + 5, lanes.faults.top + HEIGHTS.fault / 2);
  }
  if (layout.hidden) {
    const lines = layout.faultRows.size;
    const rows = new Set(run.faults.map((fault) => fault.row)).size - lines;
    context.fillStyle = colours.muted;
    context.fillText(hiddenInWords(layout.hidden, rows), plot.left + 5,
      lanes.faults.top + (lines + 0.5) * HEIGHTS.fault);
  }
  const textures = familyFills(context, colours, run.faults);
  const height = HEIGHTS.fault - 4;
  // From the last to the first, so that every fault knows which one follows it in its row.
  const nextInRow = new Map();
  for (const fault of [...run.faults].reverse()) {
    const next = nextInRow.get(fault.row);
    nextInRow.set(fault.row, fault);
    const limit = Math.min(next ? x(next.start) - 6 : plot.right, plot.right);
    const left = Math.max(x(fault.start), plot.left - 4);
    const right = Math.min(Math.max(x(fault.end), x(fault.start) + 3), plot.right + 4);
    const place = layout.faultRows.get(fault.row);
    if (place === undefined || right < plot.left || left > plot.right) continue;
    const y = lanes.faults.top + place * HEIGHTS.fault + 2;
    const colour = familyColour(colours, fault.family);
    drawFaultBar(context, fault, { left, right, y, height }, colour, textures);
    drawSteps(context, fault, { left, right, y, height }, colour, x);
    drawFaultText(context, fault, { left: Math.max(left, plot.left), right, limit, y: y + height / 2 }, colours);
  }
}

/** What is said of faults whose lanes have nothing in view. */
function hiddenInWords(faults, lanes) {
  const counted = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;
  return `${counted(lanes, "lane")} with ${counted(faults, "fault")} outside this stretch ${lanes === 1 ? "is" : "are"} hidden`;
}

/** Letter and name, within the bar or beside it, with as much of the effect as there is room for. */
function drawFaultText(context, fault, { left, right, limit, y }, colours) {
  context.font = LETTER;
  const letter = context.measureText(fault.letter).width + 4;
  context.font = SMALL;
  const inside = right - left - 19 - letter;
  const outside = limit - right - 10 - letter;
  const choices = [[faultLabel(fault), inside, 0], [faultLabel(fault), outside, 1],
    [faultName(fault), inside, 0], [faultName(fault), outside, 1]];
  const fits = choices.find(([text, room]) => context.measureText(text).width <= room);
  const [text, , beside] = fits ??
    [fitted(context, faultName(fault), Math.max(inside, outside)), 0, outside > inside ? 1 : 0];
  const room = beside ? outside : inside;
  if (room < 0) return;
  const at = beside ? right + 5 : left + 14;
  context.font = LETTER;
  context.fillStyle = familyColour(colours, fault.family);
  context.fillText(fault.letter, at, y + 0.5);
  context.font = SMALL;
  context.fillStyle = colours.ink;
  context.fillText(text, at + letter, y + 0.5);
}

function drawFaultBar(context, fault, { left, right, y, height }, colour, textures) {
  const proven = fault.outcome === "installed";
  if (fault.outcome === "skipped") {
    context.fillStyle = colour;
    context.fillRect(left, y, 2, height);
    return;
  }
  context.fillStyle = colour;
  context.globalAlpha = proven ? 0.16 : 0.05;
  context.fillRect(left, y, right - left, height);
  context.globalAlpha = 1;
  // The texture tells the family; it keeps to the left, so that the name can be read.
  if (proven) {
    context.fillStyle = textures.get(fault.family);
    context.fillRect(left, y, Math.min(11, right - left), height);
  }
  context.strokeStyle = colour;
  context.lineWidth = 1.2;
  context.setLineDash(proven ? [] : [4, 3]);
  context.strokeRect(left + 0.5, y + 0.5, right - left - 1, height - 1);
  context.setLineDash([]);
}

/** A tick at the lower edge of the bar for each step, as many as can be told apart. */
function drawSteps(context, fault, { left, right, y, height }, colour, x) {
  context.fillStyle = colour;
  let last = -Infinity;
  for (const step of fault.steps) {
    const at = x(step);
    if (at < left || at > right || at - last < 3) continue;
    context.fillRect(Math.round(at), y + height - 4, 1.5, 4);
    last = at;
  }
}

/** The faults that were aimed at a node, in lanes below its row. */
function drawBands({ context, layout, view, colours, x }, node, textures) {
  const { plot } = layout;
  const height = HEIGHTS.band - 2;
  for (const [fault, lane] of node.bands) {
    if (fault.end < view.from || fault.start > view.to) continue;
    const left = Math.max(x(fault.start), plot.left - 2);
    const right = Math.min(Math.max(x(fault.end), x(fault.start) + 2), plot.right + 2);
    const y = node.top + HEIGHTS.node - 2 + node.lanes.get(lane) * HEIGHTS.band;
    const colour = familyColour(colours, fault.family);
    const proven = fault.outcome === "installed";
    context.fillStyle = colours.card;
    context.fillRect(left, y, right - left, height);
    context.fillStyle = proven ? textures.get(fault.family) : colours.wash;
    context.globalAlpha = 0.75;
    context.fillRect(left, y, right - left, height);
    context.globalAlpha = 1;
    context.strokeStyle = colour;
    context.lineWidth = 1;
    context.setLineDash(proven ? [] : [3, 2]);
    context.strokeRect(left + 0.5, y + 0.5, Math.max(right - left - 1, 1), height - 1);
    context.setLineDash([]);
    if (right - left < 13) continue;
    context.font = LETTER.replace("11px", "9px");
    context.fillStyle = colours.card;
    context.fillRect(left + 1, y + 1, 11, height - 2);
    context.fillStyle = colour;
    context.textAlign = "center";
    context.fillText(fault.letter, left + 6.5, y + height / 2 + 0.5);
    context.textAlign = "left";
  }
}

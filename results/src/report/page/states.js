"use strict";
// Draws what was going on: the faults, and what each node was.

/** More rows than this are made only for faults that overlap. */
const MOST_FAULT_ROWS = 4;

function familyColour(colours, family) {
  return ["partition", "kill", "pause"].includes(family) ? colours[family] : colours["other-fault"];
}

/** A small repeating texture, so that nothing is told by colour alone. */
function texture(context, kind, colour) {
  const size = { stripes: 7, cross: 7, dots: 5, sparse: 9 }[kind];
  const tile = document.createElement("canvas");
  const scale = devicePixelRatio || 1;
  tile.width = tile.height = Math.round(size * scale);
  const pen = tile.getContext("2d");
  pen.scale(tile.width / size, tile.width / size);
  pen.strokeStyle = pen.fillStyle = colour;
  pen.lineWidth = 1.6;
  pen.beginPath();
  if (kind === "dots") {
    pen.arc(size / 2, size / 2, 1.3, 0, 7);
    pen.fill();
  } else {
    for (const shift of [-size, 0, size]) {
      pen.moveTo(shift - 1, size + 1);
      pen.lineTo(shift + size + 1, -1);
      if (kind === "cross") {
        pen.moveTo(shift - 1, -1);
        pen.lineTo(shift + size + 1, size + 1);
      }
    }
    pen.stroke();
  }
  const pattern = context.createPattern(tile, "repeat");
  pattern.setTransform(new DOMMatrix().scale(size / tile.width));
  return pattern;
}

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
  return Math.max(rows.length, 1);
}

function faultName(fault) {
  const sign = { skipped: "⊘ ", indeterminate: "? ", unreported: "? " }[fault.outcome] ?? "";
  return `${sign}${fault.name}`;
}

function faultLabel(fault) {
  const outcome = fault.outcome === "installed" ? "" : ` · ${fault.outcome}`;
  return `${faultName(fault)}${outcome}${fault.effect ? ` · ${fault.effect}` : ""}`;
}

/** A light shade behind all lanes while a fault was on. */
function drawShades({ context, run, layout, view, colours, x }) {
  const { lanes } = layout;
  context.globalAlpha = 0.1;
  for (const fault of run.faults) {
    if (fault.outcome === "skipped" || fault.end < view.from || fault.start > view.to) continue;
    context.fillStyle = familyColour(colours, fault.family);
    const top = lanes.faults.bottom;
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
  const textures = new Map();
  for (const { family } of run.faults) {
    textures.set(family, familyFill(context, colours, family));
  }
  const height = HEIGHTS.fault - 4;
  run.faults.forEach((fault, position) => {
    const next = run.faults.slice(position + 1).find((other) => other.row === fault.row);
    const limit = Math.min(next ? x(next.start) - 6 : plot.right, plot.right);
    const left = Math.max(x(fault.start), plot.left - 4);
    const right = Math.min(Math.max(x(fault.end), x(fault.start) + 3), plot.right + 4);
    if (right < plot.left || left > plot.right) return;
    const y = lanes.faults.top + fault.row * HEIGHTS.fault + 2;
    drawFaultBar(context, fault, left, right, y, height, familyColour(colours, fault.family), textures);
    const inside = right - Math.max(left, plot.left) - 22;
    const outside = limit - right - 10;
    const choices = [[faultLabel(fault), inside, 0], [faultLabel(fault), outside, 1],
      [faultName(fault), inside, 0], [faultName(fault), outside, 1]];
    const fits = choices.find(([text, room]) => context.measureText(text).width <= room);
    const [text, , beside] = fits ??
      [fitted(context, faultName(fault), Math.max(inside, outside)), 0, outside > inside ? 1 : 0];
    context.fillStyle = colours.ink;
    context.fillText(text, beside ? right + 6 : Math.max(left, plot.left) + 16, y + height / 2 + 0.5);
  });
}

/** How a family's bars are filled: each with its own texture. */
function familyFill(context, colours, family) {
  const colour = familyColour(colours, family);
  const kind = { partition: "stripes", pause: "dots", kill: null }[family];
  return kind === null ? colour : texture(context, kind ?? "cross", colour);
}

function drawFaultBar(context, fault, left, right, y, height, colour, textures) {
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

function drawNodes({ context, run, layout, view, colours, x }) {
  const { lanes, plot } = layout;
  context.textAlign = "left";
  const textures = {
    candidate: texture(context, "sparse", colours["candidate-ink"]),
    down: texture(context, "cross", colours.muted),
    paused: texture(context, "dots", colours.pause),
  };
  run.nodes.forEach((node, row) => {
    const y = lanes.nodes.top + row * HEIGHTS.node;
    const height = HEIGHTS.node - 4;
    for (const [start, end, state, term] of node.spans) {
      if (end < view.from || start > view.to) continue;
      const left = Math.max(x(start), plot.left);
      const width = Math.min(Math.max(x(end), x(start) + 1.5), plot.right) - left;
      const ink = drawSpan(context, state, { left, y, width, height }, colours, textures);
      context.font = state === "leader" ? `600 ${SMALL}` : SMALL;
      const choices = spanLabels(state, term);
      const shown = choices.find((label) => context.measureText(label).width < width - 8);
      if (!shown) continue;
      if (["down", "paused", "silent"].includes(state)) {
        context.fillStyle = colours.card;
        context.fillRect(left + 2, y + 2, context.measureText(shown).width + 6, height - 4);
      }
      context.fillStyle = ink;
      context.fillText(shown, left + 5, y + height / 2 + 0.5);
    }
  });
}

/** What may be written on a span, the fullest first. */
function spanLabels(state, term) {
  if (state === "silent") return ["no role heard"];
  if (state === "down" || state === "paused" || term === null) return [state];
  return [`${state === "leader" ? "LEADER" : state} T${term}`, `T${term}`];
}

/** Paints one state of a node; gives the colour for writing on it. */
function drawSpan(context, state, { left, y, width, height }, colours, textures) {
  const fill = (style, inset, alpha = 1) => {
    context.globalAlpha = alpha;
    context.fillStyle = style;
    context.fillRect(left, y + inset, width, height - 2 * inset);
    context.globalAlpha = 1;
  };
  if (state === "leader") {
    fill(colours.leader, 0);
    return colours["leader-ink"];
  }
  if (state === "follower") {
    fill(colours.follower, 4);
    return colours["follower-ink"];
  }
  if (state.endsWith("candidate")) {
    fill(colours.candidate, 0);
    fill(textures.candidate, 0, 0.35);
    return colours["candidate-ink"];
  }
  if (state === "down" || state === "paused") {
    fill(colours.card, 0);
    fill(textures[state], 0, state === "down" ? 0.5 : 0.8);
    context.strokeStyle = state === "down" ? colours.muted : colours.pause;
    context.lineWidth = 1;
    if (width > 2) context.strokeRect(left + 0.5, y + 0.5, width - 1, height - 1);
    return colours.ink;
  }
  if (state === "silent") fill(colours.line, height / 2 - 0.5);
  else fill(colours.wash, 2);
  return colours.muted;
}

"use strict";
// Draws what each node was, and the faults that were aimed at it.

function drawNodes(scene) {
  const { context, run, layout, view, colours, x } = scene;
  const { plot } = layout;
  const fills = familyFills(context, colours, run.faults);
  context.textAlign = "left";
  const textures = {
    candidate: texture(context, "sparse", colours["candidate-ink"]),
    down: texture(context, "cross", colours.muted),
    paused: texture(context, "dots", colours.pause),
  };
  for (const node of run.nodes) {
    const y = node.top;
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
    drawBands(scene, node, fills);
  }
}

/** A flag in the row of its node for each finding about the target. */
function drawFindings({ context, run, colours, x }) {
  for (const finding of run.findings) {
    const node = run.nodes.find((node) => node.name === finding.node);
    if (!node) continue;
    const at = Math.round(x(finding.time));
    // It flies to the left: what the node was from then on stands right of it.
    context.fillStyle = colours.card;
    context.fillRect(at - 13, node.top - 2, 13, 13);
    context.fillStyle = colours.invalid;
    context.fillRect(at - 1, node.top - 2, 2, HEIGHTS.node);
    context.beginPath();
    context.moveTo(at, node.top - 1);
    context.lineTo(at - 12, node.top + 4);
    context.lineTo(at, node.top + 9);
    context.fill();
  }
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

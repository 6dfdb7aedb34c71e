"use strict";
// Draws the timeline of a run onto a canvas. Knows no events: timeline.js says what is in view.

const HEIGHTS = { phases: 18, fault: 20, node: 22, band: 11, clocks: 130, commits: 64, throughput: 92, latency: 150, axis: 24, space: 10 };

const FONT = '12px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif';

const SMALL = FONT.replace("12px", "11px");

const LETTER = `700 ${SMALL}`;

/** The colours of the page's style, read anew whenever the theme changes. */
function readColours() {
  const style = getComputedStyle(document.documentElement);
  const names = ["card", "line", "ink", "muted", "wash", "ok", "fail", "info", "other-fault",
    ...Object.keys(FAMILY_TEXTURES), ...CLOCK_DASHES.map((_, number) => `node-${number}`), "leader", "leader-ink", "follower", "follower-ink", "candidate",
    "candidate-ink", "invalid"];
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

/** The widest prefix of `text` that fits; empty when not even a few letters do. */
function fitted(context, text, width) {
  if (context.measureText(text).width <= width) return text;
  let low = 0;
  let high = text.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (context.measureText(text.slice(0, middle) + "…").width <= width) low = middle;
    else high = middle - 1;
  }
  return low < 4 ? "" : text.slice(0, low).trimEnd() + "…";
}

/** Steps of an axis: 1, 2 or 5 times a power of ten, at least `least`. */
function niceStep(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least);
}

/** The plot of a canvas of this width, and the lane of each fault in it. */
function packLanes(run, context, width) {
  const gutter = width < 600 ? 52 : 92;
  const plot = { left: gutter, right: width - 10 };
  plot.width = plot.right - plot.left;
  context.font = SMALL;
  const label = (fault) => context.measureText(faultLabel(fault)).width + 38;
  packFaults(run.faults, run.end, label, plot.width);
  for (const node of run.nodes) packBands(node, run.faults);
  return { width, plot, mostAtOnce: mostAtOnce(run.faults), narrow: width < 600 };
}

/** The places of all lanes. Lanes of faults that have nothing in view are left out. */
function layOut(run, packed, view) {
  const inView = (fault) => fault.end >= view.from && fault.start <= view.to;
  const faultRows = closeUp(run.faults.filter(inView).map((fault) => fault.row));
  const hidden = run.faults.filter((fault) => !faultRows.has(fault.row)).length;
  const lanes = {};
  let y = 0;
  const lane = (name, height, space = HEIGHTS.space) => {
    lanes[name] = { top: y, height, bottom: y + height };
    y += height + space;
  };
  lane("phases", HEIGHTS.phases, 6);
  // A line of its own says how many are hidden.
  lane("faults", Math.max(faultRows.size + (hidden ? 1 : 0), 1) * HEIGHTS.fault);
  let below = 0;
  for (const node of run.nodes) {
    node.top = y + below;
    node.lanes = closeUp(node.bands.filter(([fault]) => inView(fault)).map(([, lane]) => lane));
    below += HEIGHTS.node + node.lanes.size * HEIGHTS.band;
  }
  lane("nodes", below);
  if (run.clocks.length) lane("clocks", HEIGHTS.clocks, 14);
  if (run.commits.length) lane("commits", HEIGHTS.commits, 14);
  lane("throughput", HEIGHTS.throughput, 14);
  lane("latency", HEIGHTS.latency, 0);
  lane("axis", HEIGHTS.axis, 0);
  return { ...packed, height: y, lanes, faultRows, hidden };
}

/** Draws everything but the cursor. */
function drawTimeline(context, run, layout, view, colours) {
  const { plot, lanes } = layout;
  const x = (time) => plot.left + ((time - view.from) / (view.to - view.from)) * plot.width;
  context.clearRect(0, 0, layout.width, layout.height);
  context.textBaseline = "middle";
  const scene = { context, run, layout, view, colours, x };
  drawGutter(scene);
  context.save();
  context.beginPath();
  context.rect(plot.left, 0, plot.width, lanes.axis.top);
  context.clip();
  drawPhases(scene);
  drawShades(scene);
  drawNodes(scene);
  drawFindings(scene);
  drawClocks(scene);
  drawCommits(scene);
  drawThroughput(scene);
  drawLatency(scene);
  drawPercentiles(scene);
  drawFaults(scene);
  drawMarks(scene);
  context.restore();
  drawScales(scene);
  drawTimeAxis(scene);
}

function drawGutter({ context, run, layout, colours }) {
  const { lanes, plot, narrow } = layout;
  context.textAlign = "right";
  context.font = SMALL;
  context.fillStyle = colours.muted;
  const at = plot.left - 8;
  if (!narrow) context.fillText("phase", at, lanes.phases.top + 9);
  if (run.faults.length) context.fillText("faults", at, lanes.faults.top + HEIGHTS.fault / 2);
  context.fillStyle = colours.ink;
  context.font = FONT;
  for (const node of run.nodes) {
    const y = node.top + HEIGHTS.node / 2 - 1;
    context.fillText(fitted(context, node.name, plot.left - 12) || node.name.slice(0, 4), at, y);
  }
}

function drawPhases({ context, run, layout, view, colours, x }) {
  const { lanes, plot } = layout;
  context.font = SMALL;
  context.textAlign = "left";
  run.phases.forEach(([name, start, end], number) => {
    if (end < view.from || start > view.to) return;
    const left = Math.max(x(start), plot.left);
    const right = Math.min(x(end), plot.right);
    context.fillStyle = colours.wash;
    if (number % 2 === 0) context.fillRect(left, lanes.phases.top, right - left, HEIGHTS.phases);
    context.fillStyle = colours.line;
    if (start > view.from) context.fillRect(left, lanes.phases.top, 1, lanes.axis.top);
    context.fillStyle = colours.muted;
    if (context.measureText(name).width < right - left - 8) {
      context.fillText(name, left + 5, lanes.phases.top + HEIGHTS.phases / 2 + 0.5);
    }
  });
}

/** Where the counterexample happened, through all lanes. Labels that would cover a later one are left
    out: the last contradicts the others, and zooming in brings the rest. */
function drawMarks({ context, run, layout, colours, x }) {
  const top = layout.lanes.faults.bottom;
  context.strokeStyle = context.fillStyle = colours.invalid;
  context.lineWidth = 1.6;
  context.font = `700 ${FONT}`;
  const labels = [];
  for (const mark of [...run.marks].sort((a, b) => b.time - a.time)) {
    const at = Math.round(x(mark.time));
    if (at < layout.plot.left - 20 || at > layout.plot.right + 20) continue;
    context.setLineDash([5, 3]);
    context.beginPath();
    context.moveTo(at, top);
    context.lineTo(at, layout.lanes.axis.top);
    context.stroke();
    context.setLineDash([]);
    const text = `✗ ${mark.label}`;
    const width = context.measureText(text).width;
    const left = at + width + 10 > layout.plot.right ? at - width - 8 : at + 4;
    const middle = layout.lanes.throughput.top + 8;
    if (labels.some((other) => left < other.right && other.left < left + width + 6)) continue;
    labels.push({ left, right: left + width + 6 });
    context.fillStyle = colours.card;
    context.fillRect(left - 2, middle - 8, width + 6, 16);
    context.fillStyle = colours.invalid;
    context.textAlign = "left";
    context.fillText(text, left + 1, middle);
  }
}

/** Names and figures of the vertical scales. */
function drawScales(scene) {
  const { context, run, layout, colours, topRate } = scene;
  drawClockScale(scene);
  drawCommitScale(scene);
  const { lanes, plot, narrow } = layout;
  const at = plot.left - 8;
  context.font = SMALL;
  context.textAlign = "right";
  context.fillStyle = colours.line;
  context.fillRect(plot.left, lanes.throughput.bottom, plot.width, 1);
  context.fillStyle = colours.muted;
  if (topRate) {
    const rate = topRate >= 1e4 ? `${+(topRate / 1e3).toPrecision(3)}k` : String(+topRate.toPrecision(3));
    context.fillText(narrow ? rate : `${rate} ops/s`, at, lanes.throughput.top + 8);
  }
  context.fillText("0", at, lanes.throughput.bottom - 4);
  const y = latencyScale(run, lanes.latency);
  const [low, high] = run.latencyRange;
  for (let power = low; power <= high; power++) {
    context.fillText(formatLatency(10 ** power), at, y(10 ** power));
  }
}

function drawTimeAxis({ context, layout, view, colours, x }) {
  const { lanes, plot } = layout;
  const step = niceStep(((view.to - view.from) / plot.width) * 90);
  const digits = Math.max(0, Math.ceil(-Math.log10(step / 1e6) - 1e-9));
  context.font = SMALL;
  context.textAlign = "center";
  context.fillStyle = colours.muted;
  context.fillRect(plot.left, lanes.axis.top, plot.width, 1);
  for (let time = Math.ceil(view.from / step) * step; time <= view.to; time += step) {
    const at = x(time);
    context.fillRect(Math.round(at), lanes.axis.top, 1, 5);
    const text = `${(time / 1e6).toFixed(digits)} s`;
    const half = context.measureText(text).width / 2;
    const middle = Math.min(Math.max(at, plot.left + half - 4), layout.width - half - 1);
    context.fillText(text, middle, lanes.axis.top + 15);
  }
}

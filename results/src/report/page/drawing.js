"use strict";
// Draws the timeline of a run onto a canvas. Knows no events: timeline.js says what is in view.

const OUTCOMES = ["ok", "fail", "info"];
/** More dots in view than this are drawn as a density instead of one by one. */
const MOST_DOTS = 5000;
/** More rows than this are made only for faults that overlap. */
const MOST_FAULT_ROWS = 4;
const HEIGHTS = { phases: 18, fault: 20, node: 22, throughput: 92, latency: 150, axis: 24, space: 10 };
const FONT = '12px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif';
const SMALL = FONT.replace("12px", "11px");

/** The colours of the page's style, read anew whenever the theme changes. */
function readColours() {
  const style = getComputedStyle(document.documentElement);
  const names = ["card", "line", "ink", "muted", "wash", "ok", "fail", "info", "partition", "kill",
    "pause", "other-fault", "leader", "leader-ink", "follower", "follower-ink", "candidate",
    "candidate-ink", "invalid"];
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

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

/** Steps of an axis: 1, 2 or 5 times a power of ten, at least `least`. */
function niceStep(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least);
}

/** A round number a little above `most`, for the top of a scale. */
function niceTop(most) {
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].map((factor) => factor * power).find((top) => top >= most);
}

function formatLatency(micros) {
  if (micros < 1e3) return `${Math.round(micros)} µs`;
  if (micros < 1e6) return `${+(micros / 1e3).toPrecision(3)} ms`;
  return `${+(micros / 1e6).toPrecision(3)} s`;
}

/** The places of all lanes for a canvas of this width. */
function layOut(run, context, width) {
  const gutter = width < 600 ? 52 : 92;
  const plot = { left: gutter, right: width - 10 };
  plot.width = plot.right - plot.left;
  context.font = SMALL;
  const label = (fault) => context.measureText(faultName(fault)).width + 24;
  const faultRows = packFaults(run.faults, run.end, label, plot.width);
  const lanes = {};
  let y = 0;
  const lane = (name, height, space = HEIGHTS.space) => {
    lanes[name] = { top: y, height, bottom: y + height };
    y += height + space;
  };
  lane("phases", HEIGHTS.phases, 6);
  lane("faults", faultRows * HEIGHTS.fault);
  lane("nodes", run.nodes.length * HEIGHTS.node);
  lane("throughput", HEIGHTS.throughput, 14);
  lane("latency", HEIGHTS.latency, 0);
  lane("axis", HEIGHTS.axis, 0);
  return { width, height: y, plot, lanes, narrow: width < 600 };
}

function faultName(fault) {
  const sign = { skipped: "⊘ ", indeterminate: "? ", unreported: "? " }[fault.outcome] ?? "";
  return `${sign}${fault.name}`;
}

function faultLabel(fault) {
  const outcome = fault.outcome === "installed" ? "" : ` · ${fault.outcome}`;
  return `${faultName(fault)}${outcome}${fault.effect ? ` · ${fault.effect}` : ""}`;
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
  drawThroughput(scene);
  drawLatency(scene);
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
  run.nodes.forEach((node, row) => {
    const y = lanes.nodes.top + row * HEIGHTS.node + HEIGHTS.node / 2 - 1;
    context.fillText(fitted(context, node.name, plot.left - 12) || node.name.slice(0, 4), at, y);
  });
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
  const candidate = texture(context, "sparse", colours["candidate-ink"]);
  const down = texture(context, "cross", colours.muted);
  const paused = texture(context, "dots", colours.pause);
  run.nodes.forEach((node, row) => {
    const y = lanes.nodes.top + row * HEIGHTS.node;
    const height = HEIGHTS.node - 4;
    for (const [start, end, state, term] of node.spans) {
      if (end < view.from || start > view.to) continue;
      const left = Math.max(x(start), plot.left);
      const width = Math.min(Math.max(x(end), x(start) + 1.5), plot.right) - left;
      let text = term === null ? state : `${state} T${term}`;
      let ink = colours.muted;
      context.font = SMALL;
      if (state === "leader") {
        context.fillStyle = colours.leader;
        context.fillRect(left, y, width, height);
        context.font = `600 ${SMALL}`;
        text = `LEADER T${term}`;
        ink = colours["leader-ink"];
      } else if (state === "follower") {
        context.fillStyle = colours.follower;
        context.fillRect(left, y + 4, width, height - 8);
        ink = colours["follower-ink"];
      } else if (state.endsWith("candidate")) {
        context.fillStyle = colours.candidate;
        context.fillRect(left, y, width, height);
        context.globalAlpha = 0.35;
        context.fillStyle = candidate;
        context.fillRect(left, y, width, height);
        context.globalAlpha = 1;
        ink = colours["candidate-ink"];
      } else if (state === "down" || state === "paused") {
        context.fillStyle = colours.card;
        context.fillRect(left, y, width, height);
        context.globalAlpha = state === "down" ? 0.5 : 0.8;
        context.fillStyle = state === "down" ? down : paused;
        context.fillRect(left, y, width, height);
        context.globalAlpha = 1;
        context.strokeStyle = state === "down" ? colours.muted : colours.pause;
        context.lineWidth = 1;
        if (width > 2) context.strokeRect(left + 0.5, y + 0.5, width - 1, height - 1);
        text = state;
        ink = colours.ink;
      } else if (state === "silent") {
        context.fillStyle = colours.line;
        context.fillRect(left, y + height / 2 - 0.5, width, 1);
        text = width > 90 ? "no role heard" : "";
      } else {
        context.fillStyle = colours.wash;
        context.fillRect(left, y + 2, width, height - 4);
      }
      const short = term === null ? text : `T${term}`;
      const shown = [text, short].find((label) => label && context.measureText(label).width < width - 8);
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

/** Ends of operations in view, counted by outcome in buckets a few pixels wide. */
function countBuckets(run, view, plotWidth) {
  const step = niceStep(((view.to - view.from) / plotWidth) * 4);
  const first = Math.floor(view.from / step);
  const length = Math.ceil(view.to / step) - first + 1;
  const counts = OUTCOMES.map(() => new Uint32Array(length));
  const { start, latency, outcome, count } = run.operations;
  for (let row = 0; row < count; row++) {
    const bucket = Math.floor((start[row] + latency[row]) / step) - first;
    if (bucket >= 0 && bucket < length) counts[outcome[row]][bucket]++;
  }
  return { step, first, length, counts };
}

function drawThroughput(scene) {
  const { context, run, layout, view, colours, x } = scene;
  const lane = layout.lanes.throughput;
  const buckets = countBuckets(run, view, layout.plot.width);
  let most = 0;
  for (let at = 0; at < buckets.length; at++) {
    most = Math.max(most, buckets.counts[0][at] + buckets.counts[1][at] + buckets.counts[2][at]);
  }
  if (!most) {
    context.font = SMALL;
    context.textAlign = "left";
    context.fillStyle = colours.muted;
    context.fillText("no operation ended here", layout.plot.left + 5, lane.top + lane.height / 2);
    return;
  }
  const perSecond = 1e6 / buckets.step;
  scene.topRate = niceTop(most * perSecond);
  const unit = (lane.height - 6) / (scene.topRate / perSecond);
  for (let at = 0; at < buckets.length; at++) {
    const left = x((buckets.first + at) * buckets.step);
    const width = Math.max(x((buckets.first + at + 1) * buckets.step) - left, 1);
    let bottom = lane.bottom;
    OUTCOMES.forEach((outcome, number) => {
      const count = buckets.counts[number][at];
      if (!count) return;
      // What went wrong must be seen even beside a thousand that went well.
      const height = number === 0 ? count * unit : Math.max(count * unit, 2.5);
      context.fillStyle = colours[outcome];
      context.globalAlpha = number === 0 ? 0.75 : 1;
      context.fillRect(left, bottom - height, width - (width > 3 ? 0.6 : 0), height);
      bottom -= height;
    });
  }
  context.globalAlpha = 1;
}

/** The vertical scale of latencies: whole powers of ten around what occurred. */
function latencyScale(run, lane) {
  if (!run.latencyRange) {
    let least = Infinity;
    let most = 0;
    for (const latency of run.operations.latency) {
      if (latency > 0 && latency < least) least = latency;
      if (latency > most) most = latency;
    }
    if (!most) [least, most] = [1e3, 1e4];
    const low = Math.floor(Math.log10(Math.max(least, 10)));
    run.latencyRange = [low, Math.max(Math.ceil(Math.log10(most)), low + 1)];
  }
  const [low, high] = run.latencyRange;
  const inner = lane.height - 12;
  return (micros) => {
    const share = (Math.log10(Math.max(micros, 10 ** low)) - low) / (high - low);
    return lane.bottom - 5 - Math.min(share, 1) * inner;
  };
}

function drawDot(context, outcome, x, y) {
  context.beginPath();
  if (outcome === 0) {
    context.arc(x, y, 1.7, 0, 7);
    context.fill();
  } else if (outcome === 1) {
    context.moveTo(x, y - 2.9);
    context.lineTo(x + 2.8, y + 2.1);
    context.lineTo(x - 2.8, y + 2.1);
    context.fill();
  } else {
    context.moveTo(x - 3, y - 3);
    context.lineTo(x + 3, y + 3);
    context.moveTo(x + 3, y - 3);
    context.lineTo(x - 3, y + 3);
    context.stroke();
  }
}

function drawLatency({ context, run, layout, view, colours, x }) {
  const lane = layout.lanes.latency;
  const y = latencyScale(run, lane);
  drawLatencyGrid(context, run, layout, colours, y);
  const { start, latency, outcome, count } = run.operations;
  const rows = [];
  for (let row = 0; row < count; row++) {
    const end = start[row] + latency[row];
    if (end >= view.from && end <= view.to) rows.push(row);
  }
  context.lineWidth = 1.4;
  const crowded = rows.length > MOST_DOTS;
  // Rare outcomes last, on top; an operation of unknown outcome is always a sign of its own.
  for (const number of [0, 1, 2]) {
    const ofOutcome = rows.filter((row) => outcome[row] === number);
    const colour = colours[OUTCOMES[number]];
    if (crowded && (number < 2 || ofOutcome.length > MOST_DOTS)) {
      drawDensity(context, run, layout, colour, x, y, ofOutcome);
      continue;
    }
    context.fillStyle = context.strokeStyle = colour;
    context.globalAlpha = number === 0 ? 0.65 : 0.9;
    for (const row of ofOutcome) {
      drawDot(context, number, x(start[row] + latency[row]), y(latency[row]));
    }
  }
  context.globalAlpha = 1;
}

function drawLatencyGrid(context, run, layout, colours, y) {
  const [low, high] = run.latencyRange;
  context.fillStyle = colours.line;
  for (let power = low; power <= high; power++) {
    context.fillRect(layout.plot.left, Math.round(y(10 ** power)), layout.plot.width, 1);
  }
}

/** Operations of one outcome, as small cells that are darker where there were more. */
function drawDensity(context, run, layout, colour, x, y, rows) {
  const { start, latency } = run.operations;
  const cell = 2;
  const across = Math.ceil(layout.plot.width / cell) + 1;
  const down = Math.ceil(layout.lanes.latency.height / cell) + 1;
  const counts = new Uint32Array(across * down);
  for (const row of rows) {
    const column = Math.floor((x(start[row] + latency[row]) - layout.plot.left) / cell);
    const line = Math.floor((y(latency[row]) - layout.lanes.latency.top) / cell);
    counts[line * across + column]++;
  }
  context.fillStyle = colour;
  // A few steps of opacity, each painted at once: a page of 100,000 stays smooth.
  const levels = [[1, 0.45], [2, 0.6], [4, 0.75], [8, 0.9], [16, 1]];
  levels.forEach(([least, alpha], level) => {
    const next = levels[level + 1]?.[0] ?? Infinity;
    context.globalAlpha = alpha;
    context.beginPath();
    for (let at = 0; at < counts.length; at++) {
      if (counts[at] < least || counts[at] >= next) continue;
      const left = layout.plot.left + (at % across) * cell;
      context.rect(left, layout.lanes.latency.top + Math.floor(at / across) * cell, cell, cell);
    }
    context.fill();
  });
  context.globalAlpha = 1;
}

/** Where the counterexample happened, through all lanes. */
function drawMarks({ context, run, layout, colours, x }) {
  const top = layout.lanes.faults.bottom;
  context.strokeStyle = context.fillStyle = colours.invalid;
  context.lineWidth = 1.6;
  context.font = `700 ${FONT}`;
  for (const mark of run.marks) {
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
    context.fillStyle = colours.card;
    context.fillRect(left - 2, middle - 8, width + 6, 16);
    context.fillStyle = colours.invalid;
    context.textAlign = "left";
    context.fillText(text, left + 1, middle);
  }
}

/** Names and figures of the vertical scales. */
function drawScales({ context, run, layout, colours, topRate }) {
  const { lanes, plot, narrow } = layout;
  const at = plot.left - 8;
  context.font = SMALL;
  context.textAlign = "right";
  context.fillStyle = colours.line;
  context.fillRect(plot.left, lanes.throughput.bottom, plot.width, 1);
  context.fillStyle = colours.muted;
  if (topRate) {
    const rate = topRate >= 1e4 ? `${topRate / 1e3}k` : String(topRate);
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

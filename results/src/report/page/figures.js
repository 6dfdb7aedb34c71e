"use strict";
// Draws what the clients measured: throughput and latency.

const OUTCOMES = ["ok", "fail", "info"];

/** More dots in view than this are drawn as a density instead of one by one. */
const MOST_DOTS = 5000;

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

/** Ends of operations in view, counted by what they are split into, in buckets a few pixels wide. */
function countBuckets(run, view, plotWidth) {
  const step = niceStep(((view.to - view.from) / plotWidth) * 4);
  const first = Math.floor(view.from / step);
  const length = Math.ceil(view.to / step) - first + 1;
  const { names, of } = run.split;
  const counts = names.map(() => new Uint32Array(length));
  const { start, latency, weight, count } = run.operations;
  for (let row = 0; row < count; row++) {
    const bucket = Math.floor((start[row] + latency[row]) / step) - first;
    if (bucket >= 0 && bucket < length) counts[of(row)][bucket] += weight[row];
  }
  return { step, first, length, counts };
}

function drawThroughput(scene) {
  const { context, run, layout, view, colours, x } = scene;
  const lane = layout.lanes.throughput;
  const buckets = countBuckets(run, view, layout.plot.width);
  let most = 0;
  for (let at = 0; at < buckets.length; at++) {
    most = Math.max(most, buckets.counts.reduce((sum, counts) => sum + counts[at], 0));
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
  const { by, names } = run.split;
  const fills = names.map((_, number) => partFill(context, colours, by, number));
  for (let at = 0; at < buckets.length; at++) {
    const left = x((buckets.first + at) * buckets.step);
    const width = Math.max(x((buckets.first + at + 1) * buckets.step) - left, 1);
    let bottom = lane.bottom;
    fills.forEach(({ colour, fill }, number) => {
      const count = buckets.counts[number][at];
      if (!count) return;
      // What went wrong must be seen even beside a thousand that went well.
      const least = by === "outcome" && number > 0 ? 2.5 : 0;
      const height = Math.max(count * unit, least);
      const shape = [left, bottom - height, width - (width > 3 ? 0.6 : 0), height];
      if (fill !== colour) {
        context.fillStyle = colour;
        context.globalAlpha = 0.3;
        context.fillRect(...shape);
      }
      context.fillStyle = fill;
      context.globalAlpha = number === 0 ? 0.75 : 1;
      context.fillRect(...shape);
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
    for (const latency of run.all.latency) {
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
  const alone = run.process !== null;
  for (let row = 0; row < count; row++) {
    const end = start[row] + latency[row];
    if (end >= view.from && (end <= view.to || (alone && start[row] <= view.to))) rows.push(row);
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
      // The operations of one process follow each other: each has room for its whole length.
      if (alone) context.fillRect(x(start[row]), y(latency[row]) - 0.75, x(start[row] + latency[row]) - x(start[row]), 1.5);
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
  const { start, latency, weight } = run.operations;
  const cell = 2;
  const across = Math.ceil(layout.plot.width / cell) + 1;
  const down = Math.ceil(layout.lanes.latency.height / cell) + 1;
  const counts = new Uint32Array(across * down);
  for (const row of rows) {
    const column = Math.floor((x(start[row] + latency[row]) - layout.plot.left) / cell);
    const line = Math.floor((y(latency[row]) - layout.lanes.latency.top) / cell);
    counts[line * across + column] += weight[row];
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

"use strict";
// Draws how far the clocks of each node were ahead of the controller's, or behind.

/** From this offset on, in microseconds, a straight scale would hide small drifts below jumps. */
const LARGE_OFFSET = 1e6;
/** Where the scale turns from straight to logarithmic, in microseconds. */
const STRAIGHT_UNTIL = 1e4;
/** Clocks that were not read for so long, in microseconds, are drawn as they were, up to the next reading. */
const CLOCK_GAP = 1e6;

const CLOCK_DASHES = [[], [7, 3], [2, 3], [9, 3, 2, 3], [4, 2], [12, 3], [1, 2]];

function decodeClocks(packed) {
  return packed.map(({ node, count, time, wall, monotonic }) => ({
    node,
    count,
    time: decodeColumn(time, count, true),
    wall: decodeColumn(wall, count).map(unfolded),
    monotonic: decodeColumn(monotonic, count).map(unfolded),
  }));
}

/** 0, 1, 2, 3, 4… are 0, −1, 1, −2, 2… */
function unfolded(value) {
  return value % 2 ? -(value + 1) / 2 : value / 2;
}

/** Whether an offset is more than what reading two clocks one after the other makes. */
const isOff = (micros) => Math.abs(micros) >= 100;

/** `−5.00 s`, `+120 ms`, `0` */
function formatOffset(micros) {
  const size = Math.abs(micros);
  if (size < 10) return "0";
  const sign = micros < 0 ? "−" : "+";
  if (size < 1e3) return `${sign}${Math.round(size)} µs`;
  if (size < 1e6) return `${sign}${+(size / 1e3).toPrecision(3)} ms`;
  return `${sign}${+(size / 1e6).toPrecision(4)} s`;
}

/** The vertical scale: alike above and below zero, and logarithmic once an offset is large. */
function clockScale(run, lane) {
  if (!run.clockTop) {
    let most = 1e3;
    for (const { wall, monotonic } of run.clocks) {
      for (const offsets of [wall, monotonic]) {
        for (const offset of offsets) most = Math.max(most, Math.abs(offset));
      }
    }
    run.clockTop = most * 1.15;
  }
  const top = run.clockTop;
  const bent = top > LARGE_OFFSET;
  const height = (size) => (bent ? Math.log10(1 + size / STRAIGHT_UNTIL) : size);
  const middle = (lane.top + lane.bottom) / 2;
  const half = lane.height / 2 - 4;
  const y = (micros) => middle - (Math.sign(micros) * height(Math.abs(micros)) / height(top)) * half;
  const sizes = [];
  if (bent) for (let size = STRAIGHT_UNTIL; size < top; size *= 10) sizes.push(size);
  else sizes.push(niceStep(top / 2.2));
  return { y, ticks: [0, ...sizes.flatMap((size) => [size, -size])], bent };
}

function drawClocks(scene) {
  const { context, run, layout, colours } = scene;
  const lane = layout.lanes.clocks;
  if (!lane) return;
  const { y, ticks } = clockScale(run, lane);
  for (const tick of ticks) {
    context.fillStyle = tick === 0 ? colours.muted : colours.line;
    context.fillRect(layout.plot.left, Math.round(y(tick)), layout.plot.width, 1);
  }
  context.save();
  context.beginPath();
  context.rect(layout.plot.left, lane.top, layout.plot.width, lane.height);
  context.clip();
  for (const clock of run.clocks) {
    // Clocks that were right all the time are the line in the middle.
    if (!clock.wall.some(isOff) && !clock.monotonic.some(isOff)) continue;
    const number = run.nodes.findIndex((node) => node.name === clock.node);
    const colour = colours[`node-${number % CLOCK_DASHES.length}`];
    // The monotonic clock is worth a line of its own only where it differs.
    const differs = clock.wall.some((wall, row) => Math.abs(wall - clock.monotonic[row]) > 1e3);
    if (differs) drawClock(scene, clock, clock.monotonic, y, colour, [1, 3], 2.2);
    drawClock(scene, clock, clock.wall, y, colour, CLOCK_DASHES[number % CLOCK_DASHES.length], 1.7);
  }
  context.restore();
  drawClockNames(scene, y);
}

/** Whether a clock kept its offset until this reading: it was not read for long, or it jumped. */
function isHeld(before, time, offset) {
  const elapsed = time - before.time;
  // No clock drifts by half a second in a second.
  return elapsed > CLOCK_GAP || Math.abs(offset - before.offset) > elapsed / 2;
}

function drawClock({ context, view, x }, clock, offsets, y, colour, dash, width) {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.lineJoin = "round";
  context.setLineDash(dash);
  context.beginPath();
  let before = null;
  for (let row = 0; row < clock.count; row++) {
    const time = clock.time[row];
    if (row + 1 < clock.count && clock.time[row + 1] < view.from) continue;
    if (before === null) context.moveTo(x(time), y(offsets[row]));
    else if (isHeld(before, time, offsets[row])) context.lineTo(x(time), y(before.offset));
    context.lineTo(x(time), y(offsets[row]));
    before = { time, offset: offsets[row] };
    if (time > view.to) break;
  }
  context.stroke();
  context.setLineDash([]);
}

/** Each node's name where its wall clock, as far as it is in view, was off the farthest. */
function drawClockNames({ context, run, layout, view, colours, x }, y) {
  const { plot } = layout;
  const lane = layout.lanes.clocks;
  context.font = `600 ${SMALL}`;
  context.textAlign = "left";
  const taken = [];
  for (const clock of run.clocks) {
    let row = -1;
    for (let at = 0; at < clock.count; at++) {
      const seen = clock.time[at] >= view.from && clock.time[at] <= view.to;
      if (seen && (row < 0 || Math.abs(clock.wall[at]) > Math.abs(clock.wall[row]))) row = at;
    }
    if (row < 0 || !isOff(clock.wall[row])) continue;
    const text = `${clock.node} ${formatOffset(clock.wall[row])}`;
    const width = context.measureText(text).width;
    const left = Math.min(Math.max(x(clock.time[row]) + 4, plot.left + 2), plot.right - width - 2);
    const away = clock.wall[row] < 0 ? -6 : 7;
    const top = Math.min(Math.max(y(clock.wall[row]) + away, lane.top + 6), lane.bottom - 6);
    const clash = taken.some((other) => Math.abs(other.top - top) < 13 &&
      left < other.left + other.width + 6 && other.left < left + width + 6);
    if (clash) continue;
    taken.push({ left, top, width });
    context.globalAlpha = 0.8;
    context.fillStyle = colours.card;
    context.fillRect(left - 2, top - 7, width + 4, 14);
    context.globalAlpha = 1;
    const number = run.nodes.findIndex((node) => node.name === clock.node);
    context.fillStyle = colours[`node-${number % CLOCK_DASHES.length}`];
    context.fillText(text, left, top);
  }
}

function drawClockScale({ context, run, layout, colours }) {
  const lane = layout.lanes.clocks;
  if (!lane) return;
  const { y, ticks } = clockScale(run, lane);
  context.fillStyle = colours.muted;
  context.textAlign = "right";
  context.font = SMALL;
  const taken = [];
  for (const tick of ticks) {
    const at = y(tick);
    if (taken.some((other) => Math.abs(other - at) < 12)) continue;
    taken.push(at);
    const name = layout.narrow ? formatOffset(tick).replace(" ", "") : tick ? formatOffset(tick) : "clocks 0";
    context.fillText(name, layout.plot.left - 8, at);
  }
}

/** What the clocks read at a moment; none that are right. */
function readClocks(run, time) {
  const parts = run.clocks.flatMap((clock) => {
    const row = clock.time.findLastIndex((at) => at <= time);
    if (row < 0) return [];
    const [wall, monotonic] = [clock.wall[row], clock.monotonic[row]];
    if (!isOff(wall) && !isOff(monotonic)) return [];
    return [`${clock.node} wall ${formatOffset(wall)}, monotonic ${formatOffset(monotonic)}`];
  });
  return parts.join(" · ") || "all right";
}

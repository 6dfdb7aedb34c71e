"use strict";
// What the client beside a running cluster saw: its last minute as bars, and its last seconds as figures.

/** Microseconds that the strip shows, and that the figures are of. */
const STRIP = 60e6;
const RECENT = 10e6;
/** The latencies that are marked, and those at the foot and at the top of the strip, in microseconds. */
const SCALE = [[1e3, "1 ms"], [30e3, "30 ms"], [1e6, "1 s"]];
const LATENCIES = { least: 300, most: 2e6 };

function createClients() {
  const element = (id) => document.getElementById(id);
  const canvas = element("strip");
  let shown = { operations: [], end: 0 };

  function draw() {
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (!width) return;
    const scale = devicePixelRatio || 1;
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    const pen = canvas.getContext("2d");
    pen.scale(scale, scale);
    const colours = readColours();
    pen.font = SMALL;
    const share = (latency) => Math.log(Math.max(latency, LATENCIES.least) / LATENCIES.least) / Math.log(LATENCIES.most / LATENCIES.least);
    const y = (latency) => height - 4 - Math.min(share(latency), 1) * (height - 12);
    for (const [latency] of SCALE) {
      pen.fillStyle = colours.line;
      pen.fillRect(0, y(latency), width, 1);
    }
    const x = (time) => width - ((shown.end - time) / STRIP) * width;
    for (const { start, end, outcome } of shown.operations) {
      pen.fillStyle = colours[outcome];
      const top = y(end - start);
      const left = x(start);
      // One that took long is as wide as that.
      pen.fillRect(left, top, Math.max(x(end) - left, 2), height - top);
      // Told by shape as well: what was not acknowledged has a head.
      if (outcome !== "ok") pen.fillRect(left - 2, top - 3, Math.max(x(end) - left, 2) + 4, 3);
    }
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillStyle = colours.ink;
    for (const [latency, name] of SCALE) plate(pen, colours, name, 22, y(latency));
  }

  function tell() {
    const recent = shown.operations.filter((it) => it.end >= shown.end - RECENT);
    const of = (outcome) => recent.filter((it) => it.outcome === outcome);
    const taken = of("ok").map((it) => it.end - it.start).sort((a, b) => a - b);
    const set = (id, text) => { if (element(id).textContent !== text) element(id).textContent = text; };
    set("acknowledged", String(taken.length));
    set("latency", taken.length ? `${inMilliseconds(taken[taken.length >> 1])} · ${inMilliseconds(taken.at(-1))}` : "–");
    set("refused", String(of("fail").length));
    set("unknown", String(of("info").length));
    const read = shown.operations.findLast((it) => it.value !== null);
    set("counter", read ? String(read.value) : "–");
    const last = shown.operations.at(-1);
    set("last", last ? `The last: ${inWords(last)}.` : "");
  }

  new ResizeObserver(draw).observe(canvas);
  return {
    show(operations, end) {
      shown = { operations, end };
      draw();
      tell();
    },
    draw,
  };
}

const inMilliseconds = (micros) => micros < 10e3 ? `${(micros / 1e3).toFixed(1)} ms` : `${Math.round(micros / 1e3)} ms`;

function inWords({ f, outcome, start, end, node, value, error }) {
  const what = f === "add" ? "one was added" : `${value ?? "the counter"} was read`;
  const took = `after ${inMilliseconds(end - start)}`;
  if (outcome === "ok") return `${what}, as ${node} said ${took}`;
  const tried = f === "add" ? "to add one" : "to read";
  return outcome === "fail" ? `${tried} was refused ${took} (${error})` : `${tried} timed out ${took} (${error})`;
}

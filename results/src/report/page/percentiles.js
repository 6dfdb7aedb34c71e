"use strict";
// The latencies of what succeeded, as percentiles over time.

/** The width of a stretch of which percentiles are drawn, in pixels. */
const PERCENTILE_WIDTH = 12;
/** Fewer operations have no percentile. */
const LEAST_OPERATIONS = 5;

const PERCENTILES = [{ name: "p50", share: 0.5, dash: [] }, { name: "p99", share: 0.99, dash: [5, 3] }];

/** The percentiles of the latencies of some operations, by nearest rank; none of too few. */
function percentiles({ latency, weight }, rows) {
  if (rows.length < LEAST_OPERATIONS) return null;
  const sorted = [...rows].sort((a, b) => latency[a] - latency[b]);
  const all = sorted.reduce((sum, row) => sum + weight[row], 0);
  return PERCENTILES.map(({ share }) => {
    let seen = 0;
    return latency[sorted.find((row) => (seen += weight[row]) >= Math.ceil(share * all))];
  });
}

function drawPercentiles({ context, run, layout, view, colours, x }) {
  const y = latencyScale(run, layout.lanes.latency);
  const step = niceStep(((view.to - view.from) / layout.plot.width) * PERCENTILE_WIDTH);
  const first = Math.floor(view.from / step);
  const stretches = Array.from({ length: Math.ceil(view.to / step) - first + 1 }, () => []);
  const { start, latency, outcome, count } = run.operations;
  for (let row = 0; row < count; row++) {
    if (outcome[row] !== 0) continue;
    const at = Math.floor((start[row] + latency[row]) / step) - first;
    if (at >= 0 && at < stretches.length) stretches[at].push(row);
  }
  const times = stretches.map((rows) => percentiles(run.operations, rows));
  PERCENTILES.forEach(({ dash }, number) => {
    // Light below dark: it must be seen on dots as well as beside them.
    for (const [colour, width] of [[colours.card, 4], [colours.ink, 1.5]]) {
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.setLineDash(width > 2 ? [] : dash);
      context.globalAlpha = width > 2 ? 0.6 : 0.9;
      context.beginPath();
      let drawing = false;
      times.forEach((time, at) => {
        if (time) {
          const place = [x((first + at + 0.5) * step), y(time[number])];
          if (drawing) context.lineTo(...place);
          else context.moveTo(...place);
        }
        drawing = Boolean(time);
      });
      context.stroke();
    }
  });
  context.setLineDash([]);
  context.globalAlpha = 1;
}

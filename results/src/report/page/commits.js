"use strict";
// Draws how far each node's log was committed, and applied where that is known.

/** An index this far above the next lower one begins anew, as the zxid does with each epoch: its upper half counts epochs. */
const LEAP = 2 ** 31;

function decodeCommits(packed) {
  const nodes = packed.map(({ node, count, time, commit, applied, last }) => ({
    node,
    count,
    time: decodeColumn(time, count, true),
    told: decodeColumn(commit, count),
    // 0 for what was not said.
    toldApplied: decodeColumn(applied, count),
    // One more than the entries behind the commit index; 0 for what was not said.
    ahead: decodeColumn(last, count),
  }));
  const drawn = withoutLeaps(nodes.flatMap(({ told, toldApplied }) => [...told, ...toldApplied]));
  for (const node of nodes) {
    node.commit = node.told.map(drawn);
    node.applied = node.toldApplied.map(drawn);
  }
  return nodes;
}

/** Where an index is drawn: leaps between indices are no entries, and would leave no room for these. */
function withoutLeaps(indices) {
  let left = 0;
  let last = 0;
  const leaps = [];
  for (const index of [...new Set(indices)].sort((a, b) => a - b)) {
    if (index - last >= LEAP) leaps.push([index, (left += index - last - 1)]);
    last = index;
  }
  return (index) => index - (leaps.findLast(([from]) => from <= index)?.[1] ?? 0);
}

/** An index as its service writes it: those that count epochs as the zxid does, in hexadecimal. */
function indexInWords(index) {
  return index >= 2 ** 32 ? `0x${index.toString(16)}` : String(index);
}

/** The vertical scale: from the least to the greatest index in view, so that who lags stands out. */
function commitScale(run, lane, view) {
  const inView = run.commits.flatMap(({ count, time, commit, told }) => {
    const rows = [...time.keys()].filter((row) => time[row] <= view.to && !(row + 1 < count && time[row + 1] < view.from));
    return rows.map((row) => [commit[row], told[row]]);
  });
  const [least, leastTold] = inView.reduce((a, b) => (b[0] < a[0] ? b : a), inView[0] ?? [0, 0]);
  const [most, mostTold] = inView.reduce((a, b) => (b[0] > a[0] ? b : a), inView[0] ?? [0, 0]);
  const height = Math.max(most - least, 1);
  const y = (index) => lane.bottom - 4 - ((index - least) / height) * (lane.height - 10);
  return { y, ends: [[most, mostTold], [least, leastTold]] };
}

function drawCommits(scene) {
  const { context, run, layout, view, colours } = scene;
  const lane = layout.lanes.commits;
  if (!lane) return;
  const { y } = commitScale(run, lane, view);
  context.fillStyle = colours.line;
  context.fillRect(layout.plot.left, lane.bottom, layout.plot.width, 1);
  for (const node of run.commits) {
    const number = run.nodes.findIndex(({ name }) => name === node.node);
    const colour = colours[`node-${number % CLOCK_DASHES.length}`];
    const dash = CLOCK_DASHES[number % CLOCK_DASHES.length];
    drawCommit(scene, node, node.commit, y, colour, dash, 1.7);
    const behind = node.applied.some((applied, row) => applied && applied < node.commit[row]);
    if (behind) drawCommit(scene, node, node.applied, y, colour, [1, 3], 1.4);
  }
  drawCommitNames(scene, y);
}

function drawCommit({ context, view, x }, { count, time }, indices, y, colour, dash, width) {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.lineJoin = "round";
  context.setLineDash(dash);
  context.beginPath();
  let begun = false;
  let last = 0;
  for (let row = 0; row < count; row++) {
    if (row + 1 < count && time[row + 1] < view.from) continue;
    // An index stays until another is heard; who is down or cut off hears of none.
    if (begun) context.lineTo(x(time[row]), y(last));
    else context.moveTo(x(time[row]), y(indices[row]));
    context.lineTo(x(time[row]), y(indices[row]));
    begun = true;
    last = indices[row];
    if (time[row] > view.to) break;
  }
  if (begun && time[count - 1] < view.to) context.lineTo(x(view.to), y(last));
  context.stroke();
  context.setLineDash([]);
}

/** The names of the nodes that lag, where the view ends. */
function drawCommitNames({ context, run, layout, view, colours }, y) {
  const lane = layout.lanes.commits;
  context.font = `600 ${SMALL}`;
  context.textAlign = "right";
  const taken = [];
  for (const node of run.commits) {
    const row = node.time.findLastIndex((at) => at <= view.to);
    if (row < 0) continue;
    const at = Math.min(Math.max(y(node.commit[row]) + 9, lane.top + 7), lane.bottom - 5);
    if (taken.some((other) => Math.abs(other - at) < 13)) continue;
    taken.push(at);
    const number = run.nodes.findIndex(({ name }) => name === node.node);
    const same = run.commits.filter((other) => {
      const last = other.time.findLastIndex((time) => time <= view.to);
      return last >= 0 && Math.abs(y(other.commit[last]) - y(node.commit[row])) < 13;
    });
    const text = same.length > 1 ? `${node.node} and ${same.length - 1} more` : node.node;
    context.fillStyle = same.length > 1 ? colours.muted : colours[`node-${number % CLOCK_DASHES.length}`];
    context.fillText(same.length === run.commits.length ? "all nodes" : text, layout.plot.right - 4, at);
  }
  context.textAlign = "left";
}

function drawCommitScale({ context, run, layout, view, colours }) {
  const lane = layout.lanes.commits;
  if (!lane) return;
  const { y, ends: [[most, mostTold], [least, leastTold]] } = commitScale(run, lane, view);
  context.fillStyle = colours.muted;
  context.textAlign = "right";
  context.font = SMALL;
  const isLong = mostTold >= 2 ** 32;
  const name = (index) => index >= 1e5 && !isLong ? `${+(index / 1e3).toPrecision(4)}k` : indexInWords(index);
  const text = layout.narrow || isLong ? name(mostTold) : `commit ${name(mostTold)}`;
  context.fillText(text, layout.plot.left - 8, y(most) + 2);
  if (least < most) context.fillText(name(leastTold), layout.plot.left - 8, y(least) - 2);
}

/** The indices that the nodes had told of by a moment. */
function readCommits(run, time) {
  return run.commits.map((node) => {
    const row = node.time.findLastIndex((at) => at <= time);
    if (row < 0) return `${node.node} –`;
    const applied = node.toldApplied[row] && node.toldApplied[row] !== node.told[row]
      ? ` (applied ${indexInWords(node.toldApplied[row])})` : "";
    return `${node.node} ${indexInWords(node.told[row])}${applied}`;
  }).join(" · ");
}

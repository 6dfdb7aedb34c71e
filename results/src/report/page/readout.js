"use strict";
// What the run was at the moment under the cursor.

/** The most lines of logs that are shown for a moment. */
const LOG_LINES = 8;

function formatMoment(micros) {
  return `${(micros / 1e6).toFixed(3)} s`;
}

/** The sentence that stands there while no moment is chosen. */
function hint() {
  return matchMedia("(pointer: coarse)").matches
    ? "Tap to read a moment. Pinch to zoom, drag to move."
    : "Point at the timeline to read a moment. Drag over a stretch to zoom into it, or hold Ctrl and turn the wheel; with the keyboard: arrows, + and −, Home.";
}

/** Names and texts of everything that is known of a moment. */
function momentInWords(run, view, time, row) {
  const lines = [];
  const phase = run.phases.findLast(([, start]) => start <= time);
  lines.push(["time", `${formatMoment(time)}${phase ? ` · ${phase[0]}` : ""}`]);
  const on = run.faults.filter((fault) => fault.start <= time && time <= fault.end);
  lines.push(["faults", on.map((fault) => faultStory(fault, time)).join("\n") || "none"]);
  lines.push(["nodes", run.nodes.map((node) => nodeInWords(node, time)).join(" · ")]);
  if (run.commits.length) lines.push(["commit index", readCommits(run, time)]);
  if (run.clocks.length) lines.push(["clocks", readClocks(run, time)]);
  const near = (view.to - view.from) / 100;
  const found = run.findings.filter((finding) => Math.abs(finding.time - time) < near);
  if (found.length) lines.push(["found", found.map((finding) => finding.text).join("\n")]);
  lines.push(["around it", readThroughput(run, view, time)]);
  if (row !== null) lines.push(["operation", operationInWords(run.operations, row)]);
  const logged = readLogs(run, time);
  if (logged) lines.push(["logs", logged]);
  return lines;
}

function nodeInWords(node, time) {
  const span = node.spans.findLast(([start]) => start <= time);
  if (!span || span[2] === "silent") return `${node.name} –`;
  const term = span[3] === null || span[2] === "down" || span[2] === "paused" ? "" : ` T${span[3]}`;
  return `${node.name} ${span[2]}${term}`;
}

/** Operations that ended around a moment, by what the throughput is split into, and how long they took. */
function readThroughput(run, view, time) {
  const width = Math.max((view.to - view.from) / 50, 1e3);
  const { start, latency, outcome, weight, count } = run.operations;
  const { names, of } = run.split;
  const counts = names.map(() => 0);
  const taken = [];
  for (let row = 0; row < count; row++) {
    const end = start[row] + latency[row];
    if (end < time - width / 2 || end >= time + width / 2) continue;
    counts[of(row)] += weight[row];
    if (outcome[row] === 0) taken.push(row);
  }
  const parts = names.map((name, number) => `${counts[number]} ${name}`);
  const times = percentiles(run.operations, taken);
  const latencies = times ? ` · p50 ${formatLatency(times[0])}, p99 ${formatLatency(times[1])}` : "";
  return `${parts.join(" · ")} in ${formatLatency(width)}${latencies}`;
}

function operationInWords(operations, row) {
  const indices = operations.completion[row]
    ? `#${operations.index[row]}–${operations.index[row] + operations.completion[row]}`
    : `#${operations.index[row]}`;
  const key = operations.key[row] ? ` ${operations.keys[operations.key[row] - 1]}` : "";
  const node = operations.node[row] ? ` · ${operations.nodes[operations.node[row] - 1]}` : "";
  const attempts = operations.attempts[row] > 1 ? ` · ${operations.attempts[row]} attempts` : "";
  return `${OUTCOMES[operations.outcome[row]]} · process ${operations.process[row]} ` +
    `${operations.kinds[operations.kind[row]]}${key} · ` +
    `${formatLatency(operations.latency[row])}${node}${attempts} · ${indices}`;
}

/** The last lines that the nodes had logged by a moment, in the order of their times. */
function readLogs(run, time) {
  const lines = run.logs.flatMap((log) => {
    const end = log.time.findLastIndex((at) => at <= time) + 1;
    const from = Math.max(0, end - LOG_LINES);
    return log.lines.slice(from, end).map((line, number) => ({ at: log.time[from + number], node: log.node, line }));
  });
  lines.sort((a, b) => a.at - b.at);
  return lines.slice(-LOG_LINES).map(({ at, node, line }) => `${formatMoment(at)}  ${node} │ ${line}`).join("\n");
}

/** The element that shows it: below the timeline or, where that is out of sight, over the page. */
function createReadout() {
  const place = document.getElementById("reading");
  const list = document.getElementById("readout");
  const stage = document.getElementById("stage");
  let reading = false;
  let pointedAt = null;

  /** Keeps it in sight, away from where the reader points. */
  function keepInSight() {
    const home = place.getBoundingClientRect();
    const box = stage.getBoundingClientRect();
    const stageInSight = box.top < innerHeight && box.bottom > 0;
    // A page that opens with a moment chosen is not covered: the reader points first.
    const pointing = pointedAt !== null || document.activeElement === stage;
    const away = reading && pointing && stageInSight && home.bottom > innerHeight;
    // The page must not move when it leaves its place.
    place.style.minHeight = away ? `${place.offsetHeight}px` : "";
    list.classList.toggle("floating", away);
    list.classList.toggle("above", away && pointedAt !== null && pointedAt > innerHeight / 2);
    list.style.width = away ? `${place.clientWidth}px` : "";
  }

  window.addEventListener("scroll", keepInSight, { passive: true });
  window.addEventListener("resize", keepInSight);
  return {
    /** Shows names and texts; none of them shows how to read. `y` is where the pointer is. */
    show(lines, y) {
      reading = lines.length > 0;
      pointedAt = y;
      const entry = (kind, text, name) => {
        const element = document.createElement(kind);
        element.textContent = text;
        if (name) element.className = name;
        return element;
      };
      const entries = lines.flatMap(([name, text]) => [entry("dt", name), entry("dd", text)]);
      list.replaceChildren(...(reading ? entries : [entry("dd", hint(), "hint")]));
      keepInSight();
    },
  };
}

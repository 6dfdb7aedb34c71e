"use strict";
// What part of the run is in view, where the cursor is, and what it reads there.

/** The closest view, in microseconds. */
const CLOSEST = 200;
/** The width for which the timeline is drawn on paper, and its pixels for each of the page's. */
const PAPER = { width: 1000, scale: 2 };
/** How near, in pixels, the cursor must be to a dot to read it. */
const REACH = 14;

/** `onSplit` is called when the throughput is split into other parts, `onMoment` with a moment that the reader
    chose. */
function createTimeline(run, onSplit, onMoment) {
  const stage = document.getElementById("stage");
  const drawing = document.getElementById("drawing");
  const overlay = document.getElementById("overlay");
  const readout = createReadout();
  const range = document.getElementById("range");
  const processField = document.getElementById("process");
  const view = { from: 0, to: run.end };
  const cursor = { time: null, y: null, clientY: null };
  let packed;
  let layout;
  let colours = readColours();
  let brush = null;
  let scheduled = false;
  let onPaper = false;
  /** The moment that the reader chose by click, key or address. A pointer that passes chooses none. */
  let pinned = null;
  /** The moment that the player shows, once it was used. */
  let played = null;

  const timeAt = (x) => view.from + ((x - layout.plot.left) / layout.plot.width) * (view.to - view.from);
  const placeOf = (time) =>
    layout.plot.left + ((time - view.from) / (view.to - view.from)) * layout.plot.width;
  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

  function prepare(canvas) {
    const scale = onPaper ? PAPER.scale : devicePixelRatio || 1;
    canvas.width = Math.round(layout.width * scale);
    canvas.height = Math.round(layout.height * scale);
    canvas.style.height = `${layout.height}px`;
    canvas.getContext("2d").setTransform(scale, 0, 0, scale, 0, 0);
  }

  function resize() {
    const width = onPaper ? PAPER.width : stage.clientWidth;
    if (!width || width === packed?.width) return;
    packed = packLanes(run, drawing.getContext("2d"), width);
    layout = undefined;
    draw();
  }

  function draw() {
    scheduled = false;
    const before = layout;
    layout = layOut(run, packed, view);
    if (before?.height !== layout.height) {
      prepare(drawing);
      prepare(overlay);
    }
    drawTimeline(drawing.getContext("2d"), run, layout, view, colours);
    range.textContent = view.from === 0 && view.to === run.end
      ? `${formatMoment(run.end)}, the whole run`
      : `${formatMoment(view.from)} to ${formatMoment(view.to)}`;
    drawCursor();
  }

  function redraw() {
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(draw);
  }

  function drawCursor() {
    const pen = overlay.getContext("2d");
    pen.clearRect(0, 0, layout.width, layout.height);
    if (brush) {
      pen.fillStyle = colours.partition;
      pen.globalAlpha = 0.18;
      const left = Math.min(brush.from, brush.to);
      pen.fillRect(left, 0, Math.abs(brush.to - brush.from), layout.lanes.axis.top);
      pen.globalAlpha = 1;
    }
    drawPlayed(pen);
    if (cursor.time === null) return;
    const x = Math.round(placeOf(cursor.time));
    if (x < layout.plot.left || x > layout.plot.right) return;
    pen.fillStyle = colours.ink;
    pen.fillRect(x, 0, 1, layout.lanes.axis.top);
    const row = nearestOperation();
    if (row === null) return;
    const end = run.operations.start[row] + run.operations.latency[row];
    pen.strokeStyle = colours.ink;
    pen.lineWidth = 1.6;
    pen.beginPath();
    pen.arc(placeOf(end), latencyScale(run, layout.lanes.latency)(run.operations.latency[row]), 6, 0, 7);
    pen.stroke();
  }

  /** The place of the player, below its handle. */
  function drawPlayed(pen) {
    if (played === null) return;
    const x = placeOf(played);
    if (x < layout.plot.left || x > layout.plot.right) return;
    pen.fillStyle = colours.leader;
    pen.fillRect(Math.round(x) - 0.5, 0, 2, layout.lanes.axis.top);
    pen.beginPath();
    pen.moveTo(x - 6, 0);
    pen.lineTo(x + 7, 0);
    pen.lineTo(x + 0.5, 8);
    pen.fill();
  }

  /** The operation whose dot is nearest to the cursor. By keyboard, the nearest in time. */
  function nearestOperation() {
    const y = latencyScale(run, layout.lanes.latency);
    const { start, latency, count } = run.operations;
    const cursorX = placeOf(cursor.time);
    const inLane = cursor.y !== null && cursor.y >= layout.lanes.latency.top - REACH;
    if (cursor.y !== null && !inLane) return null;
    let nearest = null;
    let least = REACH * REACH;
    for (let row = 0; row < count; row++) {
      const dx = placeOf(start[row] + latency[row]) - cursorX;
      if (dx > REACH || dx < -REACH) continue;
      const dy = inLane ? y(latency[row]) - cursor.y : 0;
      if (dx * dx + dy * dy < least) {
        least = dx * dx + dy * dy;
        nearest = row;
      }
    }
    return nearest;
  }

  function read() {
    if (cursor.time === null) readout.show([], null);
    else readout.show(momentInWords(run, view, cursor.time, nearestOperation()), cursor.clientY);
  }

  function moveCursor(time, y) {
    cursor.time = time === null ? null : clamp(time, 0, run.end);
    cursor.y = y;
    cursor.clientY = y === null ? null : y + stage.getBoundingClientRect().top;
    drawCursor();
    read();
  }

  /** The address says what is shown, once the reader has changed it. */
  const tell = () => writeAddress(view, run.end, pinned, run.process);

  /** Shows `from` to `to`, kept within the run and no closer than CLOSEST. */
  function show(from, to) {
    const length = clamp(to - from, Math.min(CLOSEST, run.end), run.end);
    view.from = clamp(from, 0, run.end - length);
    view.to = view.from + length;
    redraw();
    tell();
  }

  function zoom(factor, around) {
    const centre = around ?? cursor.time ?? (view.from + view.to) / 2;
    const inside = clamp(centre, view.from, view.to);
    const share = (inside - view.from) / (view.to - view.from);
    const length = clamp((view.to - view.from) * factor, Math.min(CLOSEST, run.end), run.end);
    show(inside - share * length, inside - share * length + length);
  }

  const pan = (share) => {
    const by = (view.to - view.from) * share;
    show(view.from + by, view.to + by);
  };

  function listenToPointers() {
    const pointers = new Map();
    let pinch = null;
    let drag = null;
    const at = (event) => event.clientX - stage.getBoundingClientRect().left;
    const atY = (event) => event.clientY - stage.getBoundingClientRect().top;
    const inPlot = (x) => clamp(x, layout.plot.left, layout.plot.right);

    stage.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      stage.setPointerCapture(event.pointerId);
      pointers.set(event.pointerId, at(event));
      if (pointers.size === 2) {
        const [a, b] = [...pointers.values()];
        pinch = { distance: Math.max(Math.abs(a - b), 10), centre: timeAt((a + b) / 2), length: view.to - view.from };
        brush = drag = null;
      } else if (event.pointerType === "touch" || event.shiftKey) {
        drag = { x: at(event), from: view.from };
      } else {
        brush = { from: inPlot(at(event)), to: inPlot(at(event)) };
      }
    });
    stage.addEventListener("pointermove", (event) => {
      const x = at(event);
      if (pointers.has(event.pointerId)) pointers.set(event.pointerId, x);
      if (pinch && pointers.size === 2) {
        const [a, b] = [...pointers.values()];
        const length = (pinch.length * pinch.distance) / Math.max(Math.abs(a - b), 10);
        const share = ((a + b) / 2 - layout.plot.left) / layout.plot.width;
        show(pinch.centre - share * length, pinch.centre + (1 - share) * length);
        return;
      }
      if (drag) {
        const length = view.to - view.from;
        const from = drag.from - ((x - drag.x) / layout.plot.width) * length;
        show(from, from + length);
      }
      if (brush) brush.to = inPlot(x);
      moveCursor(timeAt(inPlot(x)), atY(event));
    });
    const release = (event) => {
      pointers.delete(event.pointerId);
      if (pointers.size < 2) pinch = null;
      if (brush && Math.abs(brush.to - brush.from) > 6) {
        const [from, to] = [timeAt(brush.from), timeAt(brush.to)].sort((a, b) => a - b);
        show(from, to);
      }
      if (event.type === "pointerup") {
        moveCursor(timeAt(inPlot(at(event))), atY(event));
        pin();
      }
      brush = drag = null;
      drawCursor();
    };
    stage.addEventListener("pointerup", release);
    stage.addEventListener("pointercancel", release);
    stage.addEventListener("pointerleave", (event) => {
      // A tap must stay readable; a mouse that leaves takes its cursor along, but to what was chosen.
      if (event.pointerType === "mouse" && !brush) moveCursor(pinned, null);
    });
    stage.addEventListener("dblclick", () => show(0, run.end));
    stage.addEventListener("wheel", (event) => {
      // The plain wheel scrolls the page, unless the reader has chosen the timeline.
      if (!event.ctrlKey && !event.metaKey && document.activeElement !== stage) return;
      event.preventDefault();
      if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) pan(event.deltaX / layout.plot.width);
      else zoom(Math.exp(clamp(event.deltaY, -120, 120) / 300), timeAt(inPlot(at(event))));
    }, { passive: false });
  }

  function listenToKeys() {
    const step = (share) => {
      const time = (cursor.time ?? (view.from + view.to) / 2) + (view.to - view.from) * share;
      moveCursor(time, null);
      pin();
      if (cursor.time < view.from || cursor.time > view.to) pan(share < 0 ? -0.5 : 0.5);
    };
    const keys = {
      ArrowLeft: (event) => (event.shiftKey ? pan(-0.2) : step(-0.01)),
      ArrowRight: (event) => (event.shiftKey ? pan(0.2) : step(0.01)),
      PageUp: () => pan(-0.8),
      PageDown: () => pan(0.8),
      "+": () => zoom(0.6),
      "=": () => zoom(0.6),
      "-": () => zoom(1 / 0.6),
      Home: () => show(0, run.end),
      Escape: () => {
        moveCursor(null, null);
        pin();
        stage.blur();
      },
    };
    stage.addEventListener("keydown", (event) => {
      if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      keys[event.key](event);
    });
    document.getElementById("zoom-in").addEventListener("click", () => zoom(0.5));
    document.getElementById("zoom-out").addEventListener("click", () => zoom(2));
    document.getElementById("zoom-reset").addEventListener("click", () => show(0, run.end));
  }

  const pin = () => {
    pinned = cursor.time;
    tell();
    onMoment?.(pinned);
  };

  /** Shows what the address says, if it says something. */
  function obeyAddress() {
    const { from, to, at, process } = readAddress();
    // An address says all: one without a process shows all of them.
    if (process !== run.process) choose(process);
    if (from !== null && to !== null && from < to) show(from, to);
    if (at !== null) {
      moveCursor(at, null);
      pin();
    }
  }

  /** Shows the operations of one process alone; of all processes if it is null. */
  function choose(process) {
    const known = process !== null && run.all.process.includes(process);
    run.process = known ? process : null;
    run.operations = known ? ofProcess(run.all, process) : run.all;
    processField.value = process ?? "";
    processField.setCustomValidity(known || process === null ? "" : "no operation of this process");
    split();
  }

  /** Splits the throughput anew. */
  function split() {
    run.split = splitOf(run.operations, document.getElementById("split").value);
    redraw();
    read();
    tell();
    onSplit?.();
  }

  function listenToChoices() {
    document.getElementById("split").addEventListener("change", split);
    processField.addEventListener("input", () => {
      choose(/^\d+$/.test(processField.value) ? Number(processField.value) : null);
    });
    // A link that leads to where the address is already leads there all the same.
    document.addEventListener("click", (event) => {
      const link = event.target.closest?.("a[href^='#']");
      if (!link || !/[#&](from|at)=/.test(link.hash)) return;
      event.preventDefault();
      history.pushState(null, "", link.hash);
      obeyAddress();
      stage.focus({ preventScroll: true });
      document.getElementById("timeline").scrollIntoView({ block: "start" });
    });
    window.addEventListener("popstate", obeyAddress);
  }

  new ResizeObserver(resize).observe(stage);
  resize();
  listenToPointers();
  listenToKeys();
  listenToChoices();
  read();
  if (run.marks.length) moveCursor(run.marks[0].time, null);
  obeyAddress();
  window.addEventListener("hashchange", obeyAddress);

  return {
    /** The moment that the reader chose, if any. */
    chosen: () => pinned,
    /** Marks the moment that the player shows; one that the reader chose there is chosen here as well. */
    showPlayed(time, chosen) {
      played = time;
      if (!chosen) return drawCursor();
      moveCursor(time, null);
      pinned = time;
      tell();
    },
    /** Draws for paper, or for the screen again. */
    forPaper(wanted) {
      onPaper = wanted;
      // Drawn anew even where the width is the same: what was drawn before may not be printed.
      packed = undefined;
      resize();
    },
    /** Reads the colours again and draws at once. */
    recolour() {
      colours = readColours();
      draw();
      return colours;
    },
  };
}

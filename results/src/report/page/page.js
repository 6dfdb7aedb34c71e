"use strict";
// Brings the page to life: timeline and its legend, theme, copy button.

(() => {
  const run = JSON.parse(document.getElementById("run-data").textContent);
  run.all = run.operations = decodeOperations(run.operations);
  run.process = null;
  run.split = splitOf(run.all, "outcome");
  run.clocks = decodeClocks(run.clocks);
  run.commits = decodeCommits(run.commits);
  run.elections = decodeElections(run.elections);
  run.logs = run.logs.map((log) => ({ ...log, time: decodeColumn(log.time, log.lines.length, true) }));
  let colours = null;
  let player = null;
  const timeline = createTimeline(run, () => colours && drawLegend(colours), (time) => player?.show(time));
  player = createPlayer(run, timeline.showPlayed);
  player?.show(timeline.chosen());

  /** One entry of the legend: a swatch that is drawn just as the timeline draws it. */
  function entry(legend, name, paint) {
    const item = document.createElement("span");
    const canvas = document.createElement("canvas");
    const scale = devicePixelRatio || 1;
    canvas.width = 22 * scale;
    canvas.height = 14 * scale;
    const pen = canvas.getContext("2d");
    pen.scale(scale, scale);
    paint(pen);
    item.append(canvas, name);
    legend.append(item);
  }

  function drawLegend(read) {
    colours = read;
    const legend = document.getElementById("legend");
    legend.replaceChildren();
    OUTCOMES.forEach((name, number) => entry(legend, name, (pen) => {
      pen.fillStyle = pen.strokeStyle = colours[name];
      pen.lineWidth = 1.4;
      pen.scale(1.5, 1.5);
      drawDot(pen, number, 7.3, 4.7);
    }));
    if (run.split.by !== "outcome") {
      run.split.names.forEach((name, number) => entry(legend, name, (pen) => {
        const { colour, fill } = partFill(pen, colours, run.split.by, number);
        pen.fillStyle = colour;
        pen.globalAlpha = 0.3;
        pen.fillRect(0, 2, 22, 10);
        pen.globalAlpha = 1;
        pen.fillStyle = fill;
        pen.fillRect(0, 2, 22, 10);
      }));
    }
    PERCENTILES.forEach(({ name, dash }) => entry(legend, `${name} of what was ok`, (pen) => {
      pen.strokeStyle = colours.ink;
      pen.lineWidth = 1.5;
      pen.setLineDash(dash);
      pen.moveTo(0, 7);
      pen.lineTo(22, 7);
      pen.stroke();
    }));
    const box = (pen, colour, fill, dash) => {
      pen.fillStyle = fill;
      pen.globalAlpha = 0.6;
      pen.fillRect(0, 0, 22, 14);
      pen.globalAlpha = 1;
      pen.strokeStyle = colour;
      pen.setLineDash(dash);
      pen.strokeRect(0.5, 0.5, 21, 13);
    };
    const families = new Map(run.faults.map((fault) => [fault.family, fault.letter]));
    for (const [family, letter] of families) {
      entry(legend, family, (pen) => {
        box(pen, familyColour(colours, family), familyFill(pen, colours, family), []);
        pen.fillStyle = colours.card;
        pen.fillRect(10, 1, 11, 12);
        pen.fillStyle = familyColour(colours, family);
        pen.font = LETTER;
        pen.textAlign = "center";
        pen.fillText(letter, 15.5, 11);
      });
    }
    if (run.faults.some((fault) => fault.stepCount)) {
      entry(legend, "step of a fault", (pen) => {
        pen.fillStyle = colours.muted;
        for (const at of [4, 11, 18]) pen.fillRect(at, 8, 1.5, 5);
        pen.globalAlpha = 0.3;
        pen.fillRect(0, 2, 22, 11);
      });
    }
    if (run.findings.length) {
      entry(legend, "finding about the target", (pen) => {
        pen.fillStyle = colours.invalid;
        pen.fillRect(5, 0, 1.5, 14);
        pen.moveTo(5, 0);
        pen.lineTo(17, 4.5);
        pen.lineTo(5, 9);
        pen.fill();
      });
    }
    if (run.clocks.length) {
      entry(legend, "monotonic clock, where it differs from the wall clock", (pen) => {
        pen.strokeStyle = colours.ink;
        pen.lineWidth = 2.2;
        pen.setLineDash([1, 3]);
        pen.moveTo(0, 7);
        pen.lineTo(22, 7);
        pen.stroke();
      });
    }
    if (run.faults.some((fault) => ["indeterminate", "unreported"].includes(fault.outcome))) {
      entry(legend, "no effect shown", (pen) => box(pen, colours.muted, colours.wash, [4, 3]));
    }
    if (run.faults.some((fault) => fault.outcome === "skipped")) {
      entry(legend, "skipped", (pen) => {
        pen.fillStyle = colours.ink;
        pen.font = FONT;
        pen.fillText("⊘", 5, 11);
      });
    }
    if (run.nodes.some((node) => node.spans.some(([, , state]) => state === "down"))) {
      entry(legend, "node down", (pen) => box(pen, colours.muted, texture(pen, "cross", colours.muted), []));
    }
  }

  const recolour = () => {
    drawLegend(timeline.recolour());
    player?.recolour();
  };

  setUpTheme(recolour, (paper) => timeline.forPaper(paper));
  setUpCopying(document.getElementById("copy"), document.getElementById("command"));
  setUpBoxes();
  recolour();
})();

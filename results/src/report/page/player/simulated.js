"use strict";
// Brings the page of a simulated seed to life: its player alone.

(() => {
  const run = JSON.parse(document.getElementById("run-data").textContent);
  run.elections = decodeElections(run.elections);
  run.commits = decodeCommits(run.commits);
  const player = createPlayer(run, () => {});
  setUpTheme(() => player?.recolour());
  setUpBoxes();
})();

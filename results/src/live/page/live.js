"use strict";
// Fetches the run again and again, and shows it as it is by then.

(() => {
  setUpTheme();
  const live = document.getElementById("live");
  const state = document.getElementById("state");
  const PERIOD = 2000;

  async function refresh() {
    // A page out of sight costs nothing.
    if (document.hidden) return;
    try {
      const answer = await fetch(live.dataset.source, { cache: "no-store" });
      if (!answer.ok) throw new Error(answer.statusText);
      const fresh = await answer.text();
      // Whoever follows a link by keyboard keeps it.
      if (live.contains(document.activeElement)) return;
      live.innerHTML = fresh;
      state.textContent = "";
    } catch {
      state.textContent = "· stormproof serve does not answer";
    }
  }

  setInterval(refresh, PERIOD);
  document.addEventListener("visibilitychange", refresh);
})();

"use strict";
// Brings the page of a running cluster to life: asks what it does, shows that, and presses buttons.

(() => {
  const { token } = JSON.parse(document.getElementById("run-data").textContent);
  const element = (id) => document.getElementById(id);
  const [state, done, chapters, whys] = ["state", "done", "chapters", "whys"].map(element);
  const groups = [...document.querySelectorAll(".controls .node")];
  /** Milliseconds between two questions. */
  const PERIOD = 250;
  /** A question that takes longer counts as not answered. */
  const PATIENCE = 5000;
  const clients = createClients();
  let player = null;
  let table = "";

  async function refresh() {
    // A page out of sight costs nothing.
    if (document.hidden) return;
    try {
      const answer = await fetch("/now", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
      if (!answer.ok) throw new Error(answer.statusText);
      take(await answer.json());
      say(state, "live");
    } catch {
      say(state, "stormproof up does not answer: it has ended, or is busy");
    }
  }

  async function keepOn() {
    await refresh();
    setTimeout(keepOn, PERIOD);
  }

  function say(place, text) {
    if (place.textContent !== text) place.textContent = text;
  }

  function take({ run, chapters: rows, operations, controls, log }) {
    run.elections = decodeElections(run.elections);
    run.commits = decodeCommits(run.commits);
    if (player) player.renew(run);
    else if ((player = createPlayer(run, () => {}))) player.play();
    if (rows !== table) showTable((table = rows));
    clients.show(operations, run.end);
    for (const group of groups) showNode(group, run, controls[group.dataset.node]);
    showWhys(controls);
    if (log.length) say(done, log.at(-1));
  }

  /** Who has the focus within the table keeps it. */
  function showTable(rows) {
    const focused = chapters.contains(document.activeElement) ? document.activeElement.dataset.chapter : undefined;
    const top = chapters.firstElementChild?.scrollTop ?? 0;
    chapters.innerHTML = rows;
    for (const button of chapters.querySelectorAll("button.chapter")) {
      button.disabled = false;
      if (button.dataset.chapter === focused) button.focus({ preventScroll: true });
    }
    if (chapters.firstElementChild) chapters.firstElementChild.scrollTop = top;
  }

  function showNode(group, run, controls) {
    const [, , is, term] = run.nodes.find((node) => node.name === group.dataset.node).spans.at(-1) ?? [0, 0, "silent", null];
    group.dataset.state = is;
    say(group.querySelector(".state"), is === "silent" ? "starts" : term === null || is === "down" ? is : `${is}, term ${term}`);
    for (const button of group.querySelectorAll("button")) {
      const { on, busy, why } = controls[button.dataset.button];
      const word = on ? button.dataset.undo : button.dataset.word;
      say(button, word);
      const label = `${word} ${group.dataset.node}`;
      if (button.getAttribute("aria-label") !== label) button.setAttribute("aria-label", label);
      for (const [name, is] of [["aria-pressed", on], ["aria-busy", busy], ["aria-disabled", Boolean(why)]]) {
        if (button.getAttribute(name) !== String(is)) button.setAttribute(name, is);
      }
      button.dataset.why = why ?? "";
    }
  }

  /** The reasons of buttons that do nothing, each once. */
  function showWhys(controls) {
    const reasons = new Map();
    for (const group of groups) {
      for (const button of group.querySelectorAll("button")) {
        const { why } = controls[group.dataset.node][button.dataset.button];
        if (why) reasons.set(why, `${button.dataset.word}: ${why}`);
      }
    }
    const texts = [...reasons.values()];
    if (texts.join("\n") === whys.innerText.trim()) return;
    whys.replaceChildren(...texts.map((text) => {
      const item = document.createElement("li");
      item.textContent = text;
      return item;
    }));
  }

  async function press(button) {
    const { node } = button.closest(".node").dataset;
    if (button.getAttribute("aria-disabled") === "true") return say(done, `${button.dataset.word} ${node}: ${button.dataset.why}`);
    button.setAttribute("aria-busy", "true");
    try {
      const place = `/press?${new URLSearchParams({ button: button.dataset.button, node })}`;
      const answer = await fetch(place, { method: "POST", headers: { "X-Stormproof-Token": token } });
      if (!answer.ok) say(done, (await answer.text()).trim());
    } catch {
      say(done, "stormproof up does not answer");
    }
    refresh();
  }

  for (const button of document.querySelectorAll(".controls button")) button.addEventListener("click", () => press(button));
  document.addEventListener("visibilitychange", refresh);
  setUpTheme(() => {
    player?.recolour();
    clients.draw();
  });
  setUpBoxes();
  keepOn();
})();

"use strict";
// The choices of a reader that every page has: light or dark, and to copy a command.

/** True if the page is dark, by the reader's choice or else the system's. */
function isDark() {
  const { theme } = document.documentElement.dataset;
  return theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

/** Lets the reader switch; `recolour` draws again what a style sheet does not reach, and is told
 *  beforehand by `forPaper` that it is for paper, or no more. */
function setUpTheme(recolour = () => {}, forPaper = () => {}) {
  const root = document.documentElement;
  document.getElementById("theme").addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    try {
      localStorage.setItem("stormproof-theme", root.dataset.theme);
    } catch {
      // Not kept for the next page, then.
    }
    recolour();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
  // Paper is white.
  let before;
  window.addEventListener("beforeprint", () => {
    before = root.dataset.theme;
    root.dataset.theme = "light";
    forPaper(true);
    recolour();
  });
  window.addEventListener("afterprint", () => {
    if (before) root.dataset.theme = before;
    else delete root.dataset.theme;
    forPaper(false);
    recolour();
  });
}

/** Lets `button` copy the text of `command`. */
function setUpCopying(button, command) {
  const say = (text) => {
    button.textContent = text;
    setTimeout(() => { button.textContent = "copy"; }, 1500);
  };
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(command.textContent);
      say("copied");
    } catch {
      // A page from a file may not have the clipboard: select it for the reader's own Ctrl-C.
      getSelection().selectAllChildren(command);
      say("selected");
    }
  });
}

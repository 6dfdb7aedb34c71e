"use strict";
// The reader's choice, else the system's. `#dark` and `#light` in the address choose as well.
(() => {
  const asked = location.hash.match(/\b(dark|light)\b/);
  let kept = null;
  try {
    kept = localStorage.getItem("stormproof-theme");
  } catch {
    // Some browsers keep nothing for files; the system's choice then stands.
  }
  const theme = asked ? asked[1] : kept;
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
})();

"use strict";
// The part of the run that is in view, as the address says it: `#from=12.5&to=14&at=13.1`, in
// seconds. A link to it shows another reader the same.

/** How long, in milliseconds, the view must stand still before the address says so. */
const ADDRESS_PAUSE = 250;

/** The wish that an address holds, in microseconds; null for what it does not say. */
function readAddress() {
  const wish = new URLSearchParams(location.hash.slice(1));
  const micros = (name) => {
    const value = wish.has(name) ? Number(wish.get(name)) * 1e6 : NaN;
    return value >= 0 ? value : null;
  };
  const process = /^\d+$/.test(wish.get("process") ?? "") ? Number(wish.get("process")) : null;
  return { from: micros("from"), to: micros("to"), at: micros("at"), process };
}

/** Writes the view into the address once it stands still. A choice of colours stays in it. */
const writeAddress = (() => {
  let waiting = null;
  return (view, end, cursor, process) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      const colours = location.hash.match(/\b(dark|light)\b/);
      const seconds = (micros) => String(+(micros / 1e6).toFixed(6));
      const parts = colours ? [colours[1]] : [];
      if (view.from > 0 || view.to < end) parts.push(`from=${seconds(view.from)}`, `to=${seconds(view.to)}`);
      if (cursor !== null) parts.push(`at=${seconds(cursor)}`);
      if (process !== null) parts.push(`process=${process}`);
      try {
        history.replaceState(null, "", parts.length ? `#${parts.join("&")}` : location.href.split("#")[0]);
      } catch {
        // Some browsers refuse it to files, or when it comes too often; the view is right all the same.
      }
    }, ADDRESS_PAUSE);
  };
})();

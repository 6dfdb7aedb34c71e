"use strict";
// One cursor over the lanes of both runs.

(() => {
  const data = JSON.parse(document.getElementById("comparison-data").textContent);
  setUpTheme();
  setUpBoxes();
  const both = document.getElementById("both");
  const reading = document.getElementById("reading");
  const count = (data.buckets[0] ?? data.buckets[1])?.length;
  const cursor = document.createElement("div");
  cursor.className = "cursor";
  cursor.hidden = true;
  both.append(cursor);
  let at = 0;

  /** A length of time, as words/times.rs says it. */
  const length = (micros) => (micros < 1e3 ? `${micros} µs`
    : micros < 1e4 ? `${(micros / 1e3).toFixed(1)} ms`
      : micros < 1e6 ? `${Math.round(micros / 1e3)} ms` : `${(micros / 1e6).toFixed(2)} s`);

  // There is nothing to read where neither history is kept.
  if (!both.querySelector(".track")) return;

  function show() {
    const track = both.querySelector(".track").getBoundingClientRect();
    const box = both.getBoundingClientRect();
    cursor.hidden = false;
    cursor.style.left = `${track.left - box.left + (at + 0.5) * track.width / count}px`;
    const time = ((at + 0.5) * data.seconds - data.before).toFixed(2);
    const figures = ([ok, others, p99]) => `${Math.round(ok / data.seconds)} ok a second`
      + (others ? `, ${Math.round(others / data.seconds)} others` : "")
      + (p99 === null ? "" : `, p99 ${length(p99)}`);
    const side = (buckets) => (buckets ? figures(buckets[at]) : "not kept");
    reading.textContent = `${time} s of the load\n${["A", "B"]
      .map((name, number) => `${name}: ${side(data.buckets[number])}`).join("\n")}`;
  }

  both.addEventListener("pointermove", (event) => {
    const track = both.querySelector(".track").getBoundingClientRect();
    const place = Math.floor((event.clientX - track.left) * count / track.width);
    if (place < 0 || place >= count) return;
    at = place;
    show();
  });
  both.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -count, End: count };
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    at = Math.min(count - 1, Math.max(0, at + step * (event.shiftKey ? 10 : 1)));
    show();
  });
})();

"use strict";
// Lists the runs that a reader asks for, by cell, night, verdict or words.

(() => {
  const element = document.getElementById("index-data");
  const data = JSON.parse(element.textContent);
  setUpTheme();
  setUpBoxes();
  if (!document.getElementById("runs")) return;
  const column = Object.fromEntries(Object.entries(data.columns)
    .map(([name, packed]) => [name, decodeColumn(packed, data.count, false)]));
  const at = (id) => document.getElementById(id);
  const PARTS = [null, "safety", "liveness", "availability", "harness"];
  const UNCOUNTED = [null, "starved", "unknown", "goes on", "not judged"];
  const VERDICTS = [["valid", "✓"], ["unknown", "?"], ["invalid", "✗"]];
  const BATCH = 100;
  let chosen = [];
  let shown = 0;
  let night = null;
  const compared = new Map();

  const state = (row) => {
    const code = column.state[row];
    return { verdict: code & 3, part: PARTS[(code >> 2) & 7], uncounted: UNCOUNTED[code >> 5] };
  };

  function matches(row, show) {
    if (!show) return true;
    const { part, uncounted } = state(row);
    if (show === "failed") return part !== null;
    if (show === "passed") return part === null && uncounted === null;
    if (show === "unknown") return uncounted !== null && uncounted !== "starved";
    return part === show || uncounted === show;
  }

  const said = (row) => data.sentences[column.said[row] - 1] ?? "";

  /** The run directory of a row, from this page on; empty if nothing of it is kept. */
  function folder(row) {
    if (!column.kept[row]) return "";
    if (row in data.places) return data.places[row];
    const [, , place, byDay] = data.nights[column.night[row]];
    const time = began(row).toISOString().replace(/[-:]|\.000/g, "");
    const run = byDay ? "" : `runs/${column.number[row] - 1}/`;
    return `${place}${place && "/"}${run}${time}-${data.cells[column.cell[row]][3]}-s${column.seed[row]}`;
  }

  const began = (row) => {
    const [, start] = data.nights[column.night[row]];
    return new Date(((start ?? 0) + Math.max(column.began[row] - 1, 0)) * 1000);
  };

  /** A length of time, as words/times.rs says it. */
  function length(micros) {
    if (micros < 1e3) return `${micros} µs`;
    if (micros < 1e4) return `${(micros / 1e3).toFixed(1)} ms`;
    if (micros < 1e6) return `${Math.round(micros / 1e3)} ms`;
    if (micros < 1e7) return `${(micros / 1e6).toFixed(2)} s`;
    if (micros < 1.2e8) return `${(micros / 1e6).toFixed(1)} s`;
    return `${Math.floor(micros / 6e7)} min ${Math.floor(micros / 1e6) % 60} s`;
  }

  const make = (name, className, ...content) => {
    const made = document.createElement(name);
    if (className) made.className = className;
    made.append(...content);
    return made;
  };

  function tableRow(row) {
    const { verdict, uncounted } = state(row);
    const [name, sign] = VERDICTS[verdict];
    const [target, workload, profile] = data.cells[column.cell[row]];
    const place = folder(row);
    const line = make("tr");
    if (data.served !== null) {
      const cell = make("td");
      if (place) {
        const box = make("input", "two");
        box.type = "checkbox";
        box.value = data.served + decodeURIComponent(place);
        box.checked = compared.has(box.value);
        box.setAttribute("aria-label", `compare ${box.value}`);
        cell.append(box);
      }
      line.append(cell);
    }
    const open = uncounted === "goes on" || uncounted === "not judged";
    const word = make(open && uncounted === "goes on" ? "b" : "span",
      uncounted === "goes on" ? "now" : "pill", open ? uncounted : `${sign} ${name}`);
    const verdictCell = make("td", `said ${name}`, word);
    if (uncounted === "starved") verdictCell.append(make("small", "", "this machine was starved"));
    if (said(row)) verdictCell.append(make("small", "", said(row)));
    const head = make("th", "", target, make("small", "", `${workload} · ${profile}`));
    head.scope = "row";
    const time = make("td", "", column.began[row]
      ? began(row).toISOString().slice(0, 16).replace("T", " ") : "–");
    if (column.number[row]) {
      const id = data.nights[column.night[row]][0];
      time.append(make("small", "", `run ${column.number[row] - 1} of ${id}`));
    }
    const figure = (value) => make("td", "number", value ? length(value - 1) : "–");
    const look = make("td", "links");
    if (place) {
      const link = make("a", "", column.kept[row] > 1 ? "report" : "files");
      link.href = column.kept[row] > 1 ? `${place}/report.html` : `${place}/`;
      look.append(link);
    } else {
      look.append(make("span", "muted", "not kept"));
    }
    line.append(verdictCell, head, time, make("td", "number", String(column.seed[row])),
      figure(column.recovery[row]), figure(column.p99[row]),
      make("td", "number", length(column.took[row] * 1e5)), look);
    return line;
  }

  function showMore() {
    const until = Math.min(shown + BATCH, chosen.length);
    const rows = at("rows");
    for (; shown < until; shown++) rows.append(tableRow(chosen[shown]));
    at("more").hidden = shown === chosen.length;
    at("more").textContent = `show ${Math.min(BATCH, chosen.length - shown)} more`;
  }

  function list() {
    const cell = at("cell").value;
    const show = at("show").value;
    const words = at("words").value.trim().toLowerCase();
    chosen = [];
    for (let row = 0; row < data.count; row++) {
      if (cell !== "" && column.cell[row] !== Number(cell)) continue;
      if (night !== null && column.night[row] !== night) continue;
      if (!matches(row, show)) continue;
      if (words && String(column.seed[row]) !== words && !said(row).toLowerCase().includes(words)) continue;
      chosen.push(row);
    }
    const count = chosen.length.toLocaleString("en");
    const of = night === null ? "" : ` of ${data.nights[night][0]}`;
    at("chosen").textContent = `${count} run${chosen.length === 1 ? "" : "s"}${of}`;
    at("all-nights").hidden = night === null;
    at("rows").replaceChildren();
    shown = 0;
    showMore();
  }

  /** Lists what the address asks for; true if it asks for something. */
  function follow() {
    const asked = new URLSearchParams(location.hash.slice(1));
    if (!["cell", "night", "show"].some((name) => asked.has(name))) return false;
    const value = (name) => asked.get(name) ?? "";
    at("cell").value = value("cell");
    at("show").value = value("show");
    at("words").value = "";
    const wanted = Number(value("night") || NaN);
    night = data.nights[wanted] ? wanted : null;
    list();
    return true;
  }

  for (const id of ["cell", "show"]) at(id).addEventListener("change", list);
  at("words").addEventListener("input", list);
  at("more").addEventListener("click", showMore);
  at("all-nights").addEventListener("click", () => { night = null; list(); });
  const jump = () => {
    if (!follow()) return;
    at("runs").scrollIntoView();
    at("runs").focus({ preventScroll: true });
  };
  window.addEventListener("hashchange", jump);
  // The same cell again changes no address, but is asked for all the same.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a.pick");
    if (link && link.hash === location.hash) jump();
  });

  if (data.served !== null) {
    at("rows").addEventListener("change", ({ target }) => {
      if (!target.matches(".two")) return;
      if (target.checked) compared.set(target.value, true);
      else compared.delete(target.value);
      at("compare").disabled = compared.size !== 2;
    });
    at("compare").addEventListener("click", () => {
      const [a, b] = compared.keys();
      location.href = `/compare?${new URLSearchParams({ a, b })}`;
    });
  }
  if (location.hash.length > 1 && follow()) at("runs").scrollIntoView();
  else list();
})();

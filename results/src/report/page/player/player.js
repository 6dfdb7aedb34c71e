"use strict";
// Plays the elections: what is shown, how fast it goes on, and who says so.

/** Events that the list shows around the one that is told. */
const LISTED = { before: 60, after: 60 };
/** Between two announcements while it plays, in milliseconds: a screen reader must keep up. */
const ANNOUNCED = 1500;
/** Microseconds by which a player that keeps up with a cluster is behind it at most: news come in that often. */
const BEHIND = 400e3;
/** Seconds of film for which what has just happened is looked at before the next chapter is thought to begin. */
const LEAD_IN = 0.4;

/** A player in its place; nothing where no node told of an election. `onMoment` hears which moment is shown,
    and whether the reader chose it. */
function createPlayer(run, onMoment) {
  const box = document.getElementById("player");
  if (!box || !run.elections.chapters.length) return null;
  const element = (id) => document.getElementById(id);
  const [stageBox, canvas, scrub, ticks, said] = ["cluster", "circle", "scrub", "ticks", "said"].map(element);
  const [rows, list] = [box.querySelector("#states tbody"), box.querySelector("#calls ol")];
  let story = createStory(run);
  let colours = playerColours();
  let stage = null;
  let time = story.chapters[0].start;
  let playing = null;
  let told = null;
  let announced = 0;
  let waiting = false;
  box.hidden = false;

  function resize() {
    const width = stageBox.clientWidth;
    if (!width) return;
    const height = Math.round(Math.min(Math.max(width * 0.8, 320), 520));
    const scale = devicePixelRatio || 1;
    for (const [target, w, h] of [[canvas, width, height], [ticks, ticks.clientWidth, 12]]) {
      target.width = Math.round(w * scale);
      target.height = Math.round(h * scale);
      target.getContext("2d").setTransform(scale, 0, 0, scale, 0, 0);
    }
    canvas.style.height = `${height}px`;
    stage = placeCircle(story.nodes.map((node) => node.name), width, height);
    drawTicks();
    draw();
  }

  /** Where in the film elections are. */
  function drawTicks() {
    const pen = ticks.getContext("2d");
    const width = ticks.clientWidth;
    const at = (moment) => 8 + (story.film.placeOf(moment) / story.film.length) * (width - 16);
    pen.clearRect(0, 0, width, 12);
    for (const { start, end, winner } of story.chapters) {
      pen.fillStyle = winner ? colours.leader : colours.invalid;
      pen.fillRect(at(start), winner ? 4 : 1, Math.max(at(end) - at(start), 2.5), winner ? 8 : 11);
    }
  }

  function draw() {
    waiting = false;
    if (!stage) return;
    const film = story.film.placeOf(time);
    const states = drawCircle(canvas.getContext("2d"), story, stage, colours, time, film);
    showStates(states);
    element("moment").textContent = `${(time / 1e6).toFixed(playing ? 4 : 6)} s`;
    scrub.value = (film / story.film.length) * 1000;
    scrub.setAttribute("aria-valuetext", formatMoment(time));
    tellEvent();
  }

  function redraw() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => waiting && draw());
  }

  /** Changes only the cells that say something else now: the table is read while it plays. */
  function showStates(states) {
    if (rows.children.length !== states.size) {
      rows.replaceChildren(...[...states.keys()].map((name) => {
        const row = document.createElement("tr");
        row.append(cell("th", name), ...Array.from({ length: 6 }, (_, at) => cell("td", "", at > 0)));
        row.firstChild.scope = "row";
        return row;
      }));
    }
    [...states.values()].forEach((is, number) => {
      const off = is.state === "down" || is.state === "silent";
      const texts = [
        is.state === "silent" ? "starts" : is.state,
        off || is.term === null ? "–" : is.term,
        off ? "–" : is.vote ?? "–",
        is.voters > 1 ? `${is.votes} of ${is.voters}` : "–",
        off || is.last === null ? "–" : is.last,
        off || is.commit === null ? "–" : is.commit,
      ];
      const row = rows.children[number];
      if (row.dataset.state !== is.state) row.dataset.state = is.state;
      texts.forEach((text, at) => {
        const target = row.children[at + 1];
        if (target.textContent !== String(text)) target.textContent = text;
      });
    });
  }

  function cell(kind, text, isNumber = false) {
    const made = document.createElement(kind);
    made.textContent = text;
    if (isNumber) made.className = "number";
    return made;
  }

  /** Says the event of this moment. What is said is read aloud: while it plays, no more often than one can
      listen to. */
  function announce(place) {
    const now = performance.now();
    if (playing && now - announced <= ANNOUNCED) return;
    const event = story.events[place];
    const texts = [];
    for (let at = place; event && story.events[at]?.time === event.time; at--) texts.unshift(story.events[at].text);
    const text = event ? `${formatMoment(event.time)}: ${texts.join("; ")}` : "before the first event";
    if (said.textContent === text) return;
    said.textContent = text;
    announced = now;
  }

  /** The event of this moment: in the list, and said. */
  function tellEvent() {
    const place = story.placeAt(time);
    announce(place);
    if (place === told) return;
    told = place;
    const from = Math.max(0, place - LISTED.before);
    const shown = story.events.slice(from, place + LISTED.after);
    if (Number(list.dataset.from) !== from || list.children.length !== shown.length) {
      list.dataset.from = from;
      list.replaceChildren(...shown.map((it, at) => entry(it, from + at)));
    }
    list.querySelector(".now")?.classList.remove("now");
    const current = list.children[place - from];
    for (const later of list.querySelectorAll(".later")) later.classList.remove("later");
    for (let at = place - from + 1; at < list.children.length; at++) list.children[at].classList.add("later");
    if (!current) return;
    current.classList.add("now");
    const frame = list.parentElement;
    frame.scrollTop = current.offsetTop - frame.clientHeight * 0.6;
  }

  function entry(event, place) {
    const item = document.createElement("li");
    const sign = cell("i", SIGNS[event.sign] ?? STATE_SIGNS[event.state] ?? "·");
    sign.dataset.sign = event.sign;
    if (event.state) sign.dataset.state = event.state;
    sign.setAttribute("aria-hidden", "true");
    const moment = cell("time", (event.time / 1e6).toFixed(4));
    item.append(moment, sign, cell("span", event.text));
    item.dataset.place = place;
    return item;
  }

  /** Shows a moment; `chosen` is true if the reader asked for it. */
  function show(moment, chosen = true) {
    // A reader who looks back leaves the present.
    if (chosen && isLive()) pause();
    time = Math.min(Math.max(moment, 0), run.end);
    redraw();
    onMoment(time, chosen);
  }

  const mode = () => {
    const [clock, factor] = element("speed").value.split(" ×");
    return { clock, factor: Number(factor) };
  };

  const isLive = () => playing && mode().clock === "live";

  /** True if there is a present to come back to. */
  function backToLive() {
    const live = [...element("speed").options].find((it) => it.value.startsWith("live"));
    if (live) live.selected = true;
    return Boolean(live);
  }

  function turn(now) {
    if (!playing) return;
    // A page that was out of sight goes on where it was.
    const passed = Math.min((now - playing.now) / 1000, 0.1);
    playing.now = now;
    const { clock, factor } = mode();
    const next = clock === "steps"
      ? story.film.timeAt(story.film.placeOf(time) + passed * factor)
      : time + passed * factor * 1e6;
    if (clock === "live") time = Math.min(Math.max(next, run.end - BEHIND), run.end);
    else if (next < run.end) time = next;
    else if (backToLive()) time = run.end;
    else {
      show(run.end, false);
      return pause();
    }
    draw();
    onMoment(time, false);
    requestAnimationFrame(turn);
  }

  function play() {
    if (mode().clock === "live") time = run.end;
    else if (time >= run.end) time = 0;
    playing = { now: performance.now() };
    setButton("pause");
    requestAnimationFrame(turn);
  }

  function pause() {
    if (!playing) return;
    playing = null;
    setButton("play");
    told = null;
    draw();
    onMoment(time, true);
  }

  function setButton(word) {
    element("play").dataset.does = word;
    element("play").setAttribute("aria-label", word);
  }

  const toggle = () => (playing ? pause() : play());

  function step(by) {
    pause();
    let place = story.placeAt(time);
    // From between two events, one step back leads to the beginning of this stretch.
    if (by < 0 && story.events[place]?.time < time) place += 1;
    const before = story.events[place]?.time;
    do place += by; while (story.events[place] && story.events[place].time === before);
    const event = story.events[Math.min(Math.max(place, 0), story.events.length - 1)];
    if (event) show(event.time);
  }

  function chapter(by) {
    const starts = story.chapters.map((it) => it.start);
    const here = starts.findLastIndex((start) => start <= time + 1);
    openChapter(Math.min(Math.max(here + by + (by < 0 && starts[here] < time - 1 ? 1 : 0), 0), starts.length - 1));
  }

  function openChapter(number) {
    const { start } = story.chapters[number];
    show(playing ? story.film.timeAt(story.film.placeOf(start) - LEAD_IN) : start);
  }

  const keys = {
    " ": toggle,
    k: toggle,
    ArrowLeft: () => step(-1),
    ArrowRight: () => step(1),
    PageUp: () => chapter(-1),
    PageDown: () => chapter(1),
    Home: () => show(0),
    End: () => show(run.end),
  };
  stageBox.addEventListener("keydown", (event) => {
    if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    keys[event.key]();
  });
  stageBox.addEventListener("click", toggle);
  element("play").addEventListener("click", toggle);
  element("step-back").addEventListener("click", () => step(-1));
  element("step-on").addEventListener("click", () => step(1));
  element("chapter-before").addEventListener("click", () => chapter(-1));
  element("chapter-next").addEventListener("click", () => chapter(1));
  scrub.addEventListener("input", () => show(story.film.timeAt((Number(scrub.value) / 1000) * story.film.length)));
  list.addEventListener("click", (event) => {
    const place = event.target.closest("li")?.dataset.place;
    if (place === undefined) return;
    pause();
    show(story.events[place].time);
  });
  for (const button of document.querySelectorAll("button.chapter")) button.disabled = false;
  // The table of a cluster that runs grows, so its buttons are not known yet.
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button.chapter");
    if (!button) return;
    openChapter(Number(button.dataset.chapter));
    box.scrollIntoView({ block: "nearest" });
    if (mode().clock === "live") element("speed").value = "steps ×1";
    if (!playing) play();
  });
  new ResizeObserver(resize).observe(stageBox);
  resize();
  drawSigns(element("signs"), colours, story.leftOut);

  return {
    /** Shows a moment that was chosen elsewhere. */
    show(moment) {
      if (moment === null || Math.abs(moment - time) < 1) return;
      time = moment;
      redraw();
    },
    /** Takes in a run that has gone on, and stays where it is. */
    renew(longer) {
      const before = story;
      run = longer;
      story = createStory(run);
      const same = (place) => before.events[place]?.time === story.events[place]?.time && before.events[place]?.text === story.events[place]?.text;
      // The list is made anew where it would say something else; one that stands still is left alone.
      if (!same(told) || (playing && !(same(story.events.length - 1) && same(before.events.length - 1)))) {
        told = null;
        delete list.dataset.from;
      }
      drawTicks();
      redraw();
    },
    play,
    recolour() {
      colours = playerColours();
      drawTicks();
      drawSigns(element("signs"), colours, story.leftOut);
      draw();
    },
  };
}

function playerColours() {
  const own = getComputedStyle(document.documentElement);
  return { ...readColours(), "candidate-edge": own.getPropertyValue("--candidate-edge").trim() };
}

/** The legend: each sign as it flies, and how many calls a long run left out. */
function drawSigns(place, colours, leftOut) {
  const signs = [
    ["pre-vote", "pre-vote asked"], ["vote", "vote asked"], ["granted", "granted"], ["refused", "refused"],
    ["append", "append"], ["heartbeat", "heartbeat"], ["timeout-now", "hand-over"], ["lost", "lost, or a link that is cut"],
  ];
  place.replaceChildren(...signs.map(([sign, name]) => {
    const item = document.createElement("span");
    const canvas = document.createElement("canvas");
    const scale = devicePixelRatio || 1;
    canvas.width = canvas.height = 16 * scale;
    const pen = canvas.getContext("2d");
    pen.scale(scale, scale);
    if (sign === "lost") cross(pen, 8, 8, 4.5, colours.invalid);
    else drawSign(pen, sign, 8, 8, sign === "append" ? 4 : 6, colours);
    item.append(canvas, name);
    return item;
  }));
  if (leftOut) place.append(`${leftOut} calls are left out, first the pre-votes outside of elections`);
}

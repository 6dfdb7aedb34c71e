"use strict";
// Draws the nodes in a circle, with their messages at one moment.

/** Dots that fly along a link while entries do; of heartbeats alone, one does. */
const DOTS = 3;
/** How often a second of film such a dot goes its way. */
const DOT_SPEED = 1.1;

/** The places of the nodes on a canvas of this size. */
function placeCircle(names, width, height) {
  const radius = Math.min(Math.max(Math.min(width, height) * 0.085, 21), 38);
  const across = Math.min(width / 2 - radius - 16, (height - 44) / 2 - radius - 4);
  const centre = { x: width / 2, y: (height - 22) / 2 };
  const places = new Map(names.map((name, number) => {
    const angle = (number / names.length) * 2 * Math.PI - Math.PI / 2;
    return [name, { x: centre.x + across * Math.cos(angle) * Math.min(1.25, (width / 2 - radius - 16) / across), y: centre.y + across * Math.sin(angle), angle }];
  }));
  return { places, radius, centre, width, height };
}

/** A point on the way between two nodes: bent to its left, so that those of both directions pass. */
function onTheWay({ places, radius }, from, to, share) {
  const [a, b] = [places.get(from), places.get(to)];
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const length = Math.hypot(dx, dy) || 1;
  const margin = (radius + 4) / length;
  const u = margin + share * (1 - 2 * margin);
  const bend = 4 * u * (1 - u) * Math.min(length * 0.06, 16);
  return { x: a.x + dx * u + (dy / length) * bend, y: a.y + dy * u - (dx / length) * bend };
}

function drawCircle(context, story, stage, colours, time, film) {
  const scene = { context, story, stage, colours, time, film };
  context.clearRect(0, 0, stage.width, stage.height);
  const states = new Map(story.nodes.map((node) => [node.name, node.at(time)]));
  drawLinks(scene);
  drawFlows(scene);
  for (const node of story.nodes) drawNode(scene, node.name, states.get(node.name));
  drawFlights(scene);
  return states;
}

function drawLinks({ context, story, stage, colours, time }) {
  const names = story.nodes.map((node) => node.name);
  const cut = new Set(story.cuts.filter((fault) => fault.start <= time && time <= fault.end)
    .flatMap((fault) => fault.cuts.map(([from, to]) => `${from} ${to}`)));
  for (const [number, from] of names.entries()) {
    for (const to of names.slice(number + 1)) {
      const [a, b] = [stage.places.get(from), stage.places.get(to)];
      const ways = [cut.has(`${from} ${to}`), cut.has(`${to} ${from}`)];
      const isCut = ways[0] || ways[1];
      context.strokeStyle = isCut ? colours.invalid : colours.line;
      context.lineWidth = 1;
      context.setLineDash(isCut ? [3, 6] : []);
      context.beginPath();
      context.moveTo(a.x, a.y);
      context.lineTo(b.x, b.y);
      context.stroke();
      context.setLineDash([]);
      if (!isCut) continue;
      // Where only one direction is cut, the cross stands nearer to who hears nothing.
      const share = ways[0] && ways[1] ? 0.5 : ways[0] ? 0.68 : 0.32;
      cross(context, a.x + (b.x - a.x) * share, a.y + (b.y - a.y) * share, 4, colours.invalid);
    }
  }
}

function cross(context, x, y, size, colour) {
  context.strokeStyle = colour;
  context.lineWidth = 2;
  context.beginPath();
  context.moveTo(x - size, y - size);
  context.lineTo(x + size, y + size);
  context.moveTo(x + size, y - size);
  context.lineTo(x - size, y + size);
  context.stroke();
}

/** Appends and heartbeats are told as sums: their dots say that and how they flow, not each one's place. */
function drawFlows({ context, story, stage, colours, time, film }) {
  story.flows.forEach((flows, link) => {
    const flow = flows[firstBeyond(flows, time, (it) => it.start) - 1];
    if (!flow || !flow.sent || time > flow.flowsUntil || !stage.places.has(flow.from) || !stage.places.has(flow.to)) return;
    const carries = flow.calls + flow.parts > 0;
    const dots = carries ? DOTS : 1;
    // Many entries in one append make larger dots.
    const size = carries ? Math.min(Math.log2(1 + flow.entries / flow.calls || 1) * 0.6, 3) : 0;
    for (let dot = 0; dot < dots; dot++) {
      const share = (film * DOT_SPEED + dot / dots + link * 0.37) % 1;
      const isLost = (dot + 0.5) / dots < flow.lost / flow.sent;
      if (isLost && share > 0.62) continue;
      const { x, y } = onTheWay(stage, flow.from, flow.to, share);
      context.globalAlpha = isLost ? Math.max(0, 1 - share / 0.62) : 0.85;
      context.fillStyle = context.strokeStyle = colours.leader;
      context.lineWidth = 1.3;
      context.beginPath();
      context.arc(x, y, flow.parts ? 5.5 : carries ? 2.4 + size : 2.6, 0, 7);
      if (carries) context.fill();
      else context.stroke();
    }
    context.globalAlpha = 1;
  });
}

function drawFlights({ context, story, stage, colours, film }) {
  const { flights } = story;
  // Those that began within the last minute of film: none flies longer.
  for (let at = firstBeyond(flights, film, (flight) => flight.start) - 1; at >= 0; at--) {
    const flight = flights[at];
    if (film - flight.start > 60) break;
    if (film > flight.end || !stage.places.has(flight.from) || !stage.places.has(flight.to)) continue;
    const gone = (film - flight.start) / (flight.end - flight.start || 1);
    const { x, y } = onTheWay(stage, flight.from, flight.to, flight.lost ? Math.min(gone, 0.7) * 0.75 : gone);
    context.globalAlpha = flight.lost ? Math.min(1, 2.2 * (1 - gone)) : 1;
    if (flight.lost && gone > 0.6) cross(context, x, y, 5, colours.invalid);
    else drawSign(context, flight.sign, x, y, 6.5, colours);
    context.globalAlpha = 1;
  }
}

/** The sign of a message: a shape and a colour each. */
function drawSign(context, sign, x, y, size, colours) {
  const diamond = () => {
    context.beginPath();
    for (const [dx, dy] of [[0, -1], [1, 0], [0, 1], [-1, 0]]) context.lineTo(x + dx * size, y + dy * size);
    context.closePath();
  };
  const disc = (colour) => {
    context.fillStyle = colour;
    context.beginPath();
    context.arc(x, y, size, 0, 7);
    context.fill();
  };
  context.lineWidth = 2;
  if (sign === "pre-vote" || sign === "vote") {
    diamond();
    context.fillStyle = sign === "vote" ? colours.candidate : colours.card;
    context.fill();
    context.strokeStyle = colours["candidate-edge"];
    context.stroke();
  } else if (sign === "granted") {
    disc(colours.ok);
    context.strokeStyle = colours.card;
    context.beginPath();
    context.moveTo(x - size * 0.5, y);
    context.lineTo(x - size * 0.1, y + size * 0.42);
    context.lineTo(x + size * 0.52, y - size * 0.4);
    context.stroke();
  } else if (sign === "refused") {
    context.fillStyle = colours.info;
    context.fillRect(x - size * 0.9, y - size * 0.9, size * 1.8, size * 1.8);
    cross(context, x, y, size * 0.42, colours.card);
  } else if (sign === "heartbeat") {
    context.strokeStyle = colours.leader;
    context.lineWidth = 1.3;
    context.beginPath();
    context.arc(x, y, 2.6, 0, 7);
    context.stroke();
  } else if (sign === "timeout-now") {
    context.fillStyle = colours.leader;
    context.beginPath();
    for (const [dx, dy] of [[-1, -1], [1, 0], [-1, 1], [-0.4, 0]]) context.lineTo(x + dx * size, y + dy * size);
    context.fill();
  } else {
    disc(colours.leader);
  }
}

/** A node, and around one that asks for votes a ring with a part for each vote that it could have. */
function drawNode({ context, stage, colours }, name, { state, term, votes, voters, commit, last }) {
  const { x, y } = stage.places.get(name);
  const { radius } = stage;
  const isOff = state === "down" || state === "silent";
  context.fillStyle = colours.card;
  context.beginPath();
  context.arc(x, y, radius + 1, 0, 7);
  context.fill();
  context.beginPath();
  context.arc(x, y, radius, 0, 7);
  let ink = colours.ink;
  if (state === "leader") {
    context.fillStyle = colours.leader;
    ink = colours["leader-ink"];
  } else if (state.endsWith("candidate")) {
    context.fillStyle = colours.candidate;
    ink = colours["candidate-ink"];
  } else if (isOff) {
    context.fillStyle = texture(context, "cross", colours.line);
  } else if (state === "paused") {
    context.fillStyle = texture(context, "dots", colours.pause);
  } else {
    context.fillStyle = colours.follower;
    ink = colours["follower-ink"];
  }
  context.fill();
  context.lineWidth = state === "leader" ? 0 : 1.2;
  if (state === "pre-candidate") context.setLineDash([4, 3]);
  context.strokeStyle = isOff || state === "paused" ? colours.muted : ink;
  if (state !== "leader") context.stroke();
  context.setLineDash([]);
  if (voters > 1 && state !== "leader") drawVotes(context, colours, { x, y }, radius + 7, votes, voters);
  writeNode(context, colours, { x, y, radius }, name, state, term, ink);
  writeLog(context, colours, { x, y, radius }, state, commit, last);
}

function drawVotes(context, colours, { x, y }, radius, votes, count) {
  const gap = 0.09;
  const part = (2 * Math.PI) / count;
  context.lineWidth = 4.5;
  for (let place = 0; place < count; place++) {
    context.strokeStyle = place < votes ? colours.ok : colours.line;
    context.beginPath();
    context.arc(x, y, radius, place * part - Math.PI / 2 + gap, (place + 1) * part - Math.PI / 2 - gap);
    context.stroke();
  }
}

function writeNode(context, colours, { x, y, radius }, name, state, term, ink) {
  const boxed = (text, font, top) => {
    context.font = font;
    const width = context.measureText(text).width;
    if (["down", "silent", "paused"].includes(state)) {
      context.fillStyle = colours.card;
      context.fillRect(x - width / 2 - 3, top - 8, width + 6, 16);
    }
    context.fillStyle = ink;
    context.fillText(text, x, top);
  };
  context.textAlign = "center";
  context.textBaseline = "middle";
  const size = radius > 27 ? 15 : 13;
  boxed(fitted(context, name, radius * 2 - 6) || name.slice(0, 4), `700 ${FONT.replace("12px", `${size}px`)}`, y - 7);
  const below = state === "down" || state === "paused" ? state : state === "silent" ? "–" : `T${term}`;
  boxed(below, SMALL, y + 9);
}

/** Below a node, or above the lower ones, what it is and how far its log is committed. */
function writeLog(context, colours, { x, y, radius }, state, commit, last) {
  context.textAlign = "center";
  const top = y + radius + 15;
  const words = { leader: "LEADER", candidate: "candidate", "pre-candidate": "asks around", follower: "follower" }[state];
  if (words) {
    context.font = state === "leader" ? `700 ${SMALL}` : SMALL;
    context.fillStyle = state === "leader" ? colours.partition : colours.muted;
    plate(context, colours, words, x, top - 1);
  }
  if (commit === null || state === "down" || state === "silent") return;
  context.font = SMALL;
  context.fillStyle = colours.muted;
  const ahead = last !== null && last > commit ? ` +${last - commit}` : "";
  plate(context, colours, `#${commit}${ahead}`, x, words ? top + 13 : top - 1);
}

/** A text on a piece of the card, so that no line crosses it. */
function plate(context, colours, text, x, y) {
  const { fillStyle } = context;
  const width = context.measureText(text).width;
  context.globalAlpha = 0.8;
  context.fillStyle = colours.card;
  context.fillRect(x - width / 2 - 2, y - 7, width + 4, 14);
  context.globalAlpha = 1;
  context.fillStyle = fillStyle;
  context.fillText(text, x, y);
}

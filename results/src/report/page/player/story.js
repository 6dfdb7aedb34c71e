"use strict";
// What happened, event by event and in words, and what each node was at a moment.

/** Nodes that are asked within so many microseconds are asked in one event. */
const ONE_ROUND = 2000;

/** Sums of appends that are so many microseconds apart are of one stream: heartbeats are due every 50 ms. */
const FLOWS_ON = 130e3;

const REFUSALS = {
  "stale-term": "it is in that term already, or in a later one",
  "has-leader": "it hears a leader",
  lease: "it promised a leader not to",
  voted: "it voted for another node in that term",
  "log-behind": "its own log reaches further",
};

/** The signs of events, as the list of events and the legend show them. */
const SIGNS = { "pre-vote": "◇", vote: "◆", granted: "✓", refused: "✗", "timeout-now": "➤", append: "●", fault: "▒" };

const STATE_SIGNS = { leader: "★", candidate: "◐", "pre-candidate": "◔", follower: "○", down: "⊘", paused: "‖", silent: "·" };

const listed = (names) => names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;

/** Everything that happened in an order, and what there was in between. */
function createStory(run) {
  const { calls, flows, chapters, leftOut } = run.elections;
  const asked = askedByEach(calls);
  const events = [...roleEvents(run), ...faultEvents(run), ...callEvents(calls, asked)];
  events.sort((a, b) => a.time - b.time || a.rank - b.rank);
  const film = createFilm(events.map((event) => event.time), run.end);
  return {
    events, film, calls, chapters, leftOut,
    flights: flights(calls, film),
    flows: byLink(flows),
    nodes: run.nodes.map((node) => nodeStory(node, run, calls, asked)),
    cuts: run.faults.filter((fault) => fault.cuts.length && fault.outcome !== "skipped"),
    /** The place of the last event up to a moment; −1 before the first. */
    placeAt: (time) => firstBeyond(events, time, (event) => event.time) - 1,
  };
}

function roleEvents(run) {
  const words = {
    leader: (name, term) => `${name} leads term ${term}`,
    candidate: (name, term) => `${name} stands for election in term ${term}, and votes for itself`,
    "pre-candidate": (name, term) => `${name} hears no leader, and asks whether it could win term ${term + 1}`,
    follower: (name, term) => `${name} follows in term ${term}`,
    down: (name) => `${name} is down`,
    paused: (name) => `${name} is paused`,
    silent: (name) => `${name} starts`,
  };
  return run.nodes.flatMap(({ name, spans }) => spans
    .filter(([start, , state]) => start > 0 || state !== "silent")
    .map(([time, , state, term]) => ({
      time, rank: 0, sign: "role", state,
      text: words[state]?.(name, term) ?? `${name} is ${state}${term === null ? "" : ` in term ${term}`}`,
    })));
}

function faultEvents(run) {
  return run.faults.filter((fault) => fault.outcome !== "skipped").flatMap((fault) => {
    const event = (time, text) => ({ time, rank: 1, sign: "fault", text });
    const begins = event(fault.start, `fault begins: ${fault.name}`);
    return fault.undone ? [begins, event(fault.end, `fault ends: ${fault.name}`)] : [begins];
  });
}

const campaignOf = (kind, from, term) => `${kind} ${from} ${term}`;

/** The nodes that each candidate asks in each term: every other voter. */
function askedByEach(calls) {
  const asked = new Map();
  for (const { kind, from, term, to } of calls) {
    const campaign = campaignOf(kind, from, term);
    asked.set(campaign, (asked.get(campaign) ?? new Set()).add(to));
  }
  return asked;
}

function callEvents(calls, asked) {
  const events = [];
  const rounds = new Map();
  for (const call of calls) {
    const campaign = campaignOf(call.kind, call.from, call.term);
    const round = rounds.get(campaign);
    if (round && call.sent - round.time <= ONE_ROUND) round.calls.push(call);
    else rounds.set(campaign, { time: call.sent, calls: [call], event: events.push(null) - 1 });
    const { time, calls: together, event } = rounds.get(campaign);
    events[event] = { time, rank: 2, sign: call.kind, text: askedInWords(together) };
    events.push(...answerEvents(call));
  }
  // Votes are counted in the order in which they come.
  const yes = new Map();
  for (const event of events.filter((it) => it.counts).sort((a, b) => a.time - b.time)) {
    const { call } = event;
    const campaign = campaignOf(call.kind, call.from, call.term);
    const count = yes.get(campaign) ?? new Set([call.from]);
    yes.set(campaign, count.add(call.to));
    const voters = asked.get(campaign).size + 1;
    event.text += `: ${count.size} of ${voters}${count.size > voters / 2 ? ", a majority" : ""}`;
  }
  return events;
}

function askedInWords(calls) {
  const [{ kind, from, term }] = calls;
  const to = listed(calls.map((call) => call.to));
  const lost = calls.filter((call) => call.arrived === null && call.received === null).map((call) => call.to);
  const never = lost.length ? ` (${listed(lost)} never ${kind === "append" ? "told of it" : "answered"})` : "";
  switch (kind) {
    case "pre-vote": return `${from} asks ${to}: would you vote for me in term ${term}?${never}`;
    case "vote": return `${from} asks ${to} for votes in term ${term}${never}`;
    case "timeout-now": return `${from} hands over to ${to}, which is to stand at once`;
    default: return `${from} sends its first append of term ${term} to ${to}${never}`;
  }
}

function answerEvents(call) {
  const { kind, from, to, term, arrived, answered, received, granted, reason } = call;
  const events = [];
  const sign = granted ? "granted" : "refused";
  if (answered !== null) {
    const why = REFUSALS[reason] ? `: ${REFUSALS[reason]}` : "";
    const yes = kind === "vote" ? `votes for ${from} in term ${term}` : `would vote for ${from}`;
    const no = kind === "vote" ? `does not vote for ${from}${why}` : `would not vote for ${from}${why}`;
    events.push({ time: answered, rank: 3, sign, text: `${to} ${granted ? yes : no}` });
  } else if (arrived !== null && kind === "append") {
    events.push({ time: arrived, rank: 3, sign: "append", text: `${to} hears from ${from}, which leads term ${term}` });
  }
  if (received !== null) {
    const counts = granted === true;
    const what = counts ? `has the ${kind === "vote" ? "vote" : "pre-vote"} of ${to}` : `is told no by ${to}`;
    events.push({ time: received, rank: 4, sign, call, counts, text: `${from} ${what}` });
  }
  return events;
}

/** The ways of messages through the film: from where to where, from when to when. */
function flights(calls, film) {
  const all = [];
  const fly = (sign, from, to, start, end, lost) =>
    all.push({ sign, from, to, start: film.placeOf(start), end: lost ? film.placeOf(start) + 0.8 : film.placeOf(end), lost });
  for (const call of calls) {
    const lost = call.arrived === null && call.received === null;
    const middle = call.arrived ?? (call.sent + call.received) / 2;
    fly(call.kind, call.from, call.to, call.sent, middle, lost);
    if (lost || call.granted === null) continue;
    const sign = call.granted ? "granted" : "refused";
    fly(sign, call.to, call.from, call.answered ?? middle, call.received, call.received === null);
  }
  return all.sort((a, b) => a.start - b.start);
}

function byLink(flows) {
  const links = new Map();
  for (const flow of flows) {
    const key = `${flow.from} ${flow.to}`;
    if (!links.has(key)) links.set(key, []);
    links.get(key).push(flow);
  }
  // Between two heartbeats nothing is sent, and yet they flow on.
  for (const flows of links.values()) {
    flows.forEach((flow, at) => {
      const next = flows[at + 1];
      flow.flowsUntil = next && next.start - flow.end < FLOWS_ON ? next.start : flow.end;
    });
  }
  return [...links.values()];
}

/** What one node was at each moment. */
function nodeStory({ name, spans }, run, calls, asked) {
  const own = calls.filter((call) => call.granted && call.kind === "vote" && call.answered !== null && call.to === name)
    .map((call) => ({ time: call.answered, term: call.term, for: call.from }));
  own.push(...spans.filter(([, , state]) => state === "candidate").map(([time, , , term]) => ({ time, term, for: name })));
  own.sort((a, b) => a.time - b.time);
  const got = calls.filter((call) => call.granted && call.received !== null && call.from === name)
    .sort((a, b) => a.received - b.received);
  const commits = run.commits.find((node) => node.node === name);
  return {
    name,
    at(time) {
      const [start, , state, term] = spans[firstBeyond(spans, time, ([from]) => from) - 1] ?? [0, 0, "silent", null];
      const lastVote = own[firstBeyond(own, time, (vote) => vote.time) - 1];
      const vote = term !== null && lastVote?.term === term ? lastVote.for : null;
      const reading = commits ? firstBeyond(commits.time, time) - 1 : -1;
      const commit = reading < 0 ? null : commits.told[reading];
      const ahead = reading < 0 ? 0 : commits.ahead[reading];
      const campaign = campaignAt(state, term);
      const votes = campaign ? votesAt(got, name, campaign, start, time) : 0;
      const voters = campaign ? (asked.get(campaignOf(campaign.kind, name, campaign.term))?.size ?? 0) + 1 : 0;
      return { state, term, vote, votes, voters, commit, last: ahead ? commit + ahead - 1 : null };
    },
  };
}

/** The votes that a node in this state counts: of one that only asks around, pre-votes. */
function campaignAt(state, term) {
  if (state === "pre-candidate") return { kind: "pre-vote", term: term + 1 };
  return state === "candidate" || state === "leader" ? { kind: "vote", term } : null;
}

/** The number of them by then, its own included. Pre-votes count since it began to ask. */
function votesAt(got, name, { kind, term }, since, time) {
  const voters = new Set([name]);
  for (let at = firstBeyond(got, time, (call) => call.received) - 1; at >= 0; at--) {
    const call = got[at];
    if (call.term < term || (kind === "pre-vote" && call.sent < since - ONE_ROUND)) break;
    if (call.kind === kind && call.term === term) voters.add(call.to);
  }
  return voters.size;
}

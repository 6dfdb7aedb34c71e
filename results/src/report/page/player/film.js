"use strict";
// The data of the player, and its film: the time of the run, stretched where much happens at once and
// shortened where nothing does, so that an election of five milliseconds can be watched.

const CALL_KINDS = ["pre-vote", "vote", "timeout-now", "append"];

/** Seconds of film for each doubling of the time between two events, and the time, in microseconds,
    which is too short for any. A tenth of a second between two events becomes a second and a half. */
const FILM = { doubling: 0.12, grain: 20 };

/** Unpacks the calls and the flows; of a run without elections there are none. */
function decodeElections(packed) {
  if (!packed) return { calls: [], flows: [], chapters: [], leftOut: 0 };
  const { names } = packed;
  const rows = ({ count, columns }, rising) => {
    const decoded = Object.entries(columns).map(([name, text]) => [name, decodeColumn(text, count, name === rising)]);
    return Array.from({ length: count }, (_, row) =>
      Object.fromEntries(decoded.map(([name, values]) => [name, values[row]])));
  };
  const calls = rows(packed.calls, "sent").map((call) => ({
    kind: CALL_KINDS[call.kind],
    from: names[call.from],
    to: names[call.to],
    term: call.term,
    sent: call.sent,
    arrived: call.arrived ? call.sent + call.arrived - 1 : null,
    answered: call.answered ? call.sent + call.answered - 1 : null,
    received: call.received ? call.sent + call.received - 1 : null,
    granted: call.ballot === 0 ? null : call.ballot === 1,
    reason: packed.calls.reasons[call.ballot - 3] ?? null,
  }));
  const flows = rows(packed.flows, "start").map((flow) => ({
    ...flow,
    from: names[flow.from],
    to: names[flow.to],
    end: flow.start + flow.length,
    sent: flow.calls + flow.heartbeats + flow.parts,
  }));
  const chapters = packed.chapters.map(([start, end, term, winner]) => ({ start, end, term, winner }));
  return { calls, flows, chapters, leftOut: packed.leftOut };
}

/** Where each moment of a run of this length is in the film. At each of `times` something happens. */
function createFilm(times, end) {
  const knots = [...new Set([0, ...times.filter((time) => time > 0 && time < end), end])].sort((a, b) => a - b);
  const places = new Float64Array(knots.length);
  for (let at = 1; at < knots.length; at++) {
    places[at] = places[at - 1] + FILM.doubling * Math.log2(1 + (knots[at] - knots[at - 1]) / FILM.grain);
  }
  const between = (from, to, value) => {
    const next = Math.min(Math.max(firstBeyond(from, value), 1), from.length - 1);
    const share = (value - from[next - 1]) / (from[next] - from[next - 1] || 1);
    return to[next - 1] + Math.min(Math.max(share, 0), 1) * (to[next] - to[next - 1]);
  };
  return {
    length: places[places.length - 1],
    /** The place in the film, in seconds, of a moment in microseconds. */
    placeOf: (time) => between(knots, places, time),
    /** The moment that is shown at a place. */
    timeAt: (place) => between(places, knots, place),
  };
}

/** The first place in a sorted list whose value is greater. */
function firstBeyond(sorted, value, of = (entry) => entry) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (of(sorted[middle]) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

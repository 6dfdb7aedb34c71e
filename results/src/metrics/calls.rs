//! The calls of elections, from one node to another: both ends tell of them, and are put together here.

use std::collections::BTreeMap;

use crate::event::{NodeChange, NodeEvent, Vote};

/// A line of one end may be placed so many nanoseconds before what must have come before it at the other.
const TOLERANCE: u64 = 20_000_000;

/// The kind of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallKind {
    /// Would you vote for me?
    PreVote,
    /// Vote for me.
    Vote,
    /// Stand for election at once.
    TimeoutNow,
    /// The first append of a leader, by which another node hears of it.
    FirstAppend,
}

/// The answer to a call for a vote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ballot {
    /// The vote was given.
    Granted,
    /// It was not, for a reason if that was told.
    Refused(Option<String>),
}

/// A call. Its times are nanoseconds since the start of the run, and never fall; none for what did not
/// come about, or was not told because a node ended before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The kind.
    pub kind: CallKind,
    /// The node that calls.
    pub from: String,
    /// The node that is called.
    pub to: String,
    /// The term that it is about.
    pub term: u64,
    /// When it was sent.
    pub sent: u64,
    /// When it arrived.
    pub arrived: Option<u64>,
    /// When it was answered.
    pub answered: Option<u64>,
    /// When the answer arrived.
    pub received: Option<u64>,
    /// The answer.
    pub ballot: Option<Ballot>,
}

/// The calls, by the time at which they were sent. The events must be at their
/// [told times](super::at_told_times).
pub fn calls(events: &[NodeEvent]) -> Vec<Call> {
    let mut pairing = Pairing::default();
    events.iter().for_each(|event| pairing.take(event));
    pairing.calls.sort_by_key(|call| call.sent);
    pairing.calls.iter_mut().for_each(put_in_order);
    pairing.calls
}

type Key<'a> = (CallKind, &'a str, &'a str, u64);

#[derive(Default)]
struct Pairing<'a> {
    calls: Vec<Call>,
    /// The places of the calls of each kind from a node to another one in a term.
    of: BTreeMap<Key<'a>, Vec<usize>>,
    /// Answers that were told before their calls were: their times, and the time of arrival.
    early: BTreeMap<Key<'a>, (u64, u64, Ballot)>,
}

impl<'a> Pairing<'a> {
    fn take(&mut self, event: &'a NodeEvent) {
        let (time, node) = (event.time, event.node.as_str());
        match &event.change {
            NodeChange::VoteAsked { of, vote } => self.send(key(vote, node, of), time),
            NodeChange::VoteGranted { to, vote, after } => {
                let arrived = time.saturating_sub(after * 1_000);
                self.answer(key(vote, to, node), arrived, time, Ballot::Granted);
            }
            NodeChange::VoteRefused { to, vote, after, reason } => {
                let arrived = time.saturating_sub(after * 1_000);
                self.answer(key(vote, to, node), arrived, time, Ballot::Refused(reason.clone()));
            }
            NodeChange::VoteReceived { from, vote } => {
                self.receive(key(vote, node, from), time, Ballot::Granted);
            }
            NodeChange::VoteNotReceived { from, vote } => {
                self.receive(key(vote, node, from), time, Ballot::Refused(None));
            }
            NodeChange::TimeoutNow { to: Some(to), term, .. } => {
                self.send((CallKind::TimeoutNow, node, to, *term), time);
            }
            NodeChange::TimeoutNow { from: Some(from), term, .. } => {
                self.arrive((CallKind::TimeoutNow, from, node, *term), time);
            }
            _ => {}
        }
    }

    fn send(&mut self, key: Key<'a>, sent: u64) {
        let (kind, from, to, term) = key;
        let mut call = Call {
            kind,
            from: from.to_owned(),
            to: to.to_owned(),
            term,
            sent,
            arrived: None,
            answered: None,
            received: None,
            ballot: None,
        };
        if let Some((arrived, answered, ballot)) = self.early.remove(&key)
            && sent <= answered + TOLERANCE
        {
            call = Call {
                arrived: Some(arrived),
                answered: Some(answered),
                ballot: Some(ballot),
                ..call
            };
        }
        self.of.entry(key).or_default().push(self.calls.len());
        self.calls.push(call);
    }

    /// The latest call of that kind for which this is true.
    fn latest(&mut self, key: &Key<'a>, fits: impl Fn(&Call) -> bool) -> Option<&mut Call> {
        let place = self.of.get(key)?.iter().rev().copied().find(|&it| fits(&self.calls[it]))?;
        self.calls.get_mut(place)
    }

    fn answer(&mut self, key: Key<'a>, arrived: u64, answered: u64, ballot: Ballot) {
        let fits = |call: &Call| call.answered.is_none() && call.sent <= arrived + TOLERANCE;
        match self.latest(&key, fits) {
            Some(call) => {
                call.arrived = Some(arrived);
                call.answered = Some(answered);
                call.ballot = Some(ballot);
            }
            None => drop(self.early.insert(key, (arrived, answered, ballot))),
        }
    }

    fn arrive(&mut self, key: Key<'a>, arrived: u64) {
        if let Some(call) = self.latest(&key, |call| call.arrived.is_none()) {
            call.arrived = Some(arrived);
        }
    }

    fn receive(&mut self, key: Key<'a>, received: u64, ballot: Ballot) {
        let waits = |call: &Call| call.received.is_none();
        let answered = |call: &Call| waits(call) && call.answered.is_some();
        let place = match self.latest(&key, answered).is_some() {
            true => self.latest(&key, answered),
            false => self.latest(&key, waits),
        };
        if let Some(call) = place {
            call.received = Some(received);
            // The voter knows more: its reason.
            call.ballot.get_or_insert(ballot);
        }
    }
}

fn key<'a>(vote: &Vote, from: &'a str, to: &'a str) -> Key<'a> {
    let kind = if vote.pre { CallKind::PreVote } else { CallKind::Vote };
    (kind, from, to, vote.term)
}

/// Clocks of two nodes are placed to fractions of a millisecond; no answer comes before its question.
fn put_in_order(call: &mut Call) {
    let mut latest = call.sent;
    for time in [&mut call.arrived, &mut call.answered, &mut call.received].into_iter().flatten() {
        *time = (*time).max(latest);
        latest = *time;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn event(time: u64, node: &str, change: NodeChange) -> NodeEvent {
        NodeEvent { time, node: node.into(), change, at: None }
    }

    fn asked(time: u64) -> NodeEvent {
        let vote = Vote { term: 5, pre: true };
        event(time, "n1", NodeChange::VoteAsked { of: "n2".into(), vote })
    }

    fn refused(time: u64) -> NodeEvent {
        let (vote, reason) = (Vote { term: 5, pre: true }, Some("has-leader".into()));
        let change = NodeChange::VoteRefused { to: "n1".into(), vote, after: 400, reason };
        event(time, "n2", change)
    }

    fn received(time: u64) -> NodeEvent {
        let vote = Vote { term: 5, pre: true };
        event(time, "n1", NodeChange::VoteNotReceived { from: "n2".into(), vote })
    }

    fn times(call: &Call) -> [Option<u64>; 4] {
        [Some(call.sent), call.arrived, call.answered, call.received]
    }

    #[test]
    fn both_ends_of_a_call_are_put_together_and_one_that_got_no_answer_stays_alone() {
        let events = [
            asked(100 * MS),
            // Lost, and asked again in the same term.
            asked(700 * MS),
            refused(701 * MS),
            received(702 * MS),
        ];
        let calls = calls(&events);
        assert_eq!(calls.len(), 2);
        assert_eq!(times(&calls[0]), [Some(100 * MS), None, None, None]);
        let answered = [700 * MS, 700 * MS + 600_000, 701 * MS, 702 * MS].map(Some);
        assert_eq!(times(&calls[1]), answered);
        assert_eq!(calls[1].ballot, Some(Ballot::Refused(Some("has-leader".into()))));
    }

    #[test]
    fn a_voter_whose_clock_was_placed_early_answers_no_sooner_than_it_was_asked() {
        let calls = calls(&[refused(99 * MS), asked(100 * MS), received(101 * MS)]);
        assert_eq!(calls.len(), 1);
        assert_eq!(times(&calls[0]), [100 * MS, 100 * MS, 100 * MS, 101 * MS].map(Some));
    }

    #[test]
    fn a_voter_that_was_killed_told_nothing_but_its_answer_was_heard() {
        let calls = calls(&[asked(100 * MS), received(101 * MS)]);
        assert_eq!(times(&calls[0]), [Some(100 * MS), None, None, Some(101 * MS)]);
        assert_eq!(calls[0].ballot, Some(Ballot::Refused(None)));
    }
}

//! The elections of a run: who stood in each term, who won, and what had been before.

use std::collections::{BTreeMap, BTreeSet};

use super::calls::{Ballot, Call, CallKind};
use super::fault_intervals::FaultInterval;
use crate::event::{NodeChange, NodeEvent};

/// Between two tries of one election there are no more than so many nanoseconds: the longest election
/// timeout of the bundled cluster, and some.
const PAUSE: u64 = 1_000_000_000;

/// A fault that was undone up to so many nanoseconds before an election may be its cause.
const LINGERS: u64 = 1_500_000_000;

/// The election in one term.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Election {
    /// The term.
    pub term: u64,
    /// When a vote or pre-vote for it was asked for first, without a pause since, in nanoseconds since the
    /// start of the run; where no votes are told, when it was decided.
    pub start: u64,
    /// When its leader began to lead, or, without one, when the last was heard of it.
    pub end: u64,
    /// The node that won it.
    pub winner: Option<String>,
    /// The nodes that asked for votes, by name.
    pub candidates: BTreeSet<String>,
    /// Votes that the winner had when it began to lead, its own included; 0 where no votes are told.
    pub votes: u64,
    /// The voters that it asked, itself included.
    pub voters: u64,
    /// The rounds in which a node asked the others for pre-votes or votes.
    pub rounds: u64,
    /// The node that led before.
    pub before: Option<String>,
    /// The fault that may have led to it, by its place among all.
    pub fault: Option<usize>,
}

/// The elections that came so far that a node stood, by term. The events must be at their
/// [told times](super::at_told_times).
pub fn elections(events: &[NodeEvent], calls: &[Call], faults: &[FaultInterval]) -> Vec<Election> {
    let mut terms: BTreeMap<u64, Term<'_>> = BTreeMap::new();
    for event in events {
        let NodeChange::Role { role, term, .. } = &event.change else { continue };
        if role == "leader" {
            let known = terms.entry(*term).or_default();
            known.won.get_or_insert((event.time, &event.node));
        } else if role == "candidate" {
            let known = terms.entry(*term).or_default();
            known.candidates.insert(&event.node);
            known.heard.push(event.time);
        }
    }
    for call in calls.iter().filter(|it| matches!(it.kind, CallKind::PreVote | CallKind::Vote)) {
        // Pre-votes alone make no election: their term may never begin.
        let Some(known) = terms.get_mut(&call.term) else { continue };
        known.calls.push(call);
        known.heard.push(call.sent);
        known.heard.extend(call.received);
    }
    let mut elections = Vec::new();
    let mut before: Option<&str> = None;
    for (term, known) in terms {
        let election = known.election(term, before, faults);
        before = known.won.map(|(_, node)| node.as_str()).or(before);
        elections.push(election);
    }
    elections.sort_by_key(|election| election.start);
    elections
}

/// The facts about a term, as far as they were told.
#[derive(Default)]
struct Term<'a> {
    won: Option<(u64, &'a String)>,
    candidates: BTreeSet<&'a str>,
    calls: Vec<&'a Call>,
    /// The moments at which something was heard of it.
    heard: Vec<u64>,
}

impl Term<'_> {
    fn election(&self, term: u64, before: Option<&str>, faults: &[FaultInterval]) -> Election {
        let mut heard = self.heard.clone();
        heard.sort_unstable();
        let end = self.won.map(|(time, _)| time).or(heard.last().copied()).unwrap_or(0);
        // From its end back to the last pause.
        let mut start = end;
        for &time in heard.iter().rev().filter(|&&time| time <= end) {
            if start - time > PAUSE {
                break;
            }
            start = time;
        }
        let winner = self.won.map(|(_, node)| node.clone());
        let got = |call: &&&Call| {
            call.kind == CallKind::Vote
                && Some(&call.from) == winner.as_ref()
                && call.ballot == Some(Ballot::Granted)
                && call.received.is_some_and(|received| received <= end)
        };
        let votes = self.calls.iter().filter(got).count() as u64;
        let campaign = self
            .calls
            .iter()
            .filter(|call| call.kind == CallKind::Vote && Some(&call.from) == winner.as_ref());
        let voters: BTreeSet<&str> = campaign.map(|call| call.to.as_str()).collect();
        // In each round, a node asks every other one once.
        let mut asked: BTreeMap<(&str, CallKind), BTreeMap<&str, u64>> = BTreeMap::new();
        for call in self.calls.iter().filter(|call| (start..=end).contains(&call.sent)) {
            let of = asked.entry((&call.from, call.kind)).or_default();
            *of.entry(&call.to).or_default() += 1;
        }
        let rounds = asked.values().filter_map(|of| of.values().max()).sum();
        Election {
            term,
            start,
            end,
            winner,
            candidates: self.candidates.iter().map(|node| (*node).to_owned()).collect(),
            votes: if voters.is_empty() { 0 } else { votes + 1 },
            voters: voters.len() as u64 + 1,
            rounds,
            before: before.map(str::to_owned),
            fault: cause(start, before, faults),
        }
    }
}

/// The fault that may have led to an election: the last that began before it and was on, or had just been
/// undone; one that hit the leader before any other.
fn cause(start: u64, before: Option<&str>, faults: &[FaultInterval]) -> Option<usize> {
    let may = |fault: &FaultInterval| {
        let lingers = fault.end.is_none_or(|end| end.saturating_add(LINGERS) >= start);
        fault.was_attempted() && fault.start <= start && lingers
    };
    let hit = |fault: &FaultInterval| before.is_some_and(|it| fault.nodes.contains(it));
    let possible = faults.iter().enumerate().filter(|(_, fault)| may(fault));
    possible.max_by_key(|(_, fault)| (hit(fault), fault.start)).map(|(place, _)| place)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn role(time: u64, node: &str, role: &str, term: u64) -> NodeEvent {
        let change = NodeChange::Role { role: role.into(), term, leader: None };
        NodeEvent { time: time * MS, node: node.into(), change, at: None }
    }

    fn call(kind: CallKind, sent: u64, from: &str, to: &str, granted: bool) -> Call {
        Call {
            kind,
            from: from.into(),
            to: to.into(),
            term: 2,
            sent: sent * MS,
            arrived: None,
            answered: None,
            received: Some((sent + 1) * MS),
            ballot: Some(if granted { Ballot::Granted } else { Ballot::Refused(None) }),
        }
    }

    #[test]
    fn an_election_begins_with_the_first_try_that_no_pause_parts_from_the_one_that_wins() {
        let events = [
            role(100, "n1", "leader", 1),
            role(5_900, "n2", "candidate", 2),
            role(5_910, "n2", "leader", 2),
        ];
        let calls = [
            // Long before, a node that was cut off had asked for the same term.
            call(CallKind::PreVote, 1_000, "n3", "n1", false),
            call(CallKind::PreVote, 5_000, "n2", "n1", false),
            call(CallKind::PreVote, 5_800, "n2", "n1", true),
            call(CallKind::Vote, 5_901, "n2", "n1", true),
            call(CallKind::Vote, 5_901, "n2", "n3", true),
            call(CallKind::Vote, 5_950, "n2", "n4", true),
        ];
        let elections = elections(&events, &calls, &[]);
        let second = &elections[1];
        assert_eq!((second.start, second.end), (5_000 * MS, 5_910 * MS));
        assert_eq!(second.winner.as_deref(), Some("n2"));
        assert_eq!(second.votes, 3, "what came later decided nothing");
        assert_eq!(second.voters, 4);
        assert_eq!(second.rounds, 3, "two for pre-votes, one for votes");
        assert_eq!(second.before.as_deref(), Some("n1"));
        assert_eq!((elections[0].votes, elections[0].start), (0, 100 * MS), "no votes were told");
    }

    #[test]
    fn a_term_in_which_votes_are_split_has_no_winner() {
        let events = [role(10, "n1", "candidate", 2), role(11, "n2", "candidate", 2)];
        let elections = elections(&events, &[], &[]);
        assert_eq!(elections.len(), 1);
        assert_eq!(elections[0].winner, None);
        assert_eq!(elections[0].candidates, ["n1", "n2"].map(str::to_owned).into());
    }
}

//! The data of the player of elections: calls, flows and chapters, in columns.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::event::NodeEvent;
use crate::metrics::{self, Ballot, Call, CallKind, Election, FaultInterval, Flow, Names};
use crate::page::columns::Column;

/// The most calls on a page, at about 15 bytes each: a run of a minute has a few hundred, one of hours
/// under faults many thousand.
const MOST_CALLS: usize = 20_000;

/// The most flows on a page, at about 18 bytes each: of longer runs, several become one.
const MOST_FLOWS: usize = 12_000;

/// Flows that are farther apart, in nanoseconds, do not become one.
const GAP: u64 = 1_000_000_000;

/// The elections of a run, and what nodes told of them.
pub(super) struct ElectionData {
    /// The nodes.
    nodes: Vec<String>,
    /// The elections.
    pub(super) elections: Vec<Election>,
    /// The calls of elections, and the first append of each leader to each node.
    calls: Vec<Call>,
    /// The appends and heartbeats.
    flows: Vec<Flow>,
    /// True if nodes told by their own clocks when it was.
    pub(super) by_own_clocks: bool,
}

impl ElectionData {
    /// Those of these nodes. The events must be at their [told times](crate::metrics::at_told_times).
    pub(super) fn of(
        nodes: &[String],
        events: &[NodeEvent],
        faults: &[FaultInterval],
    ) -> ElectionData {
        let mut calls = metrics::calls(events);
        let elections = metrics::elections(events, &calls, faults);
        let (flows, firsts) = metrics::flows(events);
        calls.extend(firsts);
        calls.sort_by_key(|call| call.sent);
        let by_own_clocks = events.iter().any(|event| event.at.is_some());
        ElectionData { nodes: nodes.to_vec(), elections, calls, flows, by_own_clocks }
    }

    /// Everything that the player needs beside the timeline; nothing where no node told of an election.
    pub(super) fn drawn(&self) -> Value {
        if self.elections.is_empty() {
            return Value::Null;
        }
        let mut names = Names::default();
        for name in &self.nodes {
            names.number(name);
        }
        let kept = most_telling(&self.calls, &self.elections, MOST_CALLS);
        let left_out = self.calls.len() - kept.len();
        let calls = calls(&kept, &mut names);
        let flows = flows(&joined(&self.flows, MOST_FLOWS), &mut names);
        let chapters: Vec<Value> = self.elections.iter().map(chapter).collect();
        json!({
            "calls": calls,
            "leftOut": left_out,
            "flows": flows,
            "chapters": chapters,
            "names": names.all(),
        })
    }
}

fn chapter(election: &Election) -> Value {
    json!([election.start / 1_000, election.end / 1_000, election.term, election.winner])
}

/// No more than so many calls: first those go that were pre-votes outside of any election.
fn most_telling<'a>(calls: &'a [Call], elections: &[Election], most: usize) -> Vec<&'a Call> {
    let mut kept: Vec<&Call> = calls.iter().collect();
    if kept.len() > most {
        kept.retain(|call| {
            let within = |it: &Election| it.start <= call.sent && call.sent <= it.end;
            call.kind != CallKind::PreVote || elections.iter().any(within)
        });
        kept.truncate(most);
    }
    kept
}

fn calls(calls: &[&Call], names: &mut Names) -> Value {
    let mut reasons = Names::default();
    let mut columns: BTreeMap<&str, Column> = BTreeMap::new();
    for call in calls {
        let kind = match call.kind {
            CallKind::PreVote => 0,
            CallKind::Vote => 1,
            CallKind::TimeoutNow => 2,
            CallKind::FirstAppend => 3,
        };
        let ballot = match &call.ballot {
            None => 0,
            Some(Ballot::Granted) => 1,
            Some(Ballot::Refused(None)) => 2,
            Some(Ballot::Refused(Some(reason))) => 3 + u64::from(reasons.number(reason)),
        };
        let mut push = |name, value| columns.entry(name).or_default().push(value);
        push("kind", kind);
        push("from", names.number(&call.from).into());
        push("to", names.number(&call.to).into());
        push("term", call.term);
        push("ballot", ballot);
        // One more than the time since it was sent; 0 for what did not come about.
        for (name, time) in
            [("arrived", call.arrived), ("answered", call.answered), ("received", call.received)]
        {
            let since = |time: u64| 1 + (time.saturating_sub(call.sent)) / 1_000;
            push(name, time.map_or(0, since));
        }
        columns.entry("sent").or_default().push_rising(call.sent / 1_000);
    }
    json!({"count": calls.len(), "reasons": reasons.all(), "columns": encoded(&columns)})
}

fn flows(flows: &[Flow], names: &mut Names) -> Value {
    let mut columns: BTreeMap<&str, Column> = BTreeMap::new();
    for flow in flows {
        let mut push = |name, value| columns.entry(name).or_default().push(value);
        push("from", names.number(&flow.from).into());
        push("to", names.number(&flow.to).into());
        push("length", (flow.end - flow.start) / 1_000);
        push("calls", flow.calls);
        push("entries", flow.entries);
        push("heartbeats", flow.heartbeats);
        push("parts", flow.parts);
        push("lost", flow.sent() - flow.arrived.min(flow.sent()));
        columns.entry("start").or_default().push_rising(flow.start / 1_000);
    }
    json!({"count": flows.len(), "columns": encoded(&columns)})
}

fn encoded<'a>(columns: &BTreeMap<&'a str, Column>) -> BTreeMap<&'a str, String> {
    columns.iter().map(|(name, column)| (*name, column.encode())).collect()
}

/// About so many flows: those of a link that follow each other become one.
fn joined(flows: &[Flow], most: usize) -> Vec<Flow> {
    let every = flows.len().div_ceil(most).max(1);
    let mut by_link: BTreeMap<(&str, &str), Vec<&Flow>> = BTreeMap::new();
    for flow in flows {
        by_link.entry((&flow.from, &flow.to)).or_default().push(flow);
    }
    let mut all = Vec::new();
    for own in by_link.values() {
        for near in own.chunk_by(|flow, next| next.start <= flow.end + GAP) {
            all.extend(near.chunks(every).filter_map(|flows| {
                flows.iter().map(|flow| (*flow).clone()).reduce(|sum, next| Flow {
                    end: next.end,
                    calls: sum.calls + next.calls,
                    entries: sum.entries + next.entries,
                    heartbeats: sum.heartbeats + next.heartbeats,
                    parts: sum.parts + next.parts,
                    arrived: sum.arrived + next.arrived,
                    ..sum
                })
            }));
        }
    }
    all.sort_by_key(|flow| flow.start);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn flow(start: u64, to: &str) -> Flow {
        Flow {
            from: "n1".into(),
            to: to.into(),
            start: start * MS,
            end: (start + 100) * MS,
            calls: 2,
            entries: 7,
            heartbeats: 1,
            parts: 0,
            arrived: 3,
        }
    }

    #[test]
    fn of_a_long_run_flows_become_fewer_and_lose_nothing() {
        let flows: Vec<Flow> = (0..100).map(|tenth| flow(tenth * 100, "n2")).collect();
        let fewer = joined(&flows, 10);
        assert_eq!(fewer.len(), 10);
        assert_eq!(fewer.iter().map(|flow| flow.entries).sum::<u64>(), 700);
        assert_eq!((fewer[1].start, fewer[1].end), (1_000 * MS, 2_000 * MS));
        assert_eq!(joined(&flows, 1_000), flows);
        // A pause stays a pause.
        assert_eq!(joined(&[flow(0, "n2"), flow(5_000, "n2")], 1).len(), 2);
    }

    #[test]
    fn of_too_many_calls_the_pre_votes_outside_of_elections_go_first() {
        let call = |kind, sent| Call {
            kind,
            from: "n1".into(),
            to: "n2".into(),
            term: 2,
            sent,
            arrived: None,
            answered: None,
            received: None,
            ballot: None,
        };
        let election = Election {
            term: 2,
            start: 50,
            end: 60,
            winner: None,
            candidates: Default::default(),
            votes: 0,
            voters: 1,
            rounds: 0,
            before: None,
            fault: None,
        };
        let all = [
            call(CallKind::PreVote, 1),
            call(CallKind::Vote, 2),
            call(CallKind::PreVote, 55),
            call(CallKind::PreVote, 99),
        ];
        let kept = |most| -> Vec<u64> {
            let kept = most_telling(&all, std::slice::from_ref(&election), most);
            kept.iter().map(|call| call.sent).collect()
        };
        assert_eq!(kept(4), [1, 2, 55, 99]);
        assert_eq!(kept(3), [2, 55]);
        assert_eq!(kept(1), [2]);
    }
}

//! The appends and heartbeats from leaders to other nodes over time, as they were told: as sums.

use std::collections::BTreeMap;

use super::calls::{Call, CallKind};
use crate::event::{AppendSums, NodeChange, NodeEvent};

/// The appends and heartbeats of a leader to another node in a stretch of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// The leader.
    pub from: String,
    /// The other node.
    pub to: String,
    /// When the first was sent, in nanoseconds since the start of the run.
    pub start: u64,
    /// When the last was.
    pub end: u64,
    /// Appends with entries.
    pub calls: u64,
    /// Their entries.
    pub entries: u64,
    /// Appends without entries.
    pub heartbeats: u64,
    /// Parts of snapshots.
    pub parts: u64,
    /// The number of all these that the other node told of within the stretch.
    pub arrived: u64,
}

impl Flow {
    /// The messages that were sent.
    pub fn sent(&self) -> u64 {
        self.calls + self.heartbeats + self.parts
    }
}

/// A sum as one end told it.
struct PlacedSums<'a> {
    start: u64,
    end: u64,
    sums: &'a AppendSums,
}

impl PlacedSums<'_> {
    fn messages(&self) -> u64 {
        self.sums.calls + self.sums.heartbeats + self.sums.parts
    }
}

/// A node tells of its role right before it sends in it, by its own clock; both are placed apart.
const CLOSE: u64 = 1_000_000;

type Sums<'a> = BTreeMap<(&'a str, &'a str), Vec<PlacedSums<'a>>>;

/// The flows by the time at which they began, and the first append of each leadership to each node. The
/// events must be at their [told times](super::at_told_times).
pub fn flows(events: &[NodeEvent]) -> (Vec<Flow>, Vec<Call>) {
    let (sent, got) = both_ends(events);
    let leaderships = leaderships(events);
    let (mut flows, mut firsts) = (Vec::new(), Vec::new());
    for (&(from, to), sent) in &sent {
        let got = got.get(&(from, to)).map_or(&[][..], Vec::as_slice);
        let mut term_begun = None;
        for told in sent {
            let led = leaderships
                .get(from)
                .and_then(|own| own.iter().rev().find(|(time, _)| *time <= told.start + CLOSE));
            if let Some(&(_, term)) = led
                && term_begun.replace(term) != Some(term)
            {
                firsts.push(first(from, to, term, told.start, got));
            }
            let flow = flow(from, to, told, got);
            if flow.sent() > 0 {
                flows.push(flow);
            }
        }
    }
    flows.sort_by_key(|flow| flow.start);
    firsts.sort_by_key(|call| call.sent);
    (flows, firsts)
}

/// The sums of leaders and those of the others, by leader and other node.
fn both_ends(events: &[NodeEvent]) -> (Sums<'_>, Sums<'_>) {
    let (mut sent, mut got) = (Sums::new(), Sums::new());
    for event in events {
        let NodeChange::Append(sums) = &event.change else { continue };
        let start = event.time.saturating_sub(sums.since * 1_000);
        let end = event.time.saturating_sub(sums.until * 1_000);
        let told = PlacedSums { start, end, sums };
        match (&sums.to, &sums.from) {
            (Some(to), _) => sent.entry((&event.node, to)).or_default().push(told),
            (None, Some(from)) => got.entry((from, &event.node)).or_default().push(told),
            (None, None) => {}
        }
    }
    (sent, got)
}

/// When each node began to lead, and in which terms.
fn leaderships(events: &[NodeEvent]) -> BTreeMap<&str, Vec<(u64, u64)>> {
    let mut leaderships: BTreeMap<&str, Vec<(u64, u64)>> = BTreeMap::new();
    for event in events {
        if let NodeChange::Role { role, term, .. } = &event.change
            && role == "leader"
        {
            leaderships.entry(&event.node).or_default().push((event.time, *term));
        }
    }
    leaderships
}

/// The first append of a leadership: it arrived if the other node told of one that came soon after.
fn first(from: &str, to: &str, term: u64, sent: u64, got: &[PlacedSums<'_>]) -> Call {
    /// Later ones are not the first, which was lost: a heartbeat is due every 50 ms.
    const SOON: u64 = 40_000_000;
    let near = |told: &&PlacedSums<'_>| told.start + 1_000_000 >= sent && told.start <= sent + SOON;
    let arrived = got.iter().find(near).map(|told| told.start.max(sent));
    Call {
        kind: CallKind::FirstAppend,
        from: from.to_owned(),
        to: to.to_owned(),
        term,
        sent,
        arrived,
        answered: None,
        received: None,
        ballot: None,
    }
}

fn flow(from: &str, to: &str, told: &PlacedSums<'_>, got: &[PlacedSums<'_>]) -> Flow {
    let AppendSums { calls, entries, heartbeats, parts, .. } = *told.sums;
    // Both ends sum up stretches of their own: of each that overlaps, its share counts.
    let length = |from: u64, to: u64| to.saturating_sub(from).max(1) as f64;
    let first = got.partition_point(|it| it.end < told.start);
    let overlapping = got[first..].iter().take_while(|it| it.start <= told.end);
    let arrived: f64 = overlapping
        .map(|it| {
            let shared = length(it.start.max(told.start), it.end.min(told.end));
            it.messages() as f64 * (shared / length(it.start, it.end)).min(1.0)
        })
        .sum();
    let sent = calls + heartbeats + parts;
    // What is nearly all was all: shares are rounded.
    let arrived = if arrived >= sent as f64 * 0.6 { sent } else { arrived.round() as u64 };
    Flow {
        from: from.to_owned(),
        to: to.to_owned(),
        start: told.start,
        end: told.end,
        calls,
        entries,
        heartbeats,
        parts,
        arrived,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn told(time: u64, node: &str, sums: AppendSums) -> NodeEvent {
        NodeEvent { time: time * MS, node: node.into(), change: NodeChange::Append(sums), at: None }
    }

    fn leads(time: u64, term: u64) -> NodeEvent {
        let change = NodeChange::Role { role: "leader".into(), term, leader: None };
        NodeEvent { time: time * MS, node: "n1".into(), change, at: None }
    }

    fn sent(time: u64, heartbeats: u64) -> NodeEvent {
        let to = Some("n2".into());
        let sums = AppendSums { to, since: 99_000, heartbeats, ..AppendSums::default() };
        told(time, "n1", sums)
    }

    fn got(time: u64, since: u64, heartbeats: u64) -> NodeEvent {
        let from = Some("n1".into());
        told(time, "n2", AppendSums { from, since, heartbeats, ..AppendSums::default() })
    }

    #[test]
    fn a_leaders_first_append_is_a_call_and_the_rest_flows_as_far_as_it_arrived() {
        let events = [leads(100, 3), sent(199, 2), got(200, 99_500, 2), sent(300, 2), sent(400, 4)];
        let (flows, firsts) = flows(&events);
        assert_eq!(firsts.len(), 1, "one leadership");
        assert_eq!((firsts[0].term, firsts[0].sent), (3, 100 * MS));
        assert_eq!(firsts[0].arrived, Some(100 * MS + 500_000));
        let arrived: Vec<_> = flows.iter().map(|flow| (flow.sent(), flow.arrived)).collect();
        assert_eq!(arrived, [(2, 2), (2, 0), (4, 0)]);
    }

    #[test]
    fn a_first_append_that_was_lost_is_not_taken_for_a_later_one_that_arrived() {
        let (_, firsts) = flows(&[leads(100, 3), sent(199, 2), got(250, 60_000, 2)]);
        assert_eq!(firsts[0].arrived, None);
    }
}

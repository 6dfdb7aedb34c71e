//! The events of a cluster that runs, as far back as its page shows them.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use faults::record::FaultRecord;
use results::event::{FaultEvent, NodeChange, NodeEvent, NodeReport};
use results::metrics::{FaultInterval, FaultIntervals};

/// Appends and progress, of which there are dozens a second, are kept for so many nanoseconds.
const STREAMS: u64 = 120_000_000_000;

/// So many of the other events are kept at most: of a node that is cut off for an hour, whose
/// questions reach no other, not all.
const MOST: usize = 6_000;

/// Old events are looked for after so many new ones.
const BETWEEN: usize = 500;

/// The events of a cluster.
pub(crate) struct Record {
    begin: Instant,
    told: Mutex<Events>,
}

#[derive(Default)]
struct Events {
    events: Vec<NodeEvent>,
    /// Those since old ones were looked for.
    fresh: usize,
    faults: FaultIntervals,
    /// The number of events of faults.
    index: u64,
}

impl Record {
    /// Of a cluster that starts now.
    pub fn new() -> Record {
        Record { begin: Instant::now(), told: Mutex::default() }
    }

    /// Nanoseconds since then.
    pub fn now(&self) -> u64 {
        u64::try_from(self.begin.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Notes what a node tells.
    pub fn node(&self, node: &str, report: NodeReport) {
        let mut told = self.events();
        // Within the lock, so that times never fall.
        let time = self.now();
        let NodeReport { change, at } = report;
        told.events.push(NodeEvent { time, node: node.to_owned(), change, at });
        told.fresh += 1;
        if told.fresh >= BETWEEN {
            told.fresh = 0;
            forget(&mut told.events, time);
        }
    }

    /// Notes what happened to a fault.
    pub fn fault(&self, record: FaultRecord) {
        let mut told = self.events();
        let (index, time) = (told.index, self.now());
        told.index += 1;
        told.faults.take(&FaultEvent { index, time, record });
    }

    /// Everything that was told so far, and the moment.
    pub fn look(&self) -> (Vec<NodeEvent>, Vec<FaultInterval>, u64) {
        let told = self.events();
        (told.events.clone(), told.faults.iter().cloned().collect(), self.now())
    }

    fn events(&self) -> MutexGuard<'_, Events> {
        // What a thread left that panicked is whole.
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drops old events. The last that says what a node is, and how far its log is, stays.
fn forget(events: &mut Vec<NodeEvent>, now: u64) {
    let horizon = now.saturating_sub(STREAMS);
    let is_stream = |event: &NodeEvent| {
        matches!(event.change, NodeChange::Append(_) | NodeChange::Commit { .. })
    };
    let others = events.iter().filter(|event| !is_stream(event)).count();
    let mut surplus = others.saturating_sub(MOST);
    // From the newest on: the first of each kind that is met is the last that was told.
    let mut known: Vec<(&str, u8)> = Vec::new();
    let mut last = vec![false; events.len()];
    for (place, event) in events.iter().enumerate().rev() {
        let kind = match event.change {
            NodeChange::Commit { .. } => 0,
            NodeChange::Role { .. } | NodeChange::Started { .. } | NodeChange::Exited { .. } => 1,
            _ => continue,
        };
        let is_known = known.contains(&(event.node.as_str(), kind));
        if !is_known {
            known.push((&event.node, kind));
            last[place] = true;
        }
    }
    let mut last = last.into_iter();
    events.retain(|event| {
        let stays = last.next().unwrap_or(false);
        if is_stream(event) {
            return stays || event.time >= horizon;
        }
        let old = surplus > 0;
        surplus = surplus.saturating_sub(1);
        stays || !old
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(time: u64, node: &str, change: NodeChange) -> NodeEvent {
        NodeEvent { time, node: node.into(), change, at: None }
    }

    fn commit(time: u64, index: u64) -> NodeEvent {
        event(time, "n1", NodeChange::Commit { index, applied: None, last: None })
    }

    fn role(time: u64, node: &str, term: u64) -> NodeEvent {
        let role = "follower".to_owned();
        event(time, node, NodeChange::Role { role, term, leader: None })
    }

    #[test]
    fn streams_are_forgotten_by_age_and_the_last_word_of_each_node_stays() {
        let mut events = vec![role(0, "n1", 1), commit(1, 5), commit(2, 6)];
        forget(&mut events, 2 * STREAMS);
        assert_eq!(events, [role(0, "n1", 1), commit(2, 6)]);
        events.push(commit(STREAMS + 3, 7));
        forget(&mut events, 2 * STREAMS);
        assert_eq!(events, [role(0, "n1", 1), commit(STREAMS + 3, 7)]);
    }

    #[test]
    fn of_a_node_that_goes_on_and_on_the_newest_are_kept_and_others_lose_nothing() {
        let mut events = vec![role(0, "n2", 1)];
        events.extend((1..=2 * MOST as u64).map(|time| role(time, "n1", time)));
        forget(&mut events, 10);
        assert_eq!(events.first(), Some(&role(0, "n2", 1)), "its last word");
        assert_eq!(events.len(), MOST + 1);
        assert_eq!(events.last().map(|it| it.time), Some(2 * MOST as u64));
    }

    #[test]
    fn what_is_told_is_there_in_order() {
        let record = Record::new();
        record.node("n1", NodeChange::Started { pid: 7 }.into());
        record.node("n1", NodeChange::Exited { status: "exit code 1".into() }.into());
        let (events, faults, now) = record.look();
        assert!(faults.is_empty() && events.len() == 2);
        assert!(events[0].time <= events[1].time && events[1].time <= now);
    }
}

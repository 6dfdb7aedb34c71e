//! The times at which nodes did what they told of, on the controller's clock.
//!
//! The controller hears of it later, by up to milliseconds on a busy machine, while an election takes a
//! few. Nodes that say what their own monotonic clocks showed can be placed closer: among lines told
//! within a second, the one that was heard soonest shows how that clock stands to the controller's, and
//! the others are as far from it as the node says. What a fault did to that clock is known from reading
//! it ([`NodeChange::Clock`]) and taken out first; what is left of it can only move a line by what its clock
//! gained within that second, and never behind the moment at which it was heard.

use std::collections::{BTreeMap, VecDeque};

use crate::event::{NodeChange, NodeEvent};

/// Lines heard within so many nanoseconds of each other are compared.
const WINDOW: u64 = 1_000_000_000;

/// The same events, each at the time at which its node told it, in that order, and with lengths of time as
/// the controller's clock would have measured them.
pub fn at_told_times(events: &[NodeEvent]) -> Vec<NodeEvent> {
    let mut by_node: BTreeMap<&str, Vec<&NodeEvent>> = BTreeMap::new();
    for event in events {
        by_node.entry(&event.node).or_default().push(event);
    }
    let mut placed = Vec::with_capacity(events.len());
    for own in by_node.values() {
        // Each process has a clock of its own.
        for life in own.chunk_by(|_, next| !matches!(next.change, NodeChange::Started { .. })) {
            placed.extend(life_at_told_times(life));
        }
    }
    placed.sort_by_key(|event| event.time);
    placed
}

/// Those of one process.
fn life_at_told_times(life: &[&NodeEvent]) -> Vec<NodeEvent> {
    let gained = gained(life);
    let stamped: Vec<(usize, u64, i64)> = life
        .iter()
        .enumerate()
        .filter_map(|(place, event)| {
            let at = i64::try_from(event.at?).ok()?.saturating_mul(1_000);
            Some((place, event.time, at.saturating_sub(gained_at(&gained, event.time))))
        })
        .collect();
    let mut placed: Vec<NodeEvent> = life.iter().map(|event| (*event).clone()).collect();
    let mut latest = 0;
    let distances = least_distances(&stamped);
    for ((place, heard, at), distance) in stamped.into_iter().zip(distances) {
        let told = u64::try_from(at.saturating_add(distance)).unwrap_or(0);
        // Lines of one process stay in their order.
        latest = told.min(heard).max(latest);
        placed[place].time = latest;
        let true_length = |micros: u64| {
            let before = latest.saturating_sub(micros.saturating_mul(1_000));
            let gain = (gained_at(&gained, latest) - gained_at(&gained, before)) / 1_000;
            micros.saturating_add_signed(-gain)
        };
        match &mut placed[place].change {
            NodeChange::Append(sums) => {
                (sums.since, sums.until) = (true_length(sums.since), true_length(sums.until));
            }
            NodeChange::VoteGranted { after, .. } | NodeChange::VoteRefused { after, .. } => {
                *after = true_length(*after);
            }
            _ => {}
        }
    }
    placed
}

/// The time that the node's monotonic clock had gained, each time it was read: time heard and nanoseconds.
fn gained(life: &[&NodeEvent]) -> Vec<(u64, i64)> {
    let reading = |event: &&NodeEvent| match event.change {
        NodeChange::Clock { monotonic_offset_ms, .. } => {
            Some((event.time, (monotonic_offset_ms * 1e6) as i64))
        }
        _ => None,
    };
    life.iter().filter_map(reading).collect()
}

/// The same at a moment: between two readings, clocks run evenly.
fn gained_at(readings: &[(u64, i64)], time: u64) -> i64 {
    let next = readings.partition_point(|(read, _)| *read < time);
    match (next.checked_sub(1).map(|before| readings[before]), readings.get(next)) {
        (None, None) => 0,
        (Some((_, gained)), None) | (None, Some(&(_, gained))) => gained,
        (Some((from, before)), Some(&(to, after))) => {
            let share = (time - from) as f64 / (to - from).max(1) as f64;
            before + ((after - before) as f64 * share) as i64
        }
    }
}

/// For each line, the least distance from the node's clock to the moment of hearing within the window.
fn least_distances(stamped: &[(usize, u64, i64)]) -> Vec<i64> {
    let distance = |place: usize| stamped[place].1 as i64 - stamped[place].2;
    let mut distances = Vec::with_capacity(stamped.len());
    // The places whose distances rise, of which the first is the least of the window.
    let mut rising: VecDeque<usize> = VecDeque::new();
    let mut next = 0;
    for &(_, heard, _) in stamped {
        while next < stamped.len() && stamped[next].1 <= heard.saturating_add(WINDOW) {
            while rising.back().is_some_and(|&last| distance(last) >= distance(next)) {
                rising.pop_back();
            }
            rising.push_back(next);
            next += 1;
        }
        while rising.front().is_some_and(|&first| stamped[first].1.saturating_add(WINDOW) < heard) {
            rising.pop_front();
        }
        distances.push(rising.front().map_or(0, |&first| distance(first)));
    }
    distances
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::AppendSums;

    const MS: u64 = 1_000_000;

    fn line(heard: u64, at: u64) -> NodeEvent {
        let change = NodeChange::Commit { index: at, applied: None, last: None };
        NodeEvent { time: heard, node: "n1".into(), change, at: Some(at) }
    }

    fn placed(events: &[NodeEvent]) -> Vec<u64> {
        at_told_times(events).iter().map(|event| event.time).collect()
    }

    #[test]
    fn lines_are_as_far_apart_as_their_node_says_and_none_is_later_than_it_was_heard() {
        // Told at 1, 2 and 50 ms after a start at 100 ms; the second was heard 7 ms late.
        let events = [line(101 * MS, 1_000), line(109 * MS, 2_000), line(150 * MS, 50_000)];
        assert_eq!(placed(&events), [101 * MS, 102 * MS, 150 * MS]);
        // All were late, the last the least: it was told by then at the latest.
        let events = [line(105 * MS, 1_000), line(109 * MS, 2_000), line(151 * MS, 50_000)];
        assert_eq!(placed(&events), [102 * MS, 103 * MS, 151 * MS]);
    }

    #[test]
    fn a_clock_that_a_fault_lets_run_fast_counts_as_the_controllers_and_a_restart_begins_anew() {
        let clock = |heard: u64, monotonic_offset_ms: f64| NodeEvent {
            time: heard,
            node: "n1".into(),
            change: NodeChange::Clock { wall_offset_ms: 0.0, monotonic_offset_ms },
            at: None,
        };
        // 10 % fast: what it calls 440 ms are 400.
        let events = [
            clock(100 * MS, 0.0),
            line(100 * MS, 0),
            line(203 * MS, 110_000),
            clock(500 * MS, 40.0),
            line(500 * MS, 440_000),
        ];
        let told = placed(&events);
        assert!((told[2] as i64 - 200 * MS as i64).abs() < MS as i64, "{told:?}");
        let sums = AppendSums { since: 110_000, ..AppendSums::default() };
        let mut sum = line(400 * MS, 330_000);
        sum.change = NodeChange::Append(sums);
        let events = [clock(100 * MS, 0.0), line(100 * MS, 0), sum, clock(500 * MS, 40.0)];
        let NodeChange::Append(sums) = &at_told_times(&events)[2].change else { panic!("a sum") };
        assert!((99_000..=101_000).contains(&sums.since), "{} of 110,000 µs", sums.since);
        let started = NodeEvent {
            time: 600 * MS,
            change: NodeChange::Started { pid: 7 },
            at: None,
            ..line(0, 0)
        };
        let events = [line(500 * MS, 499_000), started, line(611 * MS, 9_000)];
        assert_eq!(placed(&events), [500 * MS, 600 * MS, 611 * MS]);
    }

    #[test]
    fn what_has_no_time_of_its_own_was_told_when_it_was_heard() {
        let silent = NodeEvent { at: None, ..line(7 * MS, 3) };
        assert_eq!(placed(&[silent]), [7 * MS]);
    }
}

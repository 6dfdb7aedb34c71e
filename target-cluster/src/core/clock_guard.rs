//! The guard of the clocks that leases rest on.
//!
//! A lease is sound while no clock of the cluster runs faster than another by more than a bound. It is the
//! rate that matters: leases count time on clocks that never go back, and what these show is compared
//! nowhere. So every node that takes part in leases asks the others again and again what their clocks
//! show. Each reading is placed in the middle of its round trip, as CockroachDB does with offsets, and
//! may be off by half of that. Two readings of a node tell how much time passed for it while so much
//! passed here: how much faster, in parts of a million, its clock certainly runs.
//!
//! A node whose clock is beyond 80 % of the bound of the median of all the clocks it knows, its own among
//! them, stops itself: that bound is then about to be passed. Of two clocks that differ it is not
//! known which is wrong; a majority tells. A clock that leaps ahead has run fast for a moment and is found the
//! same way.
//!
//! The guard needs readings some hundred milliseconds apart, so it comes that late: it makes wrong clocks
//! rare, it does not make a lease sound that rests on one.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::{ClockRequest, ClockResponse, Effect, Node, NodeId, Request, Response, Time};

/// The share of the bound, in per cent, at which a node stops itself: CockroachDB's.
const TOLERATED_PERCENT: u64 = 80;

/// The readings of a node that are kept: as many as there are in two of the shortest election timeouts.
const READINGS_MAX: usize = 5;

/// The readings of the other nodes' clocks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Clocks {
    /// The time when they are asked next.
    due: Time,
    readings: BTreeMap<NodeId, VecDeque<Reading>>,
}

/// A reading of another node's clock.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Reading {
    /// The life of that node: its clock begins anew in each.
    life: u32,
    /// The time at which it was taken, by this node's clock.
    at: Time,
    /// By how much that may be wrong.
    error: Duration,
    /// The time that it showed.
    shown: Time,
}

/// A clock that others disagree with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error(
    "the clock of this node runs {} % {} than those of the other nodes, and leases bear {bound_percent} %; \
     set it right, or start the nodes with --reads readindex",
    .ppm.unsigned_abs() as f64 / 10_000.0,
    if *.ppm > 0 { "slower" } else { "faster" }
)]
pub struct ClockOff {
    /// The rate of the other clocks above that of the own one, in parts of a million; negative if they run
    /// slower.
    pub ppm: i64,
    /// The bound, in per cent.
    pub bound_percent: u8,
}

impl Node {
    /// Reads the clocks of the other nodes, if it is time. That is looked at whenever this node is ticked,
    /// which happens with each heartbeat that it sends or hears.
    pub(super) fn read_clocks(&mut self) {
        if !self.has_leases() || self.now < self.clocks.due {
            return;
        }
        let interval = self.options.timings.election_min / 2;
        self.clocks.due = self.now + interval;
        let oldest = self.now.saturating_sub(interval * 2 * READINGS_MAX as u32);
        for readings in self.clocks.readings.values_mut() {
            readings.retain(|reading| reading.at >= oldest);
        }
        let (term, node) = (self.term, self.options.id.clone());
        let request = Request::Clock(ClockRequest { term, node });
        for to in self.peers() {
            self.effects.push(Effect::Call { to, request: request.clone() });
        }
    }

    /// Another node asks what the clock of this one shows.
    pub(super) fn clock_requested(&mut self, call: u64) {
        let (term, life, shown) = (self.term, self.options.life, self.now);
        let response = Response::Clock(ClockResponse { term, life, shown });
        self.effects.push(Effect::Respond { call, response });
    }

    /// Another node said what its clock shows.
    pub(super) fn clock_answered(&mut self, from: NodeId, sent: Time, response: &ClockResponse) {
        if !self.has_leases() || sent > self.now {
            return;
        }
        let error = (self.now - sent) / 2;
        let reading =
            Reading { life: response.life, at: sent + error, error, shown: response.shown };
        let readings = self.clocks.readings.entry(from).or_default();
        readings.retain(|before| before.life == reading.life);
        // One that was overtaken says nothing new.
        if readings.back().is_none_or(|last| last.at < reading.at) {
            readings.push_back(reading);
        }
        if readings.len() > READINGS_MAX {
            readings.pop_front();
        }
        let bound_percent = self.options.settings.drift_percent;
        let ppm = median(self.clocks.readings.values().filter_map(deviation));
        if ppm.unsigned_abs() > u64::from(bound_percent) * 10_000 * TOLERATED_PERCENT / 100 {
            self.effects.push(Effect::Stop(ClockOff { ppm, bound_percent }));
        }
    }
}

/// The rate of a clock above that of the own one, in parts of a million, as far as that is certain: between
/// the last reading and any of those before, wherever it is farthest from zero.
fn deviation(readings: &VecDeque<Reading>) -> Option<i64> {
    let last = readings.back()?;
    let since = |first: &Reading| {
        let nanos = |time: Duration| time.as_nanos() as i128;
        let passed = nanos(last.at - first.at);
        let ahead = nanos(last.shown) - nanos(first.shown) - passed;
        let certain = (ahead.abs() - nanos(last.error + first.error)).max(0) * ahead.signum();
        let ppm = certain * 1_000_000 / passed.max(1);
        ppm.clamp(i64::MIN.into(), i64::MAX.into()) as i64
    };
    readings.range(..readings.len() - 1).map(since).max_by_key(|ppm| ppm.unsigned_abs())
}

/// The median of these and of the own clock, which is zero; of two the one nearer to that.
fn median(deviations: impl Iterator<Item = i64>) -> i64 {
    let mut all: Vec<i64> = deviations.chain([0]).collect();
    all.sort_unstable();
    let middle = all.len() / 2;
    if all.len() % 2 == 1 {
        return all[middle];
    }
    *all[middle - 1..=middle].iter().min_by_key(|ppm| ppm.unsigned_abs()).expect("there are two")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Readings every 200 ms of a clock that runs at that rate, each with a round trip of so many ms.
    fn readings(rate: f64, round_trip: u64) -> VecDeque<Reading> {
        let at = |number: u64| Duration::from_millis(1_000 + 200 * number);
        let error = Duration::from_millis(round_trip) / 2;
        let reading =
            |number| Reading { life: 1, at: at(number), error, shown: at(number).mul_f64(rate) };
        (0..4).map(reading).collect()
    }

    #[test]
    fn a_rate_is_known_as_well_as_round_trips_allow() {
        assert_eq!(deviation(&readings(1.0, 1)), Some(0));
        let fast = deviation(&readings(1.1, 2)).expect("there are four readings");
        assert!((95_000..=100_000).contains(&fast), "{fast}");
        let slow = deviation(&readings(0.5, 2)).expect("there are four readings");
        assert!((-500_000..=-490_000).contains(&slow), "{slow}");
        assert_eq!(deviation(&readings(1.1, 200)), Some(0), "the round trips may have been uneven");
        assert_eq!(deviation(&readings(1.1, 1).into_iter().take(1).collect()), None);
    }

    #[test]
    fn a_majority_tells_which_clock_is_wrong() {
        assert_eq!(median([].into_iter()), 0);
        assert_eq!(median([90_000].into_iter()), 0, "nobody can say which of two is");
        assert_eq!(median([90_000, 0].into_iter()), 0, "that one");
        assert_eq!(median([90_000, 91_000].into_iter()), 90_000, "the own one");
        assert_eq!(median([-90_000, 91_000].into_iter()), 0);
        assert_eq!(median([90_000, 90_000, 1, 2].into_iter()), 2);
        assert_eq!(median([90_000, 90_000, 90_000, 2].into_iter()), 90_000);
    }
}

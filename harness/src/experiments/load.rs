//! The load of a run as experiments measure it: rates, latencies and requests.

use std::collections::BTreeMap;

use checker::history::EventType;
use results::metrics::FaultInterval;

use super::observed::{Observed, nanoseconds};

/// The seconds after which clients have got used to a fault.
const STEADY_AFTER: u64 = 1;

impl Observed {
    /// The times between which each fault lasted and the load was steady.
    pub fn steady(&self) -> Vec<(u64, u64)> {
        self.faults.iter().filter_map(|fault| self.steady_during(fault)).collect()
    }

    /// The times between which a fault lasted and the load was steady, if it lasted long enough.
    pub fn steady_during(&self, fault: &FaultInterval) -> Option<(u64, u64)> {
        let from = fault.injected? + nanoseconds(STEADY_AFTER);
        let to = fault.undo_start?.min(self.load.1);
        (from < to).then_some((from, to))
    }

    /// The operations that were acknowledged in each whole second between two times.
    pub fn rates(&self, from: u64, to: u64) -> Vec<f64> {
        let begins = (0..).map(|second| from + nanoseconds(second));
        let whole = begins.map(|begin| (begin, begin + nanoseconds(1))).take_while(|it| it.1 <= to);
        whole.map(|(begin, end)| self.acknowledged(begin, end) as f64).collect()
    }

    /// The times that operations took which were begun between two times and succeeded, reads or the
    /// others, in milliseconds, by the time at which they began.
    pub fn latencies(&self, reads: bool, from: u64, to: u64) -> Vec<(u64, f64)> {
        let wanted = self.history.operations.iter().filter(|operation| {
            operation.f().starts_with("read") == reads
                && operation.outcome() == EventType::Ok
                && (from..to).contains(&operation.start())
        });
        wanted.filter_map(|it| Some((it.start(), it.latency()? as f64 / 1e6))).collect()
    }

    /// The times at which clients sent requests between two times, sorted.
    pub fn requests(&self, from: u64, to: u64) -> Vec<u64> {
        let all = self.history.operations.iter().flat_map(|operation| operation.attempts());
        let mut sent: Vec<u64> = all.map(|attempt| attempt.start).collect();
        sent.retain(|time| (from..=to).contains(time));
        sent.sort_unstable();
        sent
    }
}

/// Operations are put together by so many nanoseconds.
const PART: u64 = 250_000_000;

/// The latencies in each whole part of a second between two times, sorted.
pub(super) fn parts(latencies: &[(u64, f64)], from: u64, to: u64) -> Vec<Vec<f64>> {
    let mut parts: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for (began, latency) in latencies.iter().filter(|(began, _)| (from..to).contains(began)) {
        parts.entry((began - from) / PART).or_default().push(*latency);
    }
    let mut whole: Vec<Vec<f64>> = Vec::new();
    for (part, mut latencies) in parts {
        if from + (part + 1) * PART <= to {
            latencies.sort_by(f64::total_cmp);
            whole.push(latencies);
        }
    }
    whole
}

/// The median of sorted values.
///
/// # Panics
/// Without values.
pub(super) fn middle(sorted: &[f64]) -> f64 {
    sorted[sorted.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_put_together_by_the_part_of_a_second_in_which_they_began() {
        let (ms, from) = (1_000_000, 500_000_000);
        let at = [(10, 1.0), (20, 9.0), (200, 3.0), (260, 5.0), (510, 7.0)];
        let latencies = at.map(|(time, latency)| (from + time * ms, latency));
        let parts = parts(&latencies, from, from + 600 * ms);
        assert_eq!(parts, [vec![1.0, 3.0, 9.0], vec![5.0]], "the last one is not whole");
        assert_eq!(middle(&parts[0]), 3.0);
    }
}

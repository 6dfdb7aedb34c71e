//! Counts, latencies and errors of the operations, by kind and outcome.

use std::collections::BTreeMap;

use checker::history::EventType;

use crate::metrics::{RunOperation, RunOperations};
use crate::summary::Latency;

/// Figures of all operations of one kind and one outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationFigures {
    /// The operation's name, such as `read`.
    pub f: String,
    /// Their outcome.
    pub outcome: EventType,
    /// Their number.
    pub count: u64,
    /// The latency that half of them did not exceed, in nanoseconds; none when none of them ended.
    pub p50: Option<u64>,
    /// The latency that 99 of 100 did not exceed, in nanoseconds.
    pub p99: Option<u64>,
    /// The longest latency, in nanoseconds.
    pub max: Option<u64>,
    /// Requests beyond the first, over all of them.
    pub retries: u64,
    /// The most requests that one of them took.
    pub most_attempts: u64,
}

/// An error that attempts met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptError {
    /// The error, as the client's error table names it.
    pub error: String,
    /// True if it proves that the attempt had no effect; none when the client did not say.
    pub definite: Option<bool>,
    /// The number of attempts that met it.
    pub count: u64,
    /// The number of those operations that were ok in the end.
    pub then_ok: u64,
}

/// Figures for each kind and outcome that occurred, by kind, then ok, fail, info.
pub fn operation_figures(operations: &RunOperations) -> Vec<OperationFigures> {
    let mut groups: BTreeMap<(&str, EventType), Vec<RunOperation<'_>>> = BTreeMap::new();
    for operation in operations.iter() {
        groups.entry((operation.f(), operation.outcome())).or_default().push(operation);
    }
    groups.into_iter().map(|((f, outcome), group)| figures(f, outcome, &group)).collect()
}

/// The latency of all operations that were ok; none when none was.
pub fn latency(operations: &RunOperations) -> Option<Latency> {
    let oks = operations.iter().filter(|operation| operation.outcome() == EventType::Ok);
    let mut latencies: Vec<u64> = oks.filter_map(|operation| operation.latency()).collect();
    latencies.sort_unstable();
    // To the microsecond: more is noise, and takes room in every summary.
    let ms = |percent| Some((percentile(&latencies, percent)? / 1_000) as f64 / 1e3);
    Some(Latency { p50_ms: ms(50)?, p99_ms: ms(99)? })
}

fn figures(f: &str, outcome: EventType, group: &[RunOperation<'_>]) -> OperationFigures {
    let mut latencies: Vec<u64> =
        group.iter().filter_map(|operation| operation.latency()).collect();
    latencies.sort_unstable();
    let attempts = || group.iter().map(|operation| operation.attempts().len() as u64);
    OperationFigures {
        f: f.to_owned(),
        outcome,
        count: group.len() as u64,
        p50: percentile(&latencies, 50),
        p99: percentile(&latencies, 99),
        max: latencies.last().copied(),
        retries: attempts().map(|count| count.saturating_sub(1)).sum(),
        most_attempts: attempts().max().unwrap_or(0),
    }
}

/// The smallest of the sorted values that at least `percent` of them do not exceed.
fn percentile(sorted: &[u64], percent: usize) -> Option<u64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}

/// The errors of all attempts, the most frequent first. An operation whose client recorded no
/// attempts counts its own error once.
pub fn attempt_errors(operations: &RunOperations) -> Vec<AttemptError> {
    let mut counts: BTreeMap<(&str, Option<bool>), (u64, u64)> = BTreeMap::new();
    for operation in operations.iter() {
        let ok = u64::from(operation.outcome() == EventType::Ok);
        for (error, definite) in errors_of(operation) {
            let (count, then_ok) = counts.entry((error, definite)).or_default();
            *count += 1;
            *then_ok += ok;
        }
    }
    let mut errors: Vec<AttemptError> = counts
        .into_iter()
        .map(|((error, definite), (count, then_ok))| AttemptError {
            error: error.to_owned(),
            definite,
            count,
            then_ok,
        })
        .collect();
    errors.sort_by_key(|error| std::cmp::Reverse(error.count));
    errors
}

fn errors_of(operation: RunOperation<'_>) -> Vec<(&str, Option<bool>)> {
    if operation.attempts().len() == 0 {
        return operation.error().map(|error| (error, None)).into_iter().collect();
    }
    operation.attempts().filter_map(|attempt| Some((attempt.error?, attempt.definite))).collect()
}

#[cfg(test)]
mod tests {
    use super::percentile;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let hundred: Vec<u64> = (1..=100).collect();
        assert_eq!(percentile(&hundred, 50), Some(50));
        assert_eq!(percentile(&hundred, 99), Some(99));
        assert_eq!(percentile(&[7], 50), Some(7));
        assert_eq!(percentile(&[7], 99), Some(7));
        assert_eq!(percentile(&[1, 2], 50), Some(1));
        assert_eq!(percentile(&[], 50), None);
    }
}

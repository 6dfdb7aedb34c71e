//! The effect of each fault on the clients, and the time until they were served again.

use std::collections::BTreeSet;

use checker::history::EventType;

use crate::event::Phase;
use crate::metrics::{FaultInterval, PhaseInterval, RunOperations};

/// A time without any ok is an interruption from this length on, in nanoseconds. Elections take
/// longer; a slow disk or a busy machine alone seldom does.
const SHORTEST_INTERRUPTION: u64 = 100_000_000;

/// At a low rate of operations, a gap is an interruption only when it is this many times the mean.
const TIMES_MEAN_GAP: u64 = 10;

/// The effect of one fault on the clients.
///
/// It is measured from the moment the fault began to the moment the next one did, or the load
/// ended. Faults that overlap share their effects; they cannot be separated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// Position of the fault among the intervals it was computed from.
    pub fault: usize,
    /// The first error that an attempt met, of those that did not occur before the first fault: a
    /// follower that refuses is no sign of trouble.
    pub first_error: Option<FirstError>,
    /// The longest time without any operation that ended ok, in nanoseconds.
    pub longest_gap: u64,
    /// An interruption with its end, if it was one.
    pub service: Service,
}

/// The service to the clients during a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// No gap between oks was longer than is usual.
    Uninterrupted,
    /// An ok ended the longest gap, so many nanoseconds after the fault's beginning.
    AgainAfter(u64),
    /// No further operation was ok before the load ended.
    NotAgain,
}

/// The first error that clients met after a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstError {
    /// Nanoseconds after the fault's beginning.
    pub after: u64,
    /// The error.
    pub error: String,
    /// Index of the completion of the operation that met it.
    pub index: u64,
}

/// The effect of each fault that was attempted during the load, in the order of `faults`.
pub fn recoveries(
    faults: &[FaultInterval],
    operations: &RunOperations,
    phases: &[PhaseInterval],
) -> Vec<Recovery> {
    let answers = Answers::of(faults, operations, phases);
    let Answers { oks, load: (_, load_end), interruption, .. } = &answers;
    let (load_end, interruption) = (*load_end, *interruption);
    let attempted = || faults.iter().enumerate().filter(|(_, fault)| fault.was_attempted());
    attempted()
        .filter(|(_, fault)| fault.start < load_end)
        .map(|(position, fault)| {
            let next = attempted().map(|(_, other)| other.start).find(|&start| start > fault.start);
            let until = next.unwrap_or(load_end).min(load_end);
            let (longest_gap, gap_end) = longest_gap(oks, fault.start, until, load_end);
            let service = match gap_end {
                _ if longest_gap < interruption => Service::Uninterrupted,
                Some(end) => Service::AgainAfter(end - fault.start),
                None => Service::NotAgain,
            };
            let first_error = answers.first_error(fault.start, until);
            Recovery { fault: position, first_error, longest_gap, service }
        })
        .collect()
}

/// The answers to clients, as far as faults may have changed them.
pub(super) struct Answers<'a> {
    /// When operations ended ok, sorted.
    pub oks: Vec<u64>,
    /// When attempts met errors that did not occur before the first fault, which, and the index of
    /// the operation's completion; sorted.
    errors: Vec<(u64, u64, &'a str)>,
    /// When the load began and ended.
    pub load: (u64, u64),
    /// From this length on, a time without any ok is an interruption.
    pub interruption: u64,
}

impl<'a> Answers<'a> {
    pub(super) fn of(
        faults: &[FaultInterval],
        operations: &'a RunOperations,
        phases: &[PhaseInterval],
    ) -> Answers<'a> {
        let oks = ok_times(operations);
        let mut errors = errors_by_time(operations);
        let all = (0, oks.last().copied().unwrap_or(0));
        let load = phases.iter().find(|phase| phase.phase == Phase::Load);
        let load = load.map_or(all, |load| (load.start, load.end));
        let mean_gap = (load.1 - load.0) / (oks.len() as u64).max(1);
        let interruption = SHORTEST_INTERRUPTION.max(mean_gap * TIMES_MEAN_GAP);
        let attempted = faults.iter().filter(|fault| fault.was_attempted());
        let calm_until = attempted.map(|fault| fault.start).min().unwrap_or(load.1);
        let calm = &errors[..errors.partition_point(|error| error.0 < calm_until)];
        let usual: BTreeSet<&str> = calm.iter().map(|(_, _, error)| *error).collect();
        errors.retain(|(_, _, error)| !usual.contains(error));
        Answers { oks, errors, load, interruption }
    }

    /// The first error within a stretch.
    pub(super) fn first_error(&self, from: u64, until: u64) -> Option<FirstError> {
        let errors = &self.errors;
        let &(time, index, error) = errors.get(errors.partition_point(|error| error.0 < from))?;
        (time < until).then(|| FirstError { after: time - from, error: error.to_owned(), index })
    }
}

/// When operations ended ok, sorted.
fn ok_times(operations: &RunOperations) -> Vec<u64> {
    let mut times: Vec<u64> = operations
        .iter()
        .filter(|operation| operation.outcome() == EventType::Ok)
        .filter_map(|operation| operation.end())
        .collect();
    times.sort_unstable();
    times
}

/// When attempts met errors, which, and the index of the operation's completion; sorted.
fn errors_by_time(operations: &RunOperations) -> Vec<(u64, u64, &str)> {
    let mut errors = Vec::new();
    for operation in operations.iter() {
        let Some((index, end)) = operation.completed().zip(operation.end()) else { continue };
        for attempt in operation.attempts() {
            errors.extend(attempt.error.map(|error| (attempt.end, index, error)));
        }
        if operation.attempts().len() == 0 {
            errors.extend(operation.error().map(|error| (end, index, error)));
        }
    }
    errors.sort_unstable();
    errors
}

/// The gap between oks that took the most of the time from `from` to `until`: its whole length, and
/// the ok that ended it; none when no ok came before `load_end`.
fn longest_gap(oks: &[u64], from: u64, until: u64, load_end: u64) -> (u64, Option<u64>) {
    let first = oks.partition_point(|&ok| ok < from);
    let ends = oks[first..].iter().copied().take_while(|&ok| ok <= load_end).map(Some);
    let mut longest = (0, Some(from));
    let mut longest_share = 0;
    let mut gap_start = from;
    // The load ends within the last gap: it is at least so long, and its end was not seen.
    for end in ends.chain([None]) {
        let gap_end = end.unwrap_or(load_end);
        let share = gap_end.min(until).saturating_sub(gap_start);
        if share > longest_share {
            longest_share = share;
            longest = (gap_end - gap_start, end);
        }
        gap_start = gap_end;
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::longest_gap;

    #[test]
    fn the_longest_gap_is_found_and_ends_at_the_next_ok() {
        assert_eq!(longest_gap(&[5, 11, 13, 40, 42], 10, 50, 50), (27, Some(40)));
    }

    #[test]
    fn a_gap_that_belongs_to_the_next_fault_is_not_counted() {
        assert_eq!(longest_gap(&[11, 14, 19, 90], 10, 20, 100), (5, Some(19)));
    }

    #[test]
    fn a_gap_may_outlast_the_window_but_not_begin_after_it() {
        assert_eq!(longest_gap(&[11, 40, 90], 10, 20, 100), (29, Some(40)));
    }

    #[test]
    fn a_gap_that_the_load_did_not_outlast_has_no_end() {
        assert_eq!(longest_gap(&[11, 12], 10, 50, 50), (38, None));
        assert_eq!(longest_gap(&[], 10, 50, 50), (40, None));
    }
}

//! What each fault did to the clients, and how long it took until they were served again.

use checker::history::EventType;

use crate::metrics::{FaultInterval, PhaseInterval, RunOperation};

/// The effect of one fault on the clients.
///
/// It is measured from the moment the fault began to the moment the next one did, or the load
/// ended. Faults that overlap share their effects; no one can tell them apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// Position of the fault among the intervals it was computed from.
    pub fault: usize,
    /// The first error that an attempt met.
    pub first_error: Option<FirstError>,
    /// The longest time without any operation that ended ok, in nanoseconds.
    pub longest_gap: u64,
    /// From the fault's beginning to the ok that ended the longest gap, in nanoseconds; none when
    /// the load ended first.
    pub ok_again_after: Option<u64>,
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
    operations: &[RunOperation<'_>],
    phases: &[PhaseInterval],
) -> Vec<Recovery> {
    let oks = ok_times(operations);
    let errors = errors_by_time(operations);
    let last_event = oks.last().copied().unwrap_or(0);
    let load_end = phases.iter().find(|phase| phase.name == "load").map_or(last_event, |p| p.end);
    let attempted = || faults.iter().enumerate().filter(|(_, fault)| fault.was_attempted());
    attempted()
        .filter(|(_, fault)| fault.start < load_end)
        .map(|(position, fault)| {
            let next = attempted().map(|(_, other)| other.start).find(|&start| start > fault.start);
            let until = next.unwrap_or(load_end).min(load_end);
            let (longest_gap, gap_end) = longest_gap(&oks, fault.start, until, load_end);
            Recovery {
                fault: position,
                first_error: first_error(&errors, fault.start, until),
                longest_gap,
                ok_again_after: gap_end.map(|end| end - fault.start),
            }
        })
        .collect()
}

/// When operations ended ok, sorted.
fn ok_times(operations: &[RunOperation<'_>]) -> Vec<u64> {
    let mut times: Vec<u64> = operations
        .iter()
        .filter_map(|operation| operation.completion)
        .filter(|completion| completion.kind == EventType::Ok)
        .map(|completion| completion.time)
        .collect();
    times.sort_unstable();
    times
}

/// When attempts met errors, which, and the index of the operation's completion; sorted.
fn errors_by_time<'a>(operations: &[RunOperation<'a>]) -> Vec<(u64, u64, &'a str)> {
    let mut errors = Vec::new();
    for completion in operations.iter().filter_map(|operation| operation.completion) {
        for attempt in &completion.attempts {
            if let Some(error) = &attempt.error {
                errors.push((attempt.end, completion.index, error.as_str()));
            }
        }
        if let (true, Some(error)) = (completion.attempts.is_empty(), &completion.error) {
            errors.push((completion.time, completion.index, error.as_str()));
        }
    }
    errors.sort_unstable();
    errors
}

fn first_error(errors: &[(u64, u64, &str)], from: u64, until: u64) -> Option<FirstError> {
    let &(time, index, error) = errors.get(errors.partition_point(|error| error.0 < from))?;
    (time < until).then(|| FirstError { after: time - from, error: error.to_owned(), index })
}

/// The longest gap between oks that begins from `from` up to `until`, and the ok that ended it;
/// none when no ok came before `load_end`.
fn longest_gap(oks: &[u64], from: u64, until: u64, load_end: u64) -> (u64, Option<u64>) {
    let mut longest = (0, Some(from));
    let mut gap_start = from;
    let first = oks.partition_point(|&ok| ok < from);
    for &ok in oks[first..].iter().take_while(|&&ok| ok <= load_end) {
        if gap_start >= until {
            return longest;
        }
        if ok - gap_start > longest.0 {
            longest = (ok - gap_start, Some(ok));
        }
        gap_start = ok;
    }
    // The load ended within this last gap: it is at least so long, and nobody saw its end.
    let open = load_end.saturating_sub(gap_start);
    if gap_start < until && open > longest.0 { (open, None) } else { longest }
}

#[cfg(test)]
mod tests {
    use super::longest_gap;

    #[test]
    fn the_longest_gap_is_found_and_ends_at_the_next_ok() {
        assert_eq!(longest_gap(&[5, 11, 13, 40, 42], 10, 50, 50), (27, Some(40)));
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

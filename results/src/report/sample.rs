//! The operations that the timeline draws: all of them, or of many the telling ones and a sample of
//! the others, so that the page of a long run stays small.

use std::collections::BTreeSet;

use checker::history::EventType;

use crate::metrics::{RunOperation, RunOperations};

/// The most operations that are drawn one by one, at about 20 bytes each, besides a few that are
/// rare.
const MOST: usize = 160_000;

/// 2^64 divided by the golden ratio: its multiples fall evenly and never in step (Knuth, The Art of
/// Computer Programming, volume 3, section 6.4).
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// An operation that is drawn, and the number of operations that it stands for, its own included.
pub(super) struct Drawn<'a> {
    pub(super) operation: RunOperation<'a>,
    pub(super) weight: u64,
}

/// The operations to draw, by invocation. `shown` are indices of invocations that the page is
/// about: these are drawn in any case.
///
/// Of more than [`MOST`], each stretch of operations that follow each other keeps its slowest one
/// and those whose outcome is unknown; one of the others stands for all of them. What is counted
/// stays true, and what is rare stays visible.
pub(super) fn drawn<'a>(operations: &'a RunOperations, shown: &BTreeSet<u64>) -> Vec<Drawn<'a>> {
    drawn_of(operations, shown, MOST)
}

fn drawn_of<'a>(
    operations: &'a RunOperations,
    shown: &BTreeSet<u64>,
    most: usize,
) -> Vec<Drawn<'a>> {
    let all: Vec<RunOperation<'a>> = operations.iter().collect();
    if all.len() <= most {
        return all.into_iter().map(|operation| Drawn { operation, weight: 1 }).collect();
    }
    let is_unknown = |operation: &RunOperation<'_>| operation.outcome() == EventType::Info;
    // A run in which nothing is known has nothing rare about that.
    let unknown = all.iter().filter(|operation| is_unknown(operation)).count();
    let unknown_tell = unknown <= most / 4;
    let stretch = (2 * all.len()).div_ceil(most);
    let mut drawn = Vec::new();
    for (number, stretch) in all.chunks(stretch).enumerate() {
        let slowest = stretch.iter().max_by_key(|it| it.latency()).map(|it| it.invoked());
        let tells = |operation: &RunOperation<'_>| {
            Some(operation.invoked()) == slowest
                || shown.contains(&operation.invoked())
                || unknown_tell && is_unknown(operation)
        };
        let others = stretch.iter().filter(|operation| !tells(operation)).count();
        // Not the same place each time: clients take turns, and so would the sample.
        let scattered = (number as u64).wrapping_mul(GOLDEN) >> 32;
        let mut until_chosen = scattered as usize % others.max(1);
        for operation in stretch {
            if tells(operation) {
                drawn.push(Drawn { operation: *operation, weight: 1 });
            } else if until_chosen == 0 {
                drawn.push(Drawn { operation: *operation, weight: others as u64 });
                until_chosen = usize::MAX;
            } else {
                until_chosen -= 1;
            }
        }
    }
    drawn
}

#[cfg(test)]
mod tests {
    use checker::history::{Event, Process};
    use serde_json::Value;

    use super::*;
    use crate::metrics::RunHistory;

    /// Operations one after the other; each hundredth is slow, and each thousandth unknown.
    fn history(count: u64) -> RunHistory {
        let event = |kind, index, time| Event {
            index,
            time,
            ..Event::new(Process::Client(index / 2), kind, "read", Value::Null)
        };
        let both = |number: u64| {
            let (outcome, took) = match number {
                it if it % 1000 == 7 => (EventType::Info, 10),
                it if it % 100 == 0 => (EventType::Ok, 1_000),
                it if it % 4 == 1 => (EventType::Fail, 20),
                _ => (EventType::Ok, 20),
            };
            let start = number * 10_000;
            [
                event(EventType::Invoke, 2 * number, start),
                event(outcome, 2 * number + 1, start + took),
            ]
        };
        (0..count).flat_map(both).collect()
    }

    #[test]
    fn few_operations_are_all_drawn() {
        let history = history(1_000);
        let drawn = drawn_of(&history.operations, &BTreeSet::new(), 1_000);
        assert_eq!(drawn.len(), 1_000);
        assert!(drawn.iter().all(|it| it.weight == 1));
    }

    #[test]
    fn of_many_the_telling_ones_are_drawn_and_the_rest_is_counted() {
        let history = history(100_000);
        let shown = BTreeSet::from([2 * 50_003, 2 * 50_006]);
        let drawn = drawn_of(&history.operations, &shown, 2_000);
        assert!(drawn.len() <= 2_000 + 100 + shown.len(), "{}", drawn.len());
        assert_eq!(drawn.iter().map(|it| it.weight).sum::<u64>(), 100_000);
        let count = |kind: EventType| {
            let of_kind = drawn.iter().filter(|it| it.operation.outcome() == kind);
            of_kind.map(|it| it.weight).sum::<u64>()
        };
        assert_eq!(count(EventType::Info), 100, "each of unknown outcome, for itself alone");
        assert!((22_000..28_000).contains(&count(EventType::Fail)), "{}", count(EventType::Fail));
        let slow = drawn.iter().filter(|it| it.operation.latency() == Some(1_000));
        assert_eq!(slow.map(|it| it.weight).filter(|weight| *weight == 1).count(), 1_000);
        for index in shown {
            assert!(drawn.iter().any(|it| it.operation.invoked() == index && it.weight == 1));
        }
    }
}

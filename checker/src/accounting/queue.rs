//! The outcomes of the elements of queues: `jepsen.checker/total-queue`.

use super::count::{EventTime, PerValue};
use super::outcomes::{Accounting, ElementOutcome};
use crate::history::{Datum, EventType};
use crate::ledger::Ledger;
use crate::words;

/// The counts of one value.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    attempts: u64,
    acknowledged: u64,
    /// Acknowledged before the queue was last found empty.
    settled: u64,
    dequeued: u64,
}

/// Counts what became of the elements of one queue, in any order.
pub(super) fn account(accounting: &mut Accounting, queue: &Ledger<'_>, initial: Datum<'_>) {
    let emptied = queue.found_empty().map(EventTime::of_invocation);
    let taken_unseen = queue.unseen_removals() > 0;
    let mut counts = PerValue::<Counts>::default();
    for value in initial.as_list().into_iter().flatten() {
        let Counts { attempts, acknowledged, settled, .. } = counts.of(value);
        (*attempts, *acknowledged) = (*attempts + 1, *acknowledged + 1);
        *settled += u64::from(emptied.is_some());
    }
    for (enqueue, element) in &queue.inserts {
        if enqueue.outcome() == EventType::Fail {
            continue;
        }
        let ok = enqueue.outcome() == EventType::Ok;
        let counts = counts.of(*element);
        counts.attempts += 1;
        counts.acknowledged += u64::from(ok);
        let settled = ok && EventTime::of_completion(*enqueue) < emptied;
        counts.settled += u64::from(settled);
    }
    for element in queue.removed() {
        counts.of(element).dequeued += 1;
    }

    let name = queue.key.unwrap_or("the queue");
    for (value, counts) in counts.iter() {
        let Counts { attempts, acknowledged, settled, dequeued } = *counts;
        accounting.attempted += attempts;
        accounting.acknowledged += acknowledged;
        let expected = dequeued.min(attempts);
        let recovered = expected.saturating_sub(acknowledged);
        let missing = acknowledged.saturating_sub(dequeued);
        let lost = if taken_unseen { 0 } else { settled.saturating_sub(dequeued) };
        let surplus =
            if attempts == 0 { ElementOutcome::Unexpected } else { ElementOutcome::Duplicated };
        let sentence = |fate| {
            let value = words::value(value);
            match fate {
                ElementOutcome::Lost => {
                    let empty = emptied.map(EventTime::words).unwrap_or_default();
                    format!(
                        "{value} was enqueued in {name} and never dequeued, and {name} was found empty by a dequeue that began {empty}"
                    )
                }
                ElementOutcome::Unexpected => {
                    format!("{value} was dequeued from {name}, and nobody enqueued it")
                }
                _ => format!(
                    "{value} was dequeued from {name} {dequeued} times, and enqueued {attempts} at most"
                ),
            }
        };
        for (fate, count) in [
            (ElementOutcome::Lost, lost),
            (surplus, dequeued - expected),
            (ElementOutcome::NeverDequeued, missing - lost),
            (ElementOutcome::InDoubt, attempts - expected - missing),
            (ElementOutcome::Recovered, recovered),
            (ElementOutcome::Dequeued, expected - recovered),
        ] {
            accounting.note(queue.key, fate, count, || sentence(fate));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::model::Collection;

    fn account(log: &str) -> (String, Vec<String>) {
        crate::accounting::account::tests::account(Collection::Queue, "null", log)
    }

    const DEQUEUED_1: &str = "3 invoke dequeue null\n 3 ok dequeue 1\n";
    const FOUND_EMPTY: &str = "4 invoke dequeue null\n 4 fail dequeue null\n";

    #[test]
    fn elements_are_told_apart_by_what_became_of_them() {
        let (counts, findings) = account(
            "0 invoke enqueue 1\n 0 ok enqueue 1\n 0 invoke enqueue 2\n 0 ok enqueue 2\n
             0 invoke enqueue 3\n 0 info enqueue 3\n 1 invoke enqueue 4\n 1 info enqueue 4\n
             2 invoke dequeue null\n 2 ok dequeue 2\n 2 invoke dequeue null\n 2 ok dequeue 2\n
             2 invoke dequeue null\n 2 ok dequeue 3\n 2 invoke dequeue null\n 2 ok dequeue 9\n
             2 invoke dequeue null\n 2 fail dequeue null\n",
        );
        assert_eq!(
            counts,
            "4 attempted, 2 acknowledged: 1 lost, 1 duplicated, 1 unexpected, 1 in doubt, \
             1 recovered, 1 dequeued"
        );
        assert_eq!(
            findings,
            [
                "1 was enqueued in x and never dequeued, and x was found empty by a dequeue that \
                 began at 17.000 s",
                "2 was dequeued from x 2 times, and enqueued 1 at most",
                "9 was dequeued from x, and nobody enqueued it",
            ]
        );
    }

    #[test]
    fn an_element_may_be_enqueued_twice_and_dequeued_twice() {
        let enqueue = "0 invoke enqueue 1\n 0 ok enqueue 1\n";
        let (counts, _) =
            account(&[enqueue, enqueue, DEQUEUED_1, DEQUEUED_1, FOUND_EMPTY].concat());
        assert_eq!(counts, "2 attempted, 2 acknowledged: 2 dequeued");
    }

    #[test]
    fn what_may_still_be_in_the_queue_is_not_lost() {
        let enqueued = "0 invoke enqueue 2\n 0 ok enqueue 2\n";
        let taken_unseen = "1 invoke dequeue null\n 1 info dequeue null\n";
        let overlapping = "0 invoke enqueue 2\n 4 invoke dequeue null\n 0 ok enqueue 2\n \
                           4 fail dequeue null\n";
        let unlost = "1 attempted, 1 acknowledged: 1 never dequeued";
        // It was not drained, it was drained before or meanwhile, or something may have taken it.
        assert_eq!(account(enqueued).0, unlost);
        assert_eq!(account(&[FOUND_EMPTY, enqueued].concat()).0, unlost);
        assert_eq!(account(overlapping).0, unlost);
        assert_eq!(account(&[enqueued, taken_unseen, FOUND_EMPTY].concat()).0, unlost);
        let lost = account(&[enqueued, FOUND_EMPTY].concat());
        assert_eq!(lost.0, "1 attempted, 1 acknowledged: 1 lost");
    }

    #[test]
    fn what_was_there_at_first_is_expected_and_may_be_lost() {
        let account = |log: &str| {
            crate::accounting::account::tests::account(Collection::Queue, "[1,2]", log).0
        };
        let log = [DEQUEUED_1, FOUND_EMPTY].concat();
        assert_eq!(account(&log), "2 attempted, 2 acknowledged: 1 lost, 1 dequeued");
        assert_eq!(
            account(DEQUEUED_1),
            "2 attempted, 2 acknowledged: 1 never dequeued, 1 dequeued"
        );
    }
}

//! The outcomes of the elements of sets: `jepsen.checker/set-full`.

use super::count::{EventTime, PerValue};
use super::outcomes::{Accounting, ElementOutcome};
use crate::history::{Datum, EventType, OperationRef};
use crate::ledger::Ledger;
use crate::words;

/// The facts about one element.
#[derive(Debug, Clone, Copy, Default)]
struct Element {
    attempted: bool,
    acknowledged: bool,
    duplicated: bool,
    /// When it was there for certain: the first completion of its addition or of a read that found
    /// it.
    known: Option<EventTime>,
    /// The beginning of the last read that found it.
    found: Option<EventTime>,
    /// The beginning of the last read that lacked it.
    lacked: Option<EventTime>,
    /// The number of the last read that found it, for the reads that lack it.
    found_by: usize,
}

impl Element {
    fn fate(&self) -> ElementOutcome {
        let was_missing = self.known.is_some_and(|known| self.lacked > Some(known));
        match self {
            Element { attempted: false, .. } => ElementOutcome::Unexpected,
            _ if was_missing && self.lacked > self.found => ElementOutcome::Lost,
            Element { duplicated: true, .. } => ElementOutcome::Duplicated,
            _ if was_missing => ElementOutcome::Stale,
            Element { found: Some(_), .. } => ElementOutcome::Stable,
            Element { acknowledged: true, .. } => ElementOutcome::NeverRead,
            _ => ElementOutcome::InDoubt,
        }
    }
}

/// Counts what became of the elements of one set.
pub(super) fn account(accounting: &mut Accounting, set: &Ledger<'_>, initial: Datum<'_>) {
    let mut elements = PerValue::<Element>::default();
    for value in initial.as_list().into_iter().flatten() {
        let element = elements.of(value);
        (element.attempted, element.acknowledged) = (true, true);
        element.known = Some(EventTime::BEGINNING);
    }
    // First everything that was put in or found, so that a read lacks elements of later additions
    // too; before they are known, a read that lacks them says nothing.
    for (addition, value) in &set.inserts {
        if addition.outcome() == EventType::Fail {
            continue;
        }
        let element = elements.of(*value);
        element.attempted = true;
        if addition.outcome() == EventType::Ok {
            element.acknowledged = true;
            element.known = earlier(element.known, EventTime::of_completion(*addition));
        }
    }
    for (number, read) in (1..).zip(&set.observations) {
        for value in answer(*read) {
            let element = elements.of(value);
            element.duplicated |= element.found_by == number;
            element.found_by = number;
            element.found = Some(EventTime::of_invocation(*read));
            element.known = earlier(element.known, EventTime::of_completion(*read));
        }
    }
    find_absences(&set.observations, &mut elements);

    let name = set.key.unwrap_or("the set");
    for (value, element) in elements.iter() {
        if !element.attempted && element.found.is_none() {
            continue;
        }
        accounting.attempted += u64::from(element.attempted);
        accounting.acknowledged += u64::from(element.acknowledged);
        let fate = element.fate();
        let staleness = staleness(element).filter(|_| fate == ElementOutcome::Stale);
        accounting.worst_staleness = accounting.worst_staleness.max(staleness);
        let sentence = || {
            let value = words::value(value);
            let when = |moment: Option<EventTime>| moment.map(EventTime::words).unwrap_or_default();
            let (known, lacked) = (when(element.known), when(element.lacked));
            match fate {
                ElementOutcome::Lost => format!(
                    "{value} was in {name} {known}, and the last read, which began {lacked}, lacks it"
                ),
                ElementOutcome::Duplicated => {
                    format!("a read of {name} answered {value} more than once")
                }
                ElementOutcome::Unexpected => {
                    format!("a read of {name} answered {value}, which nobody added")
                }
                _ => format!(
                    "{value} was in {name} {known}, and a read that began {} later lacks it; others found it after that",
                    words::seconds(staleness.unwrap_or_default())
                ),
            }
        };
        accounting.note(set.key, fate, 1, sentence);
    }
}

/// Notes for each element the last read that lacked it.
fn find_absences(reads: &[OperationRef<'_>], elements: &mut PerValue<Element>) {
    // The latest read first: an element needs to be looked at until one lacks it.
    let mut open: Vec<usize> = (0..elements.entries.len()).collect();
    for (number, read) in (0..).zip(reads.iter().rev()) {
        if open.is_empty() {
            return;
        }
        // Above the numbers that the first pass gave out.
        let stamp = usize::MAX - number;
        for value in answer(*read) {
            elements.of(value).found_by = stamp;
        }
        open.retain(|place| {
            let element = &mut elements.entries[*place];
            let is_there = element.found_by == stamp;
            if !is_there {
                element.lacked = Some(EventTime::of_invocation(*read));
            }
            is_there
        });
    }
}

/// The elements that a read answered; nil has none.
fn answer(read: OperationRef<'_>) -> impl Iterator<Item = Datum<'_>> {
    read.output().as_list().into_iter().flatten()
}

/// The time from when it was there for certain to the beginning of a read that lacked it, in
/// nanoseconds.
fn staleness(element: &Element) -> Option<u64> {
    Some(element.lacked?.time.saturating_sub(element.known?.time))
}

fn earlier(known: Option<EventTime>, other: Option<EventTime>) -> Option<EventTime> {
    [known, other].into_iter().flatten().min()
}

#[cfg(test)]
mod tests {
    use crate::model::Collection;

    fn account(log: &str) -> (String, Vec<String>) {
        crate::accounting::account::tests::account(Collection::Set, "null", log)
    }

    #[test]
    fn an_element_that_every_later_read_found_is_stable() {
        let (counts, _) = account(
            "0 invoke add 1\n 0 ok add 1\n 1 invoke read null\n 1 ok read [1]\n
             1 invoke read null\n 1 ok read [1]",
        );
        assert_eq!(counts, "1 attempted, 1 acknowledged: 1 stable");
    }

    #[test]
    fn an_element_that_was_missing_for_a_while_is_stale_for_that_time() {
        let (counts, findings) = account(
            "0 invoke add 1\n 0 ok add 1\n 1 invoke read null\n 1 ok read []\n
             1 invoke read null\n 1 ok read null\n 1 invoke read null\n 1 ok read [1]",
        );
        assert_eq!(counts, "1 attempted, 1 acknowledged: 1 stale");
        // Known by the second event, still lacked by a read that began with the fifth.
        assert_eq!(
            findings,
            [
                "1 was in x at 2.000 s, and a read that began 3.000 s later lacks it; others found it \
              after that"
            ]
        );
    }

    #[test]
    fn an_element_that_the_last_read_lacks_is_lost_if_it_was_known() {
        let (counts, findings) = account(
            "0 invoke add 1\n 0 ok add 1\n 0 invoke add 2\n 0 info add 2\n 1 invoke add 3\n
             1 info add 3\n 2 invoke read null\n 2 ok read [1,3]\n 2 invoke read null\n
             2 ok read []",
        );
        // 2 may never have been added; 3 was seen.
        assert_eq!(counts, "3 attempted, 1 acknowledged: 2 lost, 1 in doubt");
        assert_eq!(
            findings[0],
            "1 was in x at 2.000 s, and the last read, which began at 9.000 s, lacks it"
        );
    }

    #[test]
    fn a_read_that_overlaps_the_addition_says_nothing() {
        let (counts, _) =
            account("0 invoke add 1\n 1 invoke read null\n 0 ok add 1\n 1 ok read []");
        assert_eq!(counts, "1 attempted, 1 acknowledged: 1 never read");
    }

    #[test]
    fn what_nobody_added_and_what_is_there_twice_is_told() {
        let (counts, findings) = account(
            "0 invoke add 1\n 0 ok add 1\n 0 invoke add 8\n 0 fail add 8\n 1 invoke read null\n
             1 ok read [1,7,1,8]",
        );
        assert_eq!(counts, "1 attempted, 1 acknowledged: 1 duplicated, 2 unexpected");
        assert_eq!(
            findings,
            [
                "a read of x answered 1 more than once",
                "a read of x answered 7, which nobody added",
                "a read of x answered 8, which nobody added",
            ]
        );
    }

    #[test]
    fn what_was_there_at_first_is_expected() {
        let log = "1 invoke read null\n 1 ok read [7]";
        let (counts, _) = crate::accounting::account::tests::account(Collection::Set, "[7]", log);
        assert_eq!(counts, "1 attempted, 1 acknowledged: 1 stable");
    }
}

//! What became of the elements of sets: `jepsen.checker/set-full`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::accounting::by_key;
use crate::history::{Datum, EventType, OperationRef, Operations};
use crate::model::{ValueId, Values};

/// What became of the elements of one set. Elements are in the order of their first occurrence in
/// the history.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SetAccount {
    /// The key; none when the history names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Elements that somebody tried to add.
    pub attempted: u64,
    /// Elements whose addition was acknowledged.
    pub acknowledged: u64,
    /// Elements that were known to be there and that every later read found.
    pub stable: u64,
    /// Elements that were known to be there, and that the last read that began after that did not
    /// find: neither it nor any later one.
    pub lost: Vec<Value>,
    /// Elements that are stable, but that a read lacked which began after they were known to be
    /// there.
    pub stale: Vec<StaleElement>,
    /// The longest time, in nanoseconds, that a stable element was stale; 0 if none was.
    pub worst_staleness: u64,
    /// Elements that a read answered more than once.
    pub duplicated: Vec<Value>,
    /// Elements that no read found, and that no read lacked which began after they were known to
    /// be there: nothing can be said of them.
    pub never_read: Vec<Value>,
    /// Elements that a read found although nobody tried to add them.
    pub unexpected: Vec<Value>,
}

/// An element that appeared late.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaleElement {
    /// The element.
    pub element: Value,
    /// How long after it was known to be there a read began that still lacked it, in nanoseconds.
    pub staleness: u64,
}

/// What is known of one element.
#[derive(Debug, Clone, Copy, Default)]
struct Element {
    attempted: bool,
    acknowledged: bool,
    duplicated: bool,
    /// When it was known to be there: the first completion of its addition or of a read that found
    /// it.
    known: Option<Moment>,
    /// The beginning of the last read that found it.
    found: Option<Moment>,
    /// The beginning of the last read that lacked it.
    lacked: Option<Moment>,
    /// The number of the last read that found it, for the reads that lack it.
    found_by: usize,
}

/// A place in the history, by index, and its time. The derived order is by index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Moment {
    index: u64,
    time: u64,
}

/// Counts what became of the elements of each set in a history of `add`s and `read`s. Other
/// operations, and answers that are no lists, are not looked at; a nil read found no element.
///
/// As in Jepsen, an element is *known* once its addition was acknowledged or a read that found it
/// completed. If the last read that lacked an element began later than the last that found it and
/// than it was known, it is lost; if some read found it and none that began later lacked it, it is
/// stable. Of unknown additions nothing is lost unless somebody saw it first. Other than in
/// Jepsen, elements that nobody tried to add are counted too.
pub fn set_full(operations: &Operations) -> Vec<SetAccount> {
    by_key(operations)
        .into_iter()
        .map(|(key, operations)| account(key.map(str::to_string), &operations))
        .collect()
}

fn account(key: Option<String>, operations: &[OperationRef<'_>]) -> SetAccount {
    let mut values = Values::new();
    let mut elements: Vec<Element> = Vec::new();
    let mut element_of = |value: Datum<'_>, elements: &mut Vec<Element>| {
        let number = values.id(value).0 as usize;
        if number >= elements.len() {
            elements.resize(number + 1, Element::default());
        }
        number
    };
    // First everything that was invoked, so that a read lacks elements of later additions too;
    // before they are known, a read that lacks them says nothing.
    let mut reads = 0;
    for operation in operations {
        match (operation.f(), operation.outcome(), completion(*operation)) {
            ("add", outcome, completed) => {
                let number = element_of(operation.input(), &mut elements);
                let element = &mut elements[number];
                element.attempted = true;
                if let (EventType::Ok, Some(completed)) = (outcome, completed) {
                    element.acknowledged = true;
                    element.known = earlier(element.known, completed);
                }
            }
            ("read", EventType::Ok, Some(completed)) => {
                let Some(list) = operation.output().as_list() else { continue };
                reads += 1;
                for value in list {
                    let number = element_of(value, &mut elements);
                    let element = &mut elements[number];
                    element.duplicated |= element.found_by == reads;
                    element.found_by = reads;
                    element.found = Some(invocation(*operation));
                    element.known = earlier(element.known, completed);
                }
            }
            _ => {}
        }
    }
    find_absences(operations, &mut elements, &mut element_of);

    let mut account = SetAccount { key, ..SetAccount::default() };
    for (number, element) in (0..).zip(&elements) {
        let value = || values.value(ValueId(number)).to_value();
        account.add(element, value);
    }
    account
}

/// Notes for each element the last read that lacked it.
fn find_absences(
    operations: &[OperationRef<'_>],
    elements: &mut Vec<Element>,
    element_of: &mut impl FnMut(Datum<'_>, &mut Vec<Element>) -> usize,
) {
    // The latest read first: an element needs to be looked at until one lacks it.
    let mut open: Vec<usize> = (0..elements.len()).collect();
    let mut read = 0;
    for operation in operations.iter().rev() {
        if operation.f() != "read" || operation.outcome() != EventType::Ok {
            continue;
        }
        let answer = operation.output();
        if !answer.is_null() && answer.as_list().is_none() {
            continue;
        }
        if open.is_empty() {
            return;
        }
        // Above the numbers that the first pass gave out.
        read += 1;
        let stamp = usize::MAX - read;
        for value in answer.as_list().into_iter().flatten() {
            let number = element_of(value, elements);
            elements[number].found_by = stamp;
        }
        open.retain(|number| {
            let element = &mut elements[*number];
            if element.found_by == stamp {
                return true;
            }
            element.lacked = Some(invocation(*operation));
            false
        });
    }
}

impl SetAccount {
    fn add(&mut self, element: &Element, value: impl Fn() -> Value) {
        self.attempted += u64::from(element.attempted);
        self.acknowledged += u64::from(element.acknowledged);
        if element.duplicated {
            self.duplicated.push(value());
        }
        if !element.attempted {
            if element.found.is_some() {
                self.unexpected.push(value());
            }
            return;
        }
        let was_lost = element
            .known
            .is_some_and(|known| element.lacked > Some(known) && element.lacked > element.found);
        if was_lost {
            self.lost.push(value());
        } else if element.found > element.lacked {
            self.stable += 1;
            // The set was seen without it at least up to then.
            let staleness = match (element.known, element.lacked) {
                (Some(known), Some(lacked)) => lacked.time.saturating_sub(known.time),
                _ => 0,
            };
            if element.lacked > element.known {
                self.stale.push(StaleElement { element: value(), staleness });
                self.worst_staleness = self.worst_staleness.max(staleness);
            }
        } else {
            self.never_read.push(value());
        }
    }
}

fn invocation(operation: OperationRef<'_>) -> Moment {
    Moment { index: operation.invoked(), time: operation.start() }
}

fn completion(operation: OperationRef<'_>) -> Option<Moment> {
    Some(Moment { index: operation.completed()?, time: operation.end()? })
}

fn earlier(known: Option<Moment>, other: Moment) -> Option<Moment> {
    Some(known.map_or(other, |known| known.min(other)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::history;

    /// The account of a log whose events are a nanosecond apart.
    fn account(log: &str) -> SetAccount {
        let lines: String = (log.lines().map(str::trim).filter(|line| !line.is_empty()))
            .enumerate()
            .map(|(index, line)| {
                let [process, kind, f, value] = line.splitn(4, ' ').collect::<Vec<_>>()[..] else {
                    panic!("not an event: {line}");
                };
                format!(
                    "{{\"index\":{index},\"time\":{index},\"process\":{process},\"type\":\"{kind}\",\
                     \"f\":\"{f}\",\"key\":\"x\",\"value\":{value}}}\n"
                )
            })
            .collect();
        let reading = history::read(lines.as_bytes()).expect("the log is a history");
        let [account] = &set_full(&reading.operations)[..] else { panic!("there is one key") };
        account.clone()
    }

    #[test]
    fn an_element_that_every_later_read_found_is_stable() {
        let account = account(
            "0 invoke add 1\n 0 ok add 1\n 1 invoke read null\n 1 ok read [1]\n
             1 invoke read null\n 1 ok read [1]",
        );
        assert_eq!((account.attempted, account.acknowledged, account.stable), (1, 1, 1));
        assert_eq!(account.stale, []);
    }

    #[test]
    fn an_element_that_was_missing_for_a_while_is_stale_for_that_time() {
        let account = account(
            "0 invoke add 1\n 0 ok add 1\n 1 invoke read null\n 1 ok read []\n
             1 invoke read null\n 1 ok read null\n 1 invoke read null\n 1 ok read [1]",
        );
        // Known at 1, still lacked by a read that began at 4.
        assert_eq!(account.stale, [StaleElement { element: json!(1), staleness: 3 }]);
        assert_eq!((account.stable, account.worst_staleness), (1, 3));
        assert_eq!(account.lost, Vec::<Value>::new());
    }

    #[test]
    fn an_element_that_the_last_read_lacks_is_lost_if_it_was_known() {
        let account = account(
            "0 invoke add 1\n 0 ok add 1\n 0 invoke add 2\n 0 info add 2\n 1 invoke add 3\n
             1 info add 3\n 2 invoke read null\n 2 ok read [1,3]\n 2 invoke read null\n
             2 ok read []",
        );
        // 2 may never have been added; 3 was seen.
        assert_eq!(account.lost, [json!(1), json!(3)]);
        assert_eq!(account.never_read, [json!(2)]);
    }

    #[test]
    fn a_read_that_overlaps_the_addition_says_nothing() {
        let account = account("0 invoke add 1\n 1 invoke read null\n 0 ok add 1\n 1 ok read []");
        assert_eq!((account.lost.len(), account.stale.len()), (0, 0));
        assert_eq!(account.never_read, [json!(1)]);
    }

    #[test]
    fn what_nobody_added_and_what_is_there_twice_is_told() {
        let account =
            account("0 invoke add 1\n 0 ok add 1\n 1 invoke read null\n 1 ok read [1,7,1]");
        assert_eq!(account.duplicated, [json!(1)]);
        assert_eq!(account.unexpected, [json!(7)]);
        assert_eq!((account.attempted, account.stable), (1, 1));
    }
}

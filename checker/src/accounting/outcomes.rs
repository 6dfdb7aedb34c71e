//! The outcomes of the elements of sets and queues.
//!
//! A counterexample shows one reason why a history has no legal order. How much was lost, and how
//! late the rest appeared, is told by counting. The counts are those of Jepsen's `set-full` and
//! `total-queue`, except that each element is counted once, by the worst that became of it, and
//! that nothing is called lost which may still be somewhere: what no legal order explains is
//! *wrong* ([`Fate::is_wrong`]) and makes the verdict Invalid, and nothing else is.

mod queue;
mod set;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::history::{Datum, OperationRef};
use crate::lattice::Verdict;
use crate::ledger::Ledger;
use crate::model::{Collection, ValueId, Values};
use crate::oracle::kept::MAX_KEPT;

/// The outcome of an element. The worst comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It was there for certain, and later it was not. Of a queue: its enqueue was acknowledged, no
    /// dequeue answered it or may have removed it unseen, and the queue was found empty after that.
    Lost,
    /// A read of a set answered it more than once; or it was dequeued more often than somebody
    /// tried to enqueue it, each time too many counted.
    Duplicated,
    /// It was read or dequeued, although nobody tried to put it in.
    Unexpected,
    /// A read of a set lacked it after it was there for certain, and a later one found it.
    Stale,
    /// Its enqueue was acknowledged, and no dequeue answered it. It may still be in the queue, or a
    /// dequeue of unknown outcome removed it.
    NeverDequeued,
    /// Its addition was acknowledged, and no read began after that.
    NeverRead,
    /// It was not acknowledged and has not been seen: it may never have come in.
    InDoubt,
    /// It was dequeued, although its enqueue was not acknowledged.
    Recovered,
    /// It was dequeued, as often as it was enqueued.
    Dequeued,
    /// It was read, and every read found it that began after it was there for certain.
    Stable,
}

impl Fate {
    /// Returns whether no legal order explains it.
    pub fn is_wrong(self) -> bool {
        matches!(self, Fate::Lost | Fate::Duplicated | Fate::Unexpected | Fate::Stale)
    }

    /// `never dequeued`.
    pub fn name(self) -> &'static str {
        match self {
            Fate::Lost => "lost",
            Fate::Duplicated => "duplicated",
            Fate::Unexpected => "unexpected",
            Fate::Stale => "stale",
            Fate::NeverDequeued => "never dequeued",
            Fate::NeverRead => "never read",
            Fate::InDoubt => "in doubt",
            Fate::Recovered => "recovered",
            Fate::Dequeued => "dequeued",
            Fate::Stable => "stable",
        }
    }
}

/// An element that something wrong became of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The set or queue; none when the history names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Its outcome.
    pub fate: Fate,
    /// The proof in a sentence.
    pub sentence: String,
}

/// The outcomes of the elements of all sets or queues of a history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accounting {
    /// True if they are sets or queues.
    pub kind: Collection,
    /// Elements that somebody tried to put in, surely failed attempts left out; of a queue, as
    /// often as somebody tried.
    pub attempted: u64,
    /// Those of them that were acknowledged.
    pub acknowledged: u64,
    /// The number of elements with each outcome. Those that no operation tried to put in are
    /// counted too.
    pub fates: BTreeMap<Fate, u64>,
    /// The time from when it was there for certain to a read that lacked an element which later
    /// ones found; the longest, in nanoseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worst_staleness: Option<u64>,
    /// Some of what is wrong, the worst first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
}

impl Accounting {
    /// The number of elements with this outcome.
    pub fn count(&self, fate: Fate) -> u64 {
        self.fates.get(&fate).copied().unwrap_or(0)
    }

    /// The number of elements with an outcome that no legal order explains.
    pub fn wrong(&self) -> u64 {
        self.fates.iter().filter(|(fate, _)| fate.is_wrong()).map(|(_, count)| count).sum()
    }

    /// Invalid if something is wrong. Counts say nothing of the order of elements.
    pub fn verdict(&self) -> Verdict {
        if self.wrong() == 0 { Verdict::Valid } else { Verdict::Invalid }
    }

    fn note(&mut self, key: Option<&str>, fate: Fate, count: u64, sentence: impl Fn() -> String) {
        if count == 0 {
            return;
        }
        let counted = self.fates.entry(fate).or_default();
        *counted += count;
        if fate.is_wrong() && self.findings.iter().filter(|it| it.fate == fate).count() < MAX_KEPT {
            self.findings.push(Finding {
                key: key.map(str::to_string),
                fate,
                sentence: sentence(),
            });
        }
    }
}

/// Counts what became of the elements of the sets or queues of a history, each of which held
/// `initial` before the first operation. None for lists, whose models show all that counts would.
pub(crate) fn account(collections: &[Ledger<'_>], initial: Datum<'_>) -> Option<Accounting> {
    let kind = collections.first()?.kind;
    let object = match kind {
        Collection::Set => set::account,
        Collection::Queue => queue::account,
        Collection::List => return None,
    };
    let (fates, findings) = (BTreeMap::new(), Vec::new());
    let mut accounting =
        Accounting { kind, attempted: 0, acknowledged: 0, fates, worst_staleness: None, findings };
    for ledger in collections {
        object(&mut accounting, ledger, initial);
    }
    accounting.findings.sort_by_key(|finding| finding.fate);
    accounting.findings.truncate(MAX_KEPT);
    Some(accounting)
}

/// Something for each value.
#[derive(Default)]
struct PerValue<T> {
    values: Values,
    /// By the number of the value. That of null has one too, and null is no element.
    entries: Vec<T>,
}

impl<T: Clone + Default> PerValue<T> {
    fn of(&mut self, value: Datum<'_>) -> &mut T {
        let number = self.values.id(value).0 as usize;
        if number >= self.entries.len() {
            self.entries.resize(number + 1, T::default());
        }
        &mut self.entries[number]
    }

    fn iter(&self) -> impl Iterator<Item = (Datum<'_>, &T)> {
        (0..).zip(&self.entries).map(|(number, entry)| (self.values.value(ValueId(number)), entry))
    }
}

/// A place in the history, by index, and its time. The derived order is by index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Moment {
    index: u64,
    time: u64,
}

impl Moment {
    /// Before the first operation.
    const BEGINNING: Moment = Moment { index: 0, time: 0 };

    fn of_invocation(operation: OperationRef<'_>) -> Moment {
        Moment { index: operation.invoked(), time: operation.start() }
    }

    /// None for an operation that never ended.
    fn of_completion(operation: OperationRef<'_>) -> Option<Moment> {
        Some(Moment { index: operation.completed()?, time: operation.end()? })
    }

    fn words(self) -> String {
        crate::words::at(self.time, self.index)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::history::Operations;
    use crate::model::{AnyModel, Conventions, Queue, Set};

    fn of(kind: Collection, operations: &Operations, initial: Datum<'_>) -> Option<Accounting> {
        let model = match kind {
            Collection::Queue => AnyModel::of(&Queue),
            _ => AnyModel::of(&Set),
        };
        super::account(&Ledger::all(model, operations, Conventions::default()), initial)
    }

    /// The counts and the findings of a history of the object `x`, whose events, given as
    /// `process type f value`, are a second apart.
    pub(super) fn account(kind: Collection, initial: &str, log: &str) -> (String, Vec<String>) {
        let lines: String = (log.lines().map(str::trim).filter(|line| !line.is_empty()))
            .enumerate()
            .map(|(index, line)| {
                let [process, outcome, f, value] = line.splitn(4, ' ').collect::<Vec<_>>()[..]
                else {
                    panic!("not an event: {line}");
                };
                let value: Value = serde_json::from_str(value).expect("a value");
                let event = serde_json::json!({
                    "index": index, "time": (index + 1) * 1_000_000_000,
                    "process": process.parse::<u64>().expect("a number"), "type": outcome, "f": f,
                    "key": "x", "value": value,
                    "error": (outcome == "fail").then_some("precondition_failed"),
                });
                format!("{event}\n")
            })
            .collect();
        let reading = crate::history::read(lines.as_bytes()).expect("the log is a history");
        let mut buffer = String::new();
        let initial = Datum::parse(initial, &mut buffer).expect("it is JSON");
        let accounting = of(kind, &reading.operations, initial).expect("a set or a queue");
        let fates = accounting.fates.iter().map(|(fate, count)| format!("{count} {}", fate.name()));
        let fates: Vec<String> = fates.collect();
        let counts = format!(
            "{} attempted, {} acknowledged: {}",
            accounting.attempted,
            accounting.acknowledged,
            fates.join(", ")
        );
        (counts, accounting.findings.into_iter().map(|finding| finding.sentence).collect())
    }

    #[test]
    fn counts_can_be_saved() {
        let operations = crate::history::read(&b"0 :invoke :add 1\n0 :ok :add 1\n"[..])
            .expect("the log is a history")
            .operations;
        let accounting = of(Collection::Set, &operations, Datum::Null);
        let json = serde_json::to_string(&accounting).expect("it can be saved");
        assert!(json.contains(r#""fates":{"never-read":1}"#), "{json}");
        assert_eq!(
            serde_json::from_str::<Option<Accounting>>(&json).expect("and read"),
            accounting
        );
    }
}

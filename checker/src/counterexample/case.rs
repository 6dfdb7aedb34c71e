//! The operations that a counterexample is about, with all others on the same object.

use crate::counterexample::words::{value, when};
use crate::history::{Datum, EventType, OperationRef};
use crate::partition::Partition;

/// A complaint about an operation, as the second half of a sentence that begins with it.
pub(super) struct Complaint {
    /// The place of the operation that the sentence begins with.
    pub(super) subject: usize,
    pub(super) clause: String,
    /// The places of the operations that show it.
    pub(super) shown_by: Vec<usize>,
    /// The places of others that it names.
    pub(super) named: Vec<usize>,
}

impl Complaint {
    pub(super) fn new(subject: usize, clause: String) -> Complaint {
        Complaint { subject, clause, shown_by: Vec::new(), named: Vec::new() }
    }

    pub(super) fn shown_by(mut self, place: usize) -> Complaint {
        self.shown_by.push(place);
        self
    }

    pub(super) fn shown_by_all(mut self, places: impl IntoIterator<Item = usize>) -> Complaint {
        self.shown_by.extend(places);
        self
    }
}

/// A contradiction with its surroundings.
pub(super) struct Case<'a> {
    /// The operations of the partition.
    pub(super) operations: Vec<OperationRef<'a>>,
    /// Operations on the same object that surely did not happen.
    pub(super) failed: Vec<OperationRef<'a>>,
    /// The places of the operations that contradict each other.
    pub(super) shown: Vec<usize>,
    /// The one of them that completed last.
    pub(super) last: usize,
    /// The content of the object before all of them.
    pub(super) initial: Datum<'a>,
}

impl<'a> Case<'a> {
    pub(super) fn of(partition: &Partition<'a>, shown: &[usize], last: usize) -> Case<'a> {
        let failed = partition.history().iter().filter(|operation| {
            operation.outcome() == EventType::Fail && operation.key() == partition.key
        });
        Case {
            operations: (0..partition.len()).map(|place| partition.operation(place)).collect(),
            failed: failed.collect(),
            shown: shown.to_vec(),
            last,
            initial: partition.initial,
        }
    }

    /// The places shown, the last one to complete first.
    pub(super) fn latest_first(&self) -> Vec<usize> {
        let mut places = self.shown.clone();
        places.sort_by_key(|place| (*place != self.last, std::cmp::Reverse(self.ended(*place))));
        places
    }

    /// The operations of a name, with their places.
    pub(super) fn called(&self, f: &str) -> impl Iterator<Item = (usize, OperationRef<'a>)> {
        self.operations.iter().copied().enumerate().filter(move |(_, it)| it.f() == f)
    }

    /// The index by which an operation had taken effect, if it ever did.
    pub(super) fn ended(&self, place: usize) -> u64 {
        ended(self.operations[place])
    }

    /// Returns whether the one was over before the other began.
    pub(super) fn precedes(&self, one: usize, other: usize) -> bool {
        self.ended(one) < self.operations[other].invoked()
    }

    /// The number that an addition adds.
    pub(super) fn amount(&self, place: usize) -> Option<i64> {
        self.operations[place].input().as_integer()
    }

    /// `1 (process 3 at 1.200 s), 2 (process 4 at 1.300 s) and 5 others`
    pub(super) fn listed(&self, places: &[usize]) -> String {
        listed(places.iter().map(|place| self.operations[*place]))
    }

    /// `process 3 at 1.200 s`
    pub(super) fn name(&self, place: usize) -> String {
        name(self.operations[place])
    }
}

/// The index by which an operation had taken effect, if it ever did.
pub(super) fn ended(operation: OperationRef<'_>) -> u64 {
    match operation.outcome() {
        EventType::Info => u64::MAX,
        _ => operation.completed().unwrap_or(u64::MAX),
    }
}

/// `process 3 at 1.200 s`
pub(super) fn name(operation: OperationRef<'_>) -> String {
    format!("process {} {}", operation.process(), when(operation))
}

/// The reason why an element cannot have been there before index `seen`: only an operation that
/// failed put it there, only one that began later, or none. `changes` are those that put it there,
/// `verb` is the participle of what they did.
pub(super) fn without_a_source<'a>(
    element: &str,
    verb: &str,
    changes: impl Iterator<Item = OperationRef<'a>>,
    failed: impl Iterator<Item = OperationRef<'a>>,
    seen: u64,
) -> Option<String> {
    let mut first: Option<OperationRef<'a>> = None;
    for change in changes {
        if change.invoked() < seen {
            return None;
        }
        if first.is_none_or(|first| change.invoked() < first.invoked()) {
            first = Some(change);
        }
    }
    let mut failed = failed.filter(|it| it.invoked() < seen);
    Some(match (first, failed.next()) {
        (_, Some(failed)) => {
            format!("although the operation that {verb} {element}, by {}, had failed", name(failed))
        }
        (Some(later), None) => {
            format!(
                "although {element} was first {verb} by process {}, which only began later",
                later.process()
            )
        }
        (None, None) => format!("although no operation ever {verb} {element}"),
    })
}

/// `1 (process 3 at 1.200 s), 2 (process 4 at 1.300 s) and 5 others`
pub(super) fn listed<'a>(operations: impl Iterator<Item = OperationRef<'a>>) -> String {
    const SHOWN: usize = 5;
    let texts: Vec<String> =
        operations.map(|it| format!("{} ({})", value(it.input()), name(it))).collect();
    match texts.len() {
        0 => "none".to_string(),
        all if all > SHOWN => {
            format!("{} and {} others", texts[..SHOWN].join(", "), all - SHOWN)
        }
        1 => texts[0].clone(),
        all => format!("{} and {}", texts[..all - 1].join(", "), texts[all - 1]),
    }
}

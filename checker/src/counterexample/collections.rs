//! Complaints about what was read of a list or a set, or taken from a queue.

use std::collections::BTreeSet;

use crate::counterexample::words::{value, when};
use crate::history::{Datum, EventType, OperationRef};
use crate::model::{AnyModel, Collection, ElementEffect};

/// A complaint about an operation, as the second half of a sentence, with the place of the
/// operation that shows it, if one does.
pub(super) struct Complaint {
    pub(super) clause: String,
    pub(super) shown_by: Option<usize>,
}

/// An operation on a collection, with its place in the partition.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    place: usize,
    operation: OperationRef<'a>,
    effect: ElementEffect<'a>,
}

impl<'a> Entry<'a> {
    /// None if the operation is on no collection.
    pub(super) fn of(
        model: AnyModel<'_>,
        place: usize,
        operation: OperationRef<'a>,
    ) -> Option<Entry<'a>> {
        Some(Entry { place, operation, effect: model.0.element_effect(operation)? })
    }

    fn is_ok(&self) -> bool {
        self.operation.outcome() == EventType::Ok
    }

    fn inserts(&self, element: Datum<'_>) -> bool {
        matches!(self.effect, ElementEffect::Insert(inserted) if inserted == element)
    }
}

/// Complains about an operation that answered a collection or one of its elements. `others` are
/// the operations that contradict it. None if nothing simple can be said.
pub(super) fn complain(
    kind: Collection,
    entry: Entry<'_>,
    others: &[Entry<'_>],
) -> Option<Complaint> {
    match entry.effect {
        ElementEffect::Observe => about_elements(kind, entry.operation, others),
        ElementEffect::Remove => about_a_removal(entry, others),
        ElementEffect::Insert(..) => None,
    }
}

/// Complains about an answer with an element that nothing had put in when it was given. `all` are
/// the operations on the collection, those that failed among them; `initial` is what it held at
/// first.
pub(super) fn unknown_origin(
    entry: Entry<'_>,
    all: &[Entry<'_>],
    initial: Datum<'_>,
) -> Option<String> {
    let answered = entry.operation.output();
    let elements: Vec<Datum<'_>> = match entry.effect {
        ElementEffect::Observe => answered.as_list()?.collect(),
        ElementEffect::Remove if !answered.is_null() => vec![answered],
        _ => return None,
    };
    let seen = entry.operation.completed()?;
    elements.into_iter().find_map(|element| {
        let was_there = initial.as_list().is_some_and(|mut it| it.any(|other| other == element));
        let putting = || all.iter().filter(|other| other.inserts(element)).map(|it| it.operation);
        let may_have = |it: &OperationRef<'_>| it.outcome() != EventType::Fail;
        if was_there || putting().any(|it| may_have(&it) && it.invoked() < seen) {
            return None;
        }
        let element = value(element);
        if let Some(later) = putting().find(may_have) {
            let process = later.process();
            let from = crate::words::at(later.start(), later.invoked());
            return Some(format!(
                "but {element} was only put in later, by process {process} from {} on",
                from.trim_start_matches("at ")
            ));
        }
        Some(match putting().next() {
            Some(failed) => format!(
                "but the only attempt to put {element} in, by process {} {}, had failed (an \
                 aborted read)",
                failed.process(),
                when(failed)
            ),
            None => format!("but nothing ever put {element} in"),
        })
    })
}

fn about_elements(
    kind: Collection,
    read: OperationRef<'_>,
    others: &[Entry<'_>],
) -> Option<Complaint> {
    let answered = read.output();
    let elements: Vec<Datum<'_>> = match answered {
        // Nothing was added to it yet.
        Datum::Null => Vec::new(),
        _ => answered.as_list()?.collect(),
    };
    let mut seen = BTreeSet::new();
    if let Some(twice) = elements.iter().find(|element| !seen.insert(element.to_string())) {
        let clause = format!("in which {} stands twice", value(*twice));
        return Some(Complaint { clause, shown_by: None });
    }
    let before = |other: &&Entry<'_>| {
        other.is_ok() && other.operation.completed().is_some_and(|at| at < read.invoked())
    };
    let lacks = |element: Datum<'_>| !seen.contains(&element.to_string());
    others.iter().filter(before).find_map(|other| {
        let (missing, how) = match other.effect {
            ElementEffect::Insert(element) if kind == Collection::List => {
                (element, "had been appended")
            }
            ElementEffect::Insert(element) => (element, "had been added"),
            ElementEffect::Observe => {
                (other.operation.output().as_list()?.find(|it| lacks(*it))?, "had been read")
            }
            ElementEffect::Remove => return None,
        };
        lacks(missing).then(|| Complaint {
            clause: format!("without {}, which {how} {}", value(missing), when(other.operation)),
            shown_by: Some(other.place),
        })
    })
}

fn about_a_removal(removal: Entry<'_>, others: &[Entry<'_>]) -> Option<Complaint> {
    let element = removal.operation.output();
    let is_again = |other: &&Entry<'_>| {
        other.effect == ElementEffect::Remove
            && other.is_ok()
            && other.operation.output() == element
    };
    if removal.is_ok()
        && let Some(other) = others.iter().find(is_again)
    {
        let (process, when) = (other.operation.process(), when(other.operation));
        let clause = format!("although process {process} dequeued it {when}");
        return Some(Complaint { clause, shown_by: Some(other.place) });
    }
    let inserted = others.iter().find(|other| other.inserts(element)).unwrap_or(&removal);
    let came_in = inserted.operation.invoked();
    others.iter().find_map(|other| match other.effect {
        ElementEffect::Insert(earlier)
            if other.is_ok()
                && earlier != element
                && other.operation.completed().is_some_and(|at| at < came_in) =>
        {
            let earlier = value(earlier);
            let clause =
                format!("although {earlier} had been enqueued before it and was still there");
            Some(Complaint { clause, shown_by: Some(other.place) })
        }
        _ => None,
    })
}

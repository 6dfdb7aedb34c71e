//! Complaints about what was read of a list or a set, or taken from a queue.

use std::collections::BTreeSet;

use crate::counterexample::words::{value, when};
use crate::history::{Datum, EventType, OperationRef};

/// A complaint about an operation, as the second half of a sentence, with the place of the
/// operation that shows it, if one does.
pub(super) struct Complaint {
    pub(super) clause: String,
    pub(super) shown_by: Option<usize>,
}

/// Complains about an operation that answered a collection or one of its elements. `others` are
/// the operations that contradict it, with their places. None if nothing simple can be said.
pub(super) fn complain(
    operation: OperationRef<'_>,
    others: &[(usize, OperationRef<'_>)],
) -> Option<Complaint> {
    match operation.f() {
        "read" | "get" => about_elements(operation, others),
        "dequeue" => about_a_dequeue(operation, others),
        _ => None,
    }
}

fn about_elements(
    read: OperationRef<'_>,
    others: &[(usize, OperationRef<'_>)],
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
    let before = |other: &OperationRef<'_>| {
        other.outcome() == EventType::Ok && other.completed().is_some_and(|at| at < read.invoked())
    };
    let lacks = |element: Datum<'_>| !seen.contains(&element.to_string());
    others.iter().filter(|(_, other)| before(other)).find_map(|(place, other)| {
        let (missing, how) = match other.f() {
            "append" => (other.input(), "had been appended"),
            "add" => (other.input(), "had been added"),
            "read" | "get" => (other.output().as_list()?.find(|it| lacks(*it))?, "had been read"),
            _ => return None,
        };
        lacks(missing).then(|| Complaint {
            clause: format!("without {}, which {how} {}", value(missing), when(*other)),
            shown_by: Some(*place),
        })
    })
}

fn about_a_dequeue(
    dequeue: OperationRef<'_>,
    others: &[(usize, OperationRef<'_>)],
) -> Option<Complaint> {
    let element = dequeue.output();
    let answered = |other: &OperationRef<'_>| other.outcome() == EventType::Ok;
    if dequeue.outcome() == EventType::Ok
        && let Some((place, other)) = others.iter().find(|(_, other)| {
            other.f() == "dequeue" && answered(other) && other.output() == element
        })
    {
        let clause = format!("although process {} dequeued it {}", other.process(), when(*other));
        return Some(Complaint { clause, shown_by: Some(*place) });
    }
    let enqueued = |it: &OperationRef<'_>| it.f() == "enqueue" && it.input() == element;
    let came_in = others.iter().map(|(_, it)| *it).find(enqueued).unwrap_or(dequeue).invoked();
    let (place, earlier) = others.iter().find(|(_, other)| {
        other.f() == "enqueue"
            && answered(other)
            && other.input() != element
            && other.completed().is_some_and(|at| at < came_in)
    })?;
    let clause = format!(
        "although {} had been enqueued before it and was still there",
        value(earlier.input())
    );
    Some(Complaint { clause, shown_by: Some(*place) })
}

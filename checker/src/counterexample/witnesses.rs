//! The operations that a sentence relies on besides those that contradict each other.
//!
//! That nothing else wrote a value, that an addition had been acknowledged, that a writer had
//! failed: such clauses are about operations which need not be shown. A shrunk history keeps them,
//! or it would be explained in other words than the whole one.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};

use crate::history::{Datum, EventType, Operation, OperationRef};
use crate::partition::Partition;

/// So many are kept of each kind, those nearest to the conflict: more make no small history.
const MOST: usize = 1_000;

/// Models whose mutations matter to each other even if they share no value.
const ALL_MATTER: [&str; 7] =
    ["append-list", "counter", "fenced-lock", "kv-append", "mutex", "queue", "txn"];

/// Mutations of the object, and operations on it that failed, which have to do with what the shown
/// operations say; those after them too, as a value may have been written only later. And the
/// operations that the sentence is about, of any kind.
pub(super) fn witnesses(
    partition: &Partition<'_>,
    shown: &[usize],
    named: &[usize],
) -> Vec<Operation> {
    let shown: BTreeSet<usize> = shown.iter().copied().collect();
    let ends = shown.iter().filter_map(|place| partition.operation(*place).completed());
    let end = ends.max().unwrap_or(u64::MAX);
    let mut values = HashSet::new();
    for place in shown.iter().chain(named) {
        for datum in said(partition.operation(*place)) {
            scalars(datum, &mut |value| _ = values.insert(value));
        }
    }
    // Each of these changes what the next one finds, or has steps of its own that need their reasons.
    let all_matter = ALL_MATTER.contains(&partition.model.0.description().name);
    let matters = |operation: OperationRef<'_>| {
        let mut shares = all_matter;
        for datum in said(operation) {
            scalars(datum, &mut |value| shares |= values.contains(&value));
        }
        shares
    };
    let took_place = (0..partition.len())
        .filter(|place| !shown.contains(place))
        .filter(|place| named.contains(place) || !partition.object.is_observer(*place))
        .map(|place| partition.operation(place))
        .filter(|operation| operation.outcome() != EventType::Fail && matters(*operation));
    let invoked: BTreeSet<u64> =
        shown.iter().map(|place| partition.operation(*place).invoked()).collect();
    let failed = partition.history().iter().filter(|operation| {
        operation.outcome() == EventType::Fail
            && operation.key() == partition.key
            && !invoked.contains(&operation.invoked())
            && matters(*operation)
    });
    let mut all = nearest(end, took_place.collect());
    all.extend(nearest(end, failed.collect()));
    all.sort_by_key(|operation| operation.invoked);
    all
}

fn nearest(end: u64, mut operations: Vec<OperationRef<'_>>) -> Vec<Operation> {
    operations.sort_by_key(|operation| operation.invoked().abs_diff(end));
    operations.truncate(MOST);
    operations.into_iter().map(OperationRef::to_owned).collect()
}

/// The request of an operation and the answer to it.
fn said(operation: OperationRef<'_>) -> [Datum<'_>; 2] {
    [operation.input(), operation.output()]
}

/// Visits the plain values and the names of members inside a value.
fn scalars<'a>(value: Datum<'a>, visit: &mut impl FnMut(Cow<'a, str>)) {
    if let Some(elements) = value.as_list() {
        elements.for_each(|element| scalars(element, visit));
    } else if let Some(members) = value.as_members() {
        for (name, member) in members {
            visit(name);
            scalars(member, visit);
        }
    } else if let Some(plain) = value.as_name() {
        visit(plain);
    }
}

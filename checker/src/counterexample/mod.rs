//! Why a partition has no legal order, in as few operations as possible.
//!
//! "Taking an operation away" means to stop believing it, not to pretend that it was never
//! invoked: a read that is taken away says nothing, a mutation that is taken away may have taken
//! effect at any time since its invocation, or never. Simply deleting a write would make every
//! read of its value a contradiction, and every counterexample would shrink to such a read. In the
//! weaker sense, what is left is true whatever else happened: these operations alone contradict
//! each other, and without any one of them they do not.

mod explain;
mod minimal;
mod words;

use std::collections::BTreeSet;

use crate::history::Paired;
use crate::model::Model;
use crate::partition::Partition;
use crate::verdict::{Counterexample, Operation};

/// How many operations around the conflict are told for context: more do not fit a picture.
const NEIGHBOURS: usize = 60;

/// What is known besides the partition.
pub(crate) struct Case<'a> {
    /// All operations of the history, those that failed included.
    pub(crate) paired: &'a Paired,
    /// Bytes that a search may remember.
    pub(crate) memory: usize,
}

/// Makes the counterexample of a partition that has no legal order.
pub(crate) fn make<M: Model>(
    model: &M,
    partition: &Partition<'_, M>,
    case: &Case<'_>,
) -> Counterexample {
    let core = minimal::core(model, partition, case.memory);
    let shown = with_sources(model, partition, &core.believed);
    let explanation = explain::explain(model, partition, case.paired, &core, &shown);
    Counterexample {
        key: partition.key.map(str::to_string),
        sentence: explanation.sentence,
        operations: shown.iter().map(|place| partition.operations[*place].clone()).collect(),
        culprits: explanation.culprits,
        remarks: explanation.remarks,
        neighbourhood: neighbourhood(partition, &shown, core.last),
    }
}

/// The operations to show, by invocation: those of the core, and for each value that one of them
/// saw an operation that left it.
fn with_sources<M: Model>(
    model: &M,
    partition: &Partition<'_, M>,
    believed: &BTreeSet<usize>,
) -> Vec<usize> {
    let transitions = explain::transitions(model, partition);
    let initial = model.value(&partition.initial);
    let mut shown = believed.clone();
    let mut open: Vec<usize> = believed.iter().copied().collect();
    while let Some(reader) = open.pop() {
        let Some(required) = transitions[reader].and_then(|transition| transition.requires) else {
            continue;
        };
        let leaves = |place: &usize| {
            transitions[*place].is_some_and(|transition| transition.leaves == Some(required))
        };
        if initial == Some(required) || shown.iter().any(leaves) {
            continue;
        }
        // Of several, the last that was invoked before the reader's answer.
        let answered = partition.operations[reader].completed.unwrap_or(u64::MAX);
        let source = (0..transitions.len()).filter(leaves).max_by_key(|place| {
            let invoked = partition.operations[*place].invoked;
            (invoked < answered, invoked)
        });
        if let Some(source) = source {
            shown.insert(source);
            open.push(source);
        }
    }
    shown.into_iter().collect()
}

/// Other operations of the partition that overlap the time of the conflict, nearest to its end.
fn neighbourhood<M: Model>(
    partition: &Partition<'_, M>,
    shown: &[usize],
    last: usize,
) -> Vec<Operation> {
    let ends = |place: usize| partition.operations[place].completed.unwrap_or(u64::MAX);
    let begin = shown.iter().map(|place| partition.operations[*place].invoked).min().unwrap_or(0);
    let end = ends(last);
    let mut neighbours: Vec<usize> = (0..partition.operations.len())
        .filter(|place| !shown.contains(place))
        .filter(|place| partition.operations[*place].invoked <= end && ends(*place) >= begin)
        .collect();
    neighbours.sort_by_key(|place| partition.operations[*place].invoked.abs_diff(end));
    neighbours.truncate(NEIGHBOURS);
    neighbours.sort_unstable();
    neighbours.into_iter().map(|place| partition.operations[place].clone()).collect()
}

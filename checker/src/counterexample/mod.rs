//! Why a partition has no legal order, in as few operations as possible.
//!
//! "Taking an operation away" means to stop believing it, not to pretend that it was never
//! invoked: a read that is taken away says nothing, a mutation that is taken away may have taken
//! effect at any time since its invocation, or never. Simply deleting a write would make every
//! read of its value a contradiction, and every counterexample would shrink to such a read. In the
//! weaker sense, what is left is true whatever else happened: these operations alone contradict
//! each other, and without any one of them they do not.
//!
//! Where that would take all writes that are over (few values, and locks), only a stretch of the
//! history is looked at, whatever was there before; see [`window`].
//!
//! So that the operations can be understood by themselves, an operation that left a value which
//! one of them saw is shown beside them, and goes together with those that saw its value.

mod collections;
mod explain;
mod minimal;
mod questions;
mod relevance;
mod sources;
mod window;
mod words;

use crate::decide::Evidence;
use crate::model::Model;
use crate::partition::Partition;
use crate::verdict::{Counterexample, Operation};

/// How many operations around the conflict are told for context: more do not fit a picture.
const NEIGHBOURS: usize = 60;

/// Makes the counterexample of a partition that has no legal order. `evidence` is
/// what is known of why; `memory` is how many bytes a search may remember.
pub(crate) fn make<M: Model>(
    model: &M,
    partition: &Partition<'_, M>,
    evidence: Evidence,
    memory: usize,
) -> Counterexample {
    let core = minimal::core(model, partition, evidence, memory);
    let shown: Vec<usize> = core.shown.iter().copied().collect();
    let explanation = explain::explain(model, partition, &core, &shown);
    Counterexample {
        key: partition.key.map(str::to_string),
        sentence: explanation.sentence,
        operations: shown.iter().map(|place| partition.operation(*place).to_owned()).collect(),
        culprits: explanation.culprits,
        remarks: explanation.remarks,
        neighbourhood: neighbourhood(partition, &shown, core.last),
    }
}

/// Other operations of the partition that overlap the time of the conflict, nearest to its end.
fn neighbourhood<M: Model>(
    partition: &Partition<'_, M>,
    shown: &[usize],
    last: usize,
) -> Vec<Operation> {
    let ends = |place: usize| partition.operation(place).completed().unwrap_or(u64::MAX);
    let begin = shown.iter().map(|place| partition.operation(*place).invoked()).min().unwrap_or(0);
    let end = ends(last);
    let mut neighbours: Vec<usize> = (0..partition.operations.len())
        .filter(|place| !shown.contains(place))
        .filter(|place| partition.operation(*place).invoked() <= end && ends(*place) >= begin)
        .collect();
    neighbours.sort_by_key(|place| partition.operation(*place).invoked().abs_diff(end));
    neighbours.truncate(NEIGHBOURS);
    neighbours.sort_unstable();
    neighbours.into_iter().map(|place| partition.operation(place).to_owned()).collect()
}

//! Counterexamples for people.

use crate::counterexample::witnesses::witnesses;
use crate::counterexample::{explain, minimal};
use crate::decide::Evidence;
use crate::history::Operation;
use crate::object::Object;
use crate::partition::Partition;
use crate::verdict::Counterexample;

/// The number of operations around the conflict that are kept for context: more do not fit a
/// picture.
const NEIGHBOURS: usize = 60;

/// The places of operations that contradict each other, as few as can be found. `evidence` is the
/// known reason for there being no legal order; `memory` is the number of bytes that a search may
/// remember.
pub(crate) fn contradiction(object: &dyn Object, evidence: Evidence, memory: usize) -> Vec<usize> {
    minimal::core(object, evidence, memory).shown.into_iter().collect()
}

/// Makes the counterexample of a partition that has no legal order, with the arguments of
/// [`contradiction`].
pub(crate) fn make(partition: &Partition<'_>, evidence: Evidence, memory: usize) -> Counterexample {
    let core = minimal::core(&*partition.object, evidence, memory);
    let shown: Vec<usize> = core.shown.iter().copied().collect();
    let explanation = explain::explain(partition, &core, &shown);
    Counterexample {
        key: partition.key.map(str::to_string),
        sentence: explanation.sentence,
        operations: shown.iter().map(|place| partition.operation(*place).to_owned()).collect(),
        culprits: explanation.culprits,
        remarks: explanation.remarks,
        neighbourhood: neighbourhood(partition, &shown, core.last),
        witnesses: witnesses(partition, &shown, &explanation.named),
    }
}

/// Other operations of the partition that overlap the time of the conflict, nearest to its end.
fn neighbourhood(partition: &Partition<'_>, shown: &[usize], last: usize) -> Vec<Operation> {
    let ends = |place: usize| partition.operation(place).completed().unwrap_or(u64::MAX);
    let begin = shown.iter().map(|place| partition.operation(*place).invoked()).min().unwrap_or(0);
    let end = ends(last);
    let mut neighbours: Vec<usize> = (0..partition.len())
        .filter(|place| !shown.contains(place))
        .filter(|place| partition.operation(*place).invoked() <= end && ends(*place) >= begin)
        .collect();
    neighbours.sort_by_key(|place| partition.operation(*place).invoked().abs_diff(end));
    neighbours.truncate(NEIGHBOURS);
    neighbours.sort_unstable();
    neighbours.into_iter().map(|place| partition.operation(place).to_owned()).collect()
}

//! The operations that bear on a contradiction.

use std::collections::BTreeSet;

use crate::object::Object;
use crate::search::Op;

/// The mutations that matter to whether some operations contradict each other, if of all others it
/// is only believed that they were invoked. None if all may matter: when the state is not one
/// value, or an operation saw that a value was *not* there.
///
/// A mutation whose value no operation found can be left out of any legal order: what comes next in
/// it does not care what it left. So only those matter that left a value which was found, by one of
/// the operations or by a mutation that matters.
pub(super) fn mutations(
    object: &dyn Object,
    operations: &BTreeSet<usize>,
) -> Option<BTreeSet<usize>> {
    let problem = object.by_value()?;
    // The places of the mutations by the value that they leave.
    let mut leavers: Vec<Vec<usize>> = vec![Vec::new(); problem.values as usize];
    let mut found_by = Vec::with_capacity(problem.steps.len());
    for (place, step) in problem.steps.iter().enumerate() {
        let (found, left) = match step.op {
            Op::Read(value) => (Some(value), None),
            Op::Write(value) => (None, Some(value)),
            Op::CompareAndSet { from, to } => (Some(from), Some(to)),
            Op::SawAnother(_) => return None,
        };
        found_by.push(found);
        if let Some(value) = left {
            leavers[value as usize].push(place);
        }
    }
    let mut matter = BTreeSet::new();
    let mut wanted: Vec<u32> = operations.iter().filter_map(|place| found_by[*place]).collect();
    while let Some(value) = wanted.pop() {
        for place in std::mem::take(&mut leavers[value as usize]) {
            matter.insert(place);
            wanted.extend(found_by[place]);
        }
    }
    Some(matter)
}

//! Which operations bear on a contradiction.

use std::collections::BTreeSet;

use crate::model::{Call, Model};
use crate::partition::Partition;
use crate::search::Deed;

/// The mutations that matter to whether some operations contradict each other, if of all others it
/// is only believed that they were invoked. None if all may matter: when the state is not one
/// value, or an operation saw that a value was *not* there.
///
/// A mutation whose value nobody found can be left out of any legal order: what comes next in it
/// does not care what it left. So only those matter that left a value which was found, by one of
/// the operations or by a mutation that matters.
pub(super) fn mutations<M: Model>(
    model: &M,
    partition: &Partition<'_, M>,
    operations: &BTreeSet<usize>,
) -> Option<BTreeSet<usize>> {
    model.value(&partition.initial)?;
    // The places of the mutations by the value that they leave.
    let mut leavers: Vec<Vec<usize>> = vec![Vec::new(); partition.values.count()];
    let mut found_by = Vec::with_capacity(partition.calls.len());
    for (place, call) in partition.calls.iter().enumerate() {
        let deed = match call {
            Call::Known(input, output) => Deed::of(model, input, Some(output)),
            Call::Unknown(input) => Deed::of(model, input, None),
            Call::Silent => None,
        };
        let (found, left) = match deed? {
            Deed::Read(value) => (Some(value), None),
            Deed::Write(value) => (None, Some(value)),
            Deed::CompareAndSet { from, to } => (Some(from), Some(to)),
            Deed::SawAnother(_) => return None,
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

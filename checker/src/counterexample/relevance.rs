//! The operations that bear on a contradiction.

use std::collections::BTreeSet;

use crate::object::Object;
use crate::search::{ByValue, Op, Roles};

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
    // The rest as it is believed: mutations of unknown outcome, and nothing that was seen.
    let (mut places, mut steps) = (Vec::new(), Vec::new());
    for (place, step) in problem.steps.iter().enumerate() {
        let step = match step.op {
            Op::SawAnother(_) => return None,
            _ if operations.contains(&place) => *step,
            Op::Read(_) => continue,
            Op::Write(_) | Op::CompareAndSet { .. } => step.returning(None),
        };
        places.push(place);
        steps.push(step);
    }
    let believed = ByValue { steps, ..problem };
    let roles = Roles::new(&believed);
    let matter = believed.steps.iter().zip(places).filter(|(step, _)| roles.may_be_seen(step.op));
    Some(matter.map(|(_, place)| place).collect())
}

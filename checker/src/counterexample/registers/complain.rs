//! The search for a proof.

use crate::counterexample::case::Case;
use crate::counterexample::reason::Reason;
use crate::counterexample::registers::register::Register;
use crate::counterexample::transactions;
use crate::partition::Partition;

/// Complains about a register; none if it is none, or no proof is found.
pub(in crate::counterexample) fn complain(
    partition: &Partition<'_>,
    case: &Case<'_>,
) -> Option<Reason> {
    let register = Register::new(partition, case.latest_first());
    let finders: Vec<usize> =
        register.shown.iter().copied().filter(|it| register.saw(*it).is_some()).collect();
    let each = |prove: &dyn Fn(usize) -> Option<Reason>| finders.iter().find_map(|it| prove(*it));
    // A proof about the operation that came last is worth more than one that is simpler.
    let about_one = |place: usize| {
        register
            .unwritten(place)
            .or_else(|| register.replaced(place))
            .or_else(|| register.changed_twice(place))
    };
    each(&about_one)
        .or_else(|| each(&|place| register.crossing(place)))
        .or_else(|| each(&|place| register.circle(place)))
        .or_else(|| {
            let complaint = transactions::complain_of_a_register(case)?;
            Some(Reason::of(complaint, partition, &case.operations))
        })
}

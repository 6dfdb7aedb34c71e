//! Each case by name, then many random histories against two other deciders.

mod cases;
mod differential;
mod oracle;
mod random;

use crate::search::by_value::{ByValue, Deed, Step};

/// The initial value in these tests.
const INITIAL: u32 = 0;

/// An operation that was invoked and returned at these indices.
fn known(deed: Deed, invoked: u64, returned: u64) -> Step {
    Step::new(deed, invoked, Some(returned))
}

/// A mutation of unknown outcome.
fn unknown(deed: Deed, invoked: u64) -> Step {
    Step::new(deed, invoked, None)
}

/// A compare-and-set.
fn swap(from: u32, to: u32) -> Deed {
    Deed::CompareAndSet { from, to }
}

/// A problem of these operations, whichever order they are given in.
fn problem(mut steps: Vec<Step>) -> ByValue {
    steps.sort_by_key(|step| step.invoked);
    let greatest = steps.iter().map(|step| match step.deed {
        Deed::Read(value) | Deed::Write(value) | Deed::SawAnother(value) => value,
        Deed::CompareAndSet { from, to } => from.max(to),
    });
    let values = greatest.max().unwrap_or(INITIAL) + 1;
    ByValue { initial: INITIAL, values, steps }
}

/// The rest of a problem if only the operations at these places are believed: other mutations
/// may have taken effect at any time since they were invoked, or never; other reads are left out.
fn believing(problem: &ByValue, places: &[usize]) -> ByValue {
    let steps = problem.steps.iter().enumerate().filter_map(|(place, step)| match step.deed {
        _ if places.contains(&place) => Some(*step),
        Deed::Read(_) | Deed::SawAnother(_) => None,
        Deed::Write(_) | Deed::CompareAndSet { .. } => Some(step.returning(None)),
    });
    ByValue { steps: steps.collect(), ..*problem }
}

//! Problems written by hand.

use crate::search::by_value::{ByValue, Op, TimedOp};

/// The initial value in these tests.
pub(super) const INITIAL: u32 = 0;

/// An operation that was invoked and returned at these indices.
pub(super) fn known(op: Op, invoked: u64, returned: u64) -> TimedOp {
    TimedOp::new(op, invoked, Some(returned))
}

/// A mutation of unknown outcome.
pub(super) fn unknown(op: Op, invoked: u64) -> TimedOp {
    TimedOp::new(op, invoked, None)
}

/// A compare-and-set.
pub(super) fn swap(from: u32, to: u32) -> Op {
    Op::CompareAndSet { from, to }
}

/// A problem of these operations, whichever order they are given in.
pub(super) fn problem(mut steps: Vec<TimedOp>) -> ByValue {
    steps.sort_by_key(|step| step.invoked);
    let greatest = steps.iter().map(|step| match step.op {
        Op::Read(value) | Op::Write(value) | Op::SawAnother(value) => value,
        Op::CompareAndSet { from, to } => from.max(to),
    });
    let values = greatest.max().unwrap_or(INITIAL) + 1;
    ByValue { initial: INITIAL, values, steps }
}

/// The rest of a problem if only the operations at these places are believed: other mutations
/// may have taken effect at any time since they were invoked, or never; other reads are left out.
pub(super) fn believing(problem: &ByValue, places: &[usize]) -> ByValue {
    let steps = problem.steps.iter().enumerate().filter_map(|(place, step)| match step.op {
        _ if places.contains(&place) => Some(*step),
        Op::Read(_) | Op::SawAnother(_) => None,
        Op::Write(_) | Op::CompareAndSet { .. } => Some(step.returning(None)),
    });
    ByValue { steps: steps.collect(), ..*problem }
}

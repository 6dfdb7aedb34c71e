//! Two other deciders: one that tries everything, and the search.

use crate::search::by_value::{ByValue, Op, TimedOp};
use crate::search::{Limits, Outcome, portfolio};

/// Returns whether any order is legal, found by trying all of them. For a dozen operations at most.
pub(super) fn some_order_is_legal(problem: &ByValue) -> bool {
    let mut left: Vec<TimedOp> = problem.steps.clone();
    can_go_on(problem.initial, &mut left)
}

fn can_go_on(value: u32, left: &mut Vec<TimedOp>) -> bool {
    let Some(first_return) = left.iter().filter_map(|step| step.returned()).min() else {
        return true;
    };
    (0..left.len()).any(|place| {
        let step = left[place];
        // Equal indices: the invocation comes first.
        if step.invoked > first_return {
            return false;
        }
        let after = match step.op {
            Op::Read(seen) => (seen == value).then_some(value),
            Op::Write(written) => Some(written),
            Op::CompareAndSet { from, to } => (from == value).then_some(to),
            Op::SawAnother(other) => (other != value).then_some(value),
        };
        after.is_some_and(|after| {
            left.swap_remove(place);
            let went_on = can_go_on(after, left);
            left.push(step);
            let end = left.len() - 1;
            left.swap(place, end);
            went_on
        })
    })
}

/// Returns whether the search finds a legal order.
pub(super) fn the_search_finds_an_order(problem: &ByValue) -> bool {
    let limits = Limits { steps: 50_000_000, memory: 1 << 30 };
    match portfolio::decide(problem, limits).decision.outcome {
        Outcome::Valid => true,
        Outcome::Invalid => false,
        Outcome::OutOfSteps | Outcome::OutOfMemory => panic!("the search gave up on {problem:?}"),
    }
}

//! Which values are still needed, kept up to date while a search places operations.

use crate::model::{Model, Transition};
use crate::search::problem::{Optional, Problem, Settled};

/// For each value, how many of the operations that are not placed yet require or leave it.
#[derive(Debug)]
pub(super) struct Demand {
    /// Operations that took effect and require the value.
    pub(super) surely: Vec<usize>,
    /// All operations that require the value.
    pub(super) total: Vec<usize>,
    /// All operations that leave the value.
    pub(super) leavers: Vec<usize>,
}

impl Demand {
    pub(super) fn new<M: Model>(problem: &Problem<M>) -> Demand {
        let values = if problem.by_value { problem.values } else { 0 };
        let mut demand =
            Demand { surely: vec![0; values], total: vec![0; values], leavers: vec![0; values] };
        if problem.by_value {
            for operation in &problem.settled {
                demand.give_back(operation);
            }
            for group in &problem.optional {
                for _ in &group.invoked {
                    demand.give_back_optional(group);
                }
            }
        }
        demand
    }

    pub(super) fn take<M: Model>(&mut self, operation: &Settled<M>) {
        self.change(operation.transition, true, |count| *count -= 1);
    }

    pub(super) fn give_back<M: Model>(&mut self, operation: &Settled<M>) {
        self.change(operation.transition, true, |count| *count += 1);
    }

    pub(super) fn take_optional<M: Model>(&mut self, group: &Optional<M>) {
        self.change(group.transition, false, |count| *count -= 1);
    }

    pub(super) fn give_back_optional<M: Model>(&mut self, group: &Optional<M>) {
        self.change(group.transition, false, |count| *count += 1);
    }

    fn change(
        &mut self,
        transition: Option<Transition>,
        surely: bool,
        change: impl Fn(&mut usize),
    ) {
        // Models whose state is more than one value have no demand to keep.
        let Some(transition) = transition.filter(|_| !self.leavers.is_empty()) else { return };
        if let Some(value) = transition.requires {
            change(&mut self.total[value.0 as usize]);
            if surely {
                change(&mut self.surely[value.0 as usize]);
            }
        }
        if let Some(value) = transition.leaves {
            change(&mut self.leavers[value.0 as usize]);
        }
    }
}

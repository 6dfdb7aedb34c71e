//! A contradiction among the last operations before it shows, whatever was there before.
//!
//! Where few values are written again and again, a read is wrong only because of all the writes of
//! its value that are over. Believing each of them makes a contradiction of thousands of
//! operations. Mostly the last few operations contradict each other by themselves, whatever value
//! they found: those are worth looking at.
//!
//! Take a moment, and of all operations those that were invoked since. They come after everything
//! that had returned by then, in any legal order of the whole. So they have a legal order from
//! *some* value on, together with mutations that were under way at that moment or later, each of
//! which may also be taken never to have happened. If they have none from any value on, the whole
//! has none.

use std::collections::BTreeSet;

use crate::counterexample::minimal::fewest;
use crate::model::Model;
use crate::partition::Partition;
use crate::search::{ByValue, Deed, Limits, Outcome, Step, just_in_time};

/// How many of the last operations are looked at, one after the other until they suffice.
const SIZES: [usize; 5] = [16, 64, 256, 1024, 4096];

/// More values than this are too many to begin with each.
const MOST_VALUES: u32 = 64;

/// Steps for one question.
const STEPS: u64 = 200_000;

/// A contradiction whatever was there before.
pub(super) struct Window {
    /// Places of operations that contradict each other.
    pub(super) shown: BTreeSet<usize>,
    /// Index of the first invocation among those looked at: what had returned by then does not
    /// matter.
    pub(super) since: u64,
}

/// Looks for a contradiction among the last operations up to the completion of the one at `last`.
/// None if there is none, or the state is not one of a few values.
pub(super) fn find<M: Model>(
    model: &M,
    partition: &Partition<'_, M>,
    last: usize,
    memory: usize,
) -> Option<Window> {
    let problem = partition.by_value(model)?;
    if problem.values > MOST_VALUES {
        return None;
    }
    let end = problem.steps[last].returned?;
    let invoked = problem.steps.partition_point(|step| step.invoked <= end);
    SIZES.iter().find_map(|size| {
        let since = problem.steps[invoked.saturating_sub(*size)].invoked;
        let question = Question { problem: &problem, since, end, memory };
        let within = |place: &usize| {
            let step = &problem.steps[*place];
            step.invoked >= since && step.returned.is_some_and(|index| index <= end)
        };
        let believed: BTreeSet<usize> = (0..invoked).filter(within).collect();
        if !question.is_contradiction(&believed) {
            return None;
        }
        let is_read = |place: usize| partition.is_observer(model, place);
        let shown = fewest(believed, last, is_read, |believed| question.is_contradiction(believed));
        let since = shown.iter().map(|place| problem.steps[*place].invoked).min()?;
        Some(Window { shown, since })
    })
}

/// Whether operations of a window contradict each other.
struct Question<'a> {
    problem: &'a ByValue,
    since: u64,
    end: u64,
    memory: usize,
}

impl Question<'_> {
    fn is_contradiction(&self, believed: &BTreeSet<usize>) -> bool {
        let mut steps = Vec::new();
        for (place, step) in self.problem.steps.iter().enumerate() {
            if step.invoked > self.end {
                break;
            }
            let may_matter = step.returned.is_none_or(|returned| returned >= self.since);
            if believed.contains(&place) {
                steps.push(*step);
            } else if may_matter && matches!(step.deed, Deed::Write(_) | Deed::CompareAndSet { .. })
            {
                steps.push(Step { returned: None, ..*step });
            }
        }
        let limits = Limits { steps: STEPS, memory: self.memory };
        let mut problem = ByValue { initial: 0, values: self.problem.values, steps };
        (0..self.problem.values).all(|value| {
            problem.initial = value;
            just_in_time::depth_first(&problem, limits).decision.outcome == Outcome::Invalid
        })
    }
}

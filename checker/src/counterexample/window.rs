//! A contradiction among the last operations before it shows, no matter what was there before.
//!
//! If few values are written again and again, a read is wrong only because of all the writes of
//! its value that are over. Believing each of them makes a contradiction of thousands of
//! operations. Mostly the last few operations contradict each other by themselves, no matter which
//! value they found: those are worth looking at.
//!
//! Take a moment, and of all operations those that were invoked since. They come after everything
//! that had returned by then, in any legal order of the whole. So they have a legal order from
//! *some* state on, together with mutations that were under way at that moment or later, each of
//! which may also be taken never to have happened. If they have none from any state on, the whole
//! has none.
//!
//! Here, a mutation that is taken away may still have taken effect, but only while it was under
//! way: else every write of a value that a read saw would have to be shown, to say that it did not
//! come late.

use std::collections::BTreeSet;

use crate::counterexample::core::Core;
use crate::counterexample::fewest::fewest;
use crate::counterexample::questions::Effort;
use crate::model::Interval;
use crate::object::{Kept, Object};
use crate::search::{ByValue, Op, Outcome, TimedOp, just_in_time};

/// The numbers of the last operations that are looked at, one after the other until they suffice.
const SIZES: [usize; 5] = [16, 64, 256, 1024, 4096];

/// Looks for a contradiction among the last operations up to the completion of the one at `last`.
/// None if there is none, or the state is not one value.
pub(super) fn find(object: &dyn Object, last: usize, effort: &mut Effort) -> Option<Core> {
    let problem = object.by_value()?;
    let end = problem.steps[last].returned()?;
    let until = problem.steps.partition_point(|step| step.invoked <= end);
    let window =
        |size: usize| Window::new(&problem, problem.steps[until.saturating_sub(size)].invoked, end);
    let mut suffices = |size: usize| {
        let window = window(size);
        window.is_contradiction(&window.believable(), effort)
    };
    let most = SIZES.iter().position(|size| suffices(*size))?;
    // All that contains a contradiction is one, so the sizes can be halved.
    let mut too_few = most.checked_sub(1).map_or(0, |less| SIZES[less]);
    let mut enough = SIZES[most];
    while too_few + 1 < enough {
        let middle = (too_few + enough) / 2;
        match suffices(middle) {
            true => enough = middle,
            false => too_few = middle,
        }
    }
    effort.all_answered = true;
    let window = window(enough);
    let is_read = |place: usize| object.is_observer(place);
    let shown = fewest(window.believable(), last, is_read, |believed| {
        let answer = window.is_contradiction(believed, effort);
        (!effort.is_spent()).then_some(answer)
    });
    Some(Core::of_window(object, &shown, last, effort.all_answered))
}

/// The operations that were under way from a moment on, up to a completion.
struct Window {
    since: u64,
    /// Steps with their places in the partition. What had not returned by the end of the window is
    /// of unknown outcome.
    steps: Vec<(usize, TimedOp)>,
    values: u32,
}

impl Window {
    fn new(problem: &ByValue, since: u64, end: u64) -> Window {
        let matters = |step: &TimedOp| {
            step.invoked <= end && step.returned().is_none_or(|returned| returned >= since)
        };
        let until_the_end = |step: TimedOp| step.returning(step.returned().filter(|at| *at <= end));
        let steps = problem.steps.iter().enumerate().filter(|(_, step)| matters(step));
        let steps = steps.map(|(place, step)| (place, until_the_end(*step))).collect();
        Window { since, steps, values: problem.values }
    }

    /// The places of all that happened within it.
    fn believable(&self) -> BTreeSet<usize> {
        let within = |step: &TimedOp| step.invoked >= self.since && step.returned().is_some();
        self.steps.iter().filter(|(_, step)| within(step)).map(|(place, _)| *place).collect()
    }

    /// Returns whether the operations at these places contradict each other.
    fn is_contradiction(&self, believed: &BTreeSet<usize>, effort: &mut Effort) -> bool {
        let (mut steps, mut retractable) = (Vec::new(), Vec::new());
        for (place, step) in &self.steps {
            let is_believed = believed.contains(place);
            if is_believed || matches!(step.op, Op::Write(_) | Op::CompareAndSet { .. }) {
                steps.push(*step);
                retractable.push(!is_believed);
            }
        }
        let problem = ByValue { initial: 0, values: self.values, steps };
        effort.ask(self.steps.len(), |limits| {
            let decision = just_in_time::depth_first_in_window(&problem, &retractable, limits);
            (decision.outcome, decision.steps)
        }) == Some(Outcome::Invalid)
    }
}

/// The kept about an operation if only what was invoked since a moment is believed, up to an end.
/// Without a moment it is the prefix up to the end.
pub(super) fn kept(interval: Interval, since: Option<u64>, end: u64) -> Option<Kept> {
    let (invoked, returned) = (interval.invoked, interval.returned());
    if invoked > end || returned.is_some_and(|at| Some(at) < since) {
        None
    } else if Some(invoked) >= since && returned.is_some_and(|at| at <= end) {
        Some(Kept::AsRecorded)
    } else {
        Some(Kept::Invoked)
    }
}

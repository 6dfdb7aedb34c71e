//! Algorithms that decide one model without a search.

use std::collections::BTreeSet;

use crate::model::call::{CallOf, Interval};
use crate::model::{Model, ValueId};

/// An algorithm for one model.
pub trait Solver<M: Model> {
    /// Decides operations; none where the algorithm does not apply to them.
    fn decide(&self, calls: &Calls<'_, M>) -> Option<Direct>;

    /// Decides operations within about so many steps; an algorithm that may take long does not
    /// leave this to [`decide`](Solver::decide).
    fn attempt(&self, calls: &Calls<'_, M>, _most_steps: u64) -> Attempt {
        self.decide(calls).map_or(Attempt::GivenUp(0), Attempt::Decided)
    }

    /// States such that operations which have a legal order from any state at all have one from one
    /// of these; none when that is not known.
    fn beginnings(&self, _calls: &Calls<'_, M>) -> Option<Vec<M::State>> {
        None
    }
}

/// The end of an attempt to decide without a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// A decision.
    Decided(Direct),
    /// None, after so many steps, and none with more of them: the algorithm does not apply, or ran
    /// into limits of its own.
    GivenUp(u64),
    /// None, after so many steps: with no more of them, a search has better chances.
    LeftToSearch(u64),
    /// None, after so many steps, and a search would need more.
    OutOfSteps(u64),
}

/// The operations of one object.
#[derive(Debug)]
pub struct Calls<'a, M: Model> {
    pub(crate) initial: &'a M::State,
    pub(crate) calls: &'a [CallOf<M>],
    pub(crate) intervals: &'a [Interval],
}

/// An operation with its interval. Intervals are closed, and no two ends have the same index.
#[derive(Debug)]
pub struct TimedCall<'a, M: Model> {
    /// The request and its outcome.
    pub call: &'a CallOf<M>,
    /// Index of the invocation in the history.
    pub invoked: u64,
    /// Index of the completion; none if the outcome is unknown. Then it may take effect at any
    /// later time, once or never.
    pub returned: Option<u64>,
}

/// A decision that needed no search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Direct {
    /// The algorithm's name, for the verdict.
    pub algorithm: &'static str,
    /// The number of steps it took: operations, or parts of them, that were looked at.
    pub steps: u64,
    /// None if there is a legal order. Else the places of operations that contradict each other,
    /// no matter what became of all others: each other mutation may have taken effect at any time
    /// after its invocation or never, and other observers say nothing. As few as are at hand; they
    /// need not be minimal.
    pub contradiction: Option<Vec<usize>>,
    /// If they contradict each other no matter what was there before: an index such that what had
    /// returned by then does not matter (see [`Solver::beginnings`]). Else their whole past
    /// matters.
    pub since: Option<u64>,
}

impl<'a, M: Model> Calls<'a, M> {
    /// The number of operations.
    pub fn len(&self) -> usize {
        self.calls.len()
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// The operation at a place.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn get(&self, place: usize) -> TimedCall<'a, M> {
        let Interval { invoked, .. } = self.intervals[place];
        let returned = self.intervals[place].returned();
        TimedCall { call: &self.calls[place], invoked, returned }
    }

    /// All of them, by invocation; the first has place 0.
    pub fn iter(&self) -> impl Iterator<Item = TimedCall<'a, M>> + '_ {
        (0..self.len()).map(|place| self.get(place))
    }

    /// The state before all of them.
    pub fn initial(&self) -> &'a M::State {
        self.initial
    }

    /// The values that operations name, and one that none does: all others are like it.
    pub(super) fn values_that_differ(
        &self,
        named_by: impl Fn(&M::Input) -> ValueId,
    ) -> Vec<ValueId> {
        let named: BTreeSet<ValueId> = self.calls.iter().map(|it| named_by(it.parts().0)).collect();
        let other = (0..).map(ValueId).find(|value| !named.contains(value));
        named.into_iter().chain(other).collect()
    }
}

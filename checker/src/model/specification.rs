//! The specification of an object, which is all that a verdict needs.

use std::fmt::Debug;
use std::hash::Hash;

use crate::model::hints::{Hints, NoHints};
use crate::model::solver::Solver;

/// A sequential specification: the behaviour of one object when operations come one after the
/// other.
///
/// [`initial`](Model::initial) and [`apply`](Model::apply) are enough for a verdict. Everything
/// else is optional: a [`step`](Model::step) of one's own where an answer is not determined by the
/// state, [`Hints`] and a [`Solver`] where a verdict is to come sooner, and [`Recorded`] where
/// operations stand in files.
///
/// [`Recorded`]: crate::model::Recorded
pub trait Model: Debug + Sync {
    /// The object's state.
    type State: Clone + Eq + Hash + Debug + Send + Sync;
    /// A request.
    type Input: Clone + Eq + Hash + Debug + Send + Sync;
    /// An answer.
    type Output: Clone + Eq + Hash + Debug + Send + Sync;

    /// The state before the first operation.
    fn initial(&self) -> Self::State;

    /// Applies an operation: the state after it, and its answer.
    fn apply(&self, state: &Self::State, input: &Self::Input) -> (Self::State, Self::Output);

    /// The state after an operation that answered `output`, or none if it cannot have answered
    /// that in `state`. An operation whose answer is not known can be applied in every state.
    fn step(
        &self,
        state: &Self::State,
        input: &Self::Input,
        output: Option<&Self::Output>,
    ) -> Option<Self::State> {
        let (after, answered) = self.apply(state, input);
        output.is_none_or(|output| *output == answered).then_some(after)
    }

    /// Properties of the operations that let a search skip orders; none are known by default.
    fn hints(&self) -> &dyn Hints<Self>
    where
        Self: Sized,
    {
        &NoHints
    }

    /// An algorithm that decides this very model without a search.
    fn solver(&self) -> Option<&dyn Solver<Self>>
    where
        Self: Sized,
    {
        None
    }
}

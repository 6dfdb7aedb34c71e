//! The operations on one object, without the types of its model.

use crate::model::{Attempt, Interval, Transition, ValueId, Values};
use crate::object::Kept;
use crate::search::{ByValue, Machine, Problem};

/// The operations on one object, by invocation, in the terms of its model. Those that say nothing
/// are not among them.
pub(crate) trait Object: Send + Sync {
    /// When each operation can have taken effect.
    fn intervals(&self) -> &[Interval];

    /// Index of the recorded completion, also of an operation whose answer is no longer believed.
    fn completed(&self, place: usize) -> Option<u64>;

    /// The values that occur in the operations.
    fn values(&self) -> &Values;

    /// Returns whether the operation only looks.
    fn is_observer(&self, place: usize) -> bool;

    /// The operation as a transition between values, where the model's are.
    fn transition(&self, place: usize) -> Option<Transition>;

    /// The value before all of them; none if the model's state is not one value.
    fn initial_value(&self) -> Option<ValueId>;

    /// The operations for deciders of a state that is one value, each at its place; none if the
    /// model's state is not.
    fn by_value(&self) -> Option<ByValue>;

    /// Decides them by an algorithm for this very model, within about so many steps.
    fn solve(&self, most_steps: u64) -> Attempt;

    /// The operations for a search, and the states in which they put the object.
    fn problem(&self) -> (Problem, Box<dyn Machine + '_>);

    /// A weaker form: `kept` names what is still held of the operation at each place; none leaves
    /// it out. Returns also the place here of each of its operations.
    fn weakened(&self, kept: &dyn Fn(usize) -> Option<Kept>) -> (Box<dyn Object + '_>, Vec<usize>);

    /// The same operations from each of the states from one of which they have a legal order if
    /// they have one from any state at all; none if those are not known, or more than `most`.
    fn starts(&self, most: usize) -> Option<Vec<Box<dyn Object + '_>>>;
}

//! Properties of operations that let a search skip orders which cannot matter. Each has a
//! definition that a reader can check against the specification alone.

use crate::model::Model;
use crate::model::values::ValueId;

/// The effect of an operation on an object whose state is one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Transition {
    /// The only value at which the operation can have had this outcome; none when any will do.
    pub requires: Option<ValueId>,
    /// The value that it leaves, no matter what was there before; none when it changes nothing.
    pub leaves: Option<ValueId>,
}

/// The way in which a mutation moves a state that grows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Growth<S> {
    /// It only grows: a string gets longer, a sum greater.
    Forward,
    /// It leaves this state, no matter what was there before.
    Anew(S),
}

/// Properties of a model's operations. A model without any is judged as well, only later.
pub trait Hints<M: Model> {
    /// Returns whether the operation leaves every state as it is in which it can have answered
    /// `output`. A write of the value that happens to be there is *not* an observer: another order
    /// may need it as a write.
    fn is_observer(&self, _input: &M::Input, _output: Option<&M::Output>) -> bool {
        false
    }

    /// The request of an operation whose answer is no longer believed: that of the same operation
    /// with an unknown outcome.
    fn retracted(&self, input: &M::Input) -> M::Input {
        input.clone()
    }

    /// The value that a state consists of; some exactly if [`transition`](Hints::transition)
    /// describes this model's operations.
    fn value(&self, _state: &M::State) -> Option<ValueId> {
        None
    }

    /// The operation as a transition between values; none for models whose state is not one value.
    /// For an unknown outcome: its effect if it has any.
    ///
    /// A value that only one operation of a history leaves is that operation's unique tag: an
    /// operation that reads it has seen this very operation.
    fn transition(&self, _input: &M::Input, _output: Option<&M::Output>) -> Option<Transition> {
        None
    }

    /// The value that the operation found not to be there, such as a compare-and-set that failed.
    /// Such an operation has no [`transition`](Hints::transition).
    fn excludes(&self, _input: &M::Input, _output: Option<&M::Output>) -> Option<ValueId> {
        None
    }

    /// The way in which the operation moves a state, in an order that the model may have among its
    /// states. None when it may do anything.
    fn growth(&self, _input: &M::Input) -> Option<Growth<M::State>> {
        None
    }

    /// Returns whether `state` has grown past every state in which the operation can answer
    /// `output`, so that it cannot answer that before the next operation that [starts
    /// anew](Growth::Anew).
    fn outgrew(&self, _state: &M::State, _input: &M::Input, _output: &M::Output) -> bool {
        false
    }
}

/// The hints of a model that gives none.
#[derive(Debug)]
pub(super) struct NoHints;

impl<M: Model> Hints<M> for NoHints {}

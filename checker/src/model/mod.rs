//! What a service promises: sequential specifications, one file each.
//!
//! A [`Model`] says what an object does when operations come one after the other. Everything else
//! about it is a hint that lets the search skip orders which cannot matter, and every hint has a
//! definition that a reader can check against the specification alone.

pub mod append_list;
mod calls;
mod choice;
pub mod counter;
#[cfg(test)]
mod direct_tests;
pub mod fenced_lock;
mod growing;
mod keeping;
pub mod kv_append;
pub mod mutex;
mod possession;
pub mod queue;
pub mod register;
#[cfg(feature = "stateright")]
pub mod sequential_spec;
pub mod set;
mod sums;
mod telling_sums;
pub mod transactions;
mod values;

use std::fmt::Debug;
use std::hash::Hash;

pub use append_list::AppendList;
pub use calls::{Calls, Direct, Timed};
pub use choice::{ALL, Choice, Description, Kind, WithModel, choose, find};
pub use counter::Counter;
pub use fenced_lock::FencedLock;
pub use keeping::Handling;
pub use kv_append::KvAppend;
pub use mutex::Mutex;
pub use queue::Queue;
pub use register::Register;
pub use set::Set;
pub use transactions::Transactions;
pub use values::{ValueId, Values};

use crate::history::{Datum, EventType, OperationRef};

/// What a read that answered nil says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NilReads {
    /// There was no value: the key is absent. stormproof's histories and etcd's logs.
    #[default]
    Absent,
    /// Nothing is known about the value; the read is left out. Knossos' histories.
    Unknown,
}

/// What the outcomes of a history mean where formats and services differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Conventions {
    /// What a read that answered nil says.
    pub nil_reads: NilReads,
    /// Whether a failed compare-and-set is taken as the observation that another value was there,
    /// rather than as something that did not happen; likewise a lock that was not acquired, or not
    /// released, as the observation of who did not hold it.
    pub observe_failed_cas: bool,
}

impl Conventions {
    /// Whether a read says nothing although it was answered: the answer stands for "unknown".
    pub fn silence(self, read: OperationRef<'_>) -> bool {
        let answered = read.outcome() == EventType::Ok;
        answered && read.output().is_null() && self.nil_reads == NilReads::Unknown
    }
}

/// An operation in the terms of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call<I, O> {
    /// It took effect once, and this is what it answered.
    Known(I, O),
    /// It may take effect once at any time after its invocation, or never.
    Unknown(I),
    /// It says nothing about the object, such as a read without an answer.
    Silent,
}

/// What an operation does to an object whose state is one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Transition {
    /// The only value at which the operation can have had this outcome; none when any will do.
    pub requires: Option<ValueId>,
    /// The value that it leaves, whatever was there before; none when it changes nothing.
    pub leaves: Option<ValueId>,
}

/// How a mutation moves a state that grows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Growth<S> {
    /// It only grows: a string gets longer, a sum greater.
    Forward,
    /// It leaves this state, whatever was there before.
    Anew(S),
}

/// A sequential specification: how one object behaves when operations come one after the other.
pub trait Model: Debug + Sync {
    /// The object's state.
    type State: Clone + Eq + Hash + Debug + Send + Sync;
    /// What an operation asks for.
    type Input: Clone + Eq + Hash + Debug + Send + Sync;
    /// What it answers.
    type Output: Clone + Eq + Hash + Debug + Send + Sync;

    /// What users call the model, and the operations it has.
    fn description(&self) -> &'static Description;

    /// Whether operations of different keys never influence each other, so that each key is judged
    /// by itself (Horn & Kroening, "Faster linearizability checking via P-compositionality", arXiv
    /// 1504.00204).
    fn splits_by_key(&self) -> bool {
        true
    }

    /// Reads an operation of a history. Of those that failed, only the ones whose precondition the
    /// service refuted are shown ([`OperationRef::was_refuted`]); the others did not happen.
    ///
    /// # Errors
    /// Why the operation is none of this model's.
    fn call(
        &self,
        operation: OperationRef<'_>,
        conventions: Conventions,
        values: &mut Values,
    ) -> Result<Call<Self::Input, Self::Output>, String>;

    /// The state before the first operation.
    ///
    /// # Errors
    /// Why `initial` is no state of this model.
    fn initial(&self, initial: Datum<'_>, values: &mut Values) -> Result<Self::State, String>;

    /// Applies an operation: the state after it, and what it answers. This is the specification.
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

    /// Whether the operation leaves every state as it is in which it can have answered `output`.
    /// A write of the value that happens to be there is *not* an observer: another order may need
    /// it as a write.
    fn is_observer(&self, input: &Self::Input, output: Option<&Self::Output>) -> bool;

    /// What an operation asks for if its answer is no longer believed: the call of the same
    /// operation as one of unknown outcome.
    fn doubted(&self, input: &Self::Input) -> Self::Input {
        input.clone()
    }

    /// What the operation does with the elements that its object keeps; none for models whose objects
    /// do not keep each element that is put into them. It is told from the operation's name and
    /// argument, so also of one that did not happen.
    fn handling<'a>(&self, _operation: OperationRef<'a>) -> Option<Handling<'a>> {
        None
    }

    /// The operation as a transition between values; none for models whose state is not one value.
    /// For an unknown outcome: what it does if it has any effect.
    ///
    /// A value that only one operation of a history leaves is that operation's unique tag: who
    /// reads it has seen this very operation.
    fn transition(
        &self,
        _input: &Self::Input,
        _output: Option<&Self::Output>,
    ) -> Option<Transition> {
        None
    }

    /// The value that the operation found not to be there, such as a compare-and-set that failed.
    /// Such an operation has no [`transition`](Model::transition).
    fn excludes(&self, _input: &Self::Input, _output: Option<&Self::Output>) -> Option<ValueId> {
        None
    }

    /// Decides a partition by an algorithm for this very model, without a search; none where there
    /// is none, or where it does not apply to these operations.
    fn decide_directly(&self, _calls: &Calls<'_, Self>) -> Option<Direct>
    where
        Self: Sized,
    {
        None
    }

    /// States such that operations which have a legal order from any state at all have one from one
    /// of these; none when there is no telling.
    fn beginnings(&self, _calls: &Calls<'_, Self>) -> Option<Vec<Self::State>>
    where
        Self: Sized,
    {
        None
    }

    /// How the operation moves a state in an order that the model may have among its states. None
    /// when it may do anything.
    fn growth(&self, _input: &Self::Input) -> Option<Growth<Self::State>> {
        None
    }

    /// Whether `state` has grown past every state in which the operation can answer `output`, so
    /// that it cannot answer that before the next operation that [starts anew](Growth::Anew).
    fn outgrew(&self, _state: &Self::State, _input: &Self::Input, _output: &Self::Output) -> bool {
        false
    }

    /// The value that a state consists of; some exactly if [`transition`](Model::transition)
    /// describes this model's operations.
    fn value(&self, _state: &Self::State) -> Option<ValueId> {
        None
    }
}

//! What a model is shown of a partition, to decide it directly.

use crate::model::{Call, Model, Values};
use crate::partition::Partition;

/// The operations of one partition.
#[derive(Debug)]
pub struct Calls<'a, M: Model>(&'a Partition<'a, M>);

/// An operation with its interval. Intervals are closed, and no two ends have the same index.
#[derive(Debug)]
pub struct Timed<'a, M: Model> {
    /// What it did. Never [`Call::Silent`].
    pub call: &'a Call<M::Input, M::Output>,
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
    /// How many steps it took: operations, or parts of them, that were looked at.
    pub steps: u64,
    /// None if there is a legal order. Else the places of operations that contradict each other,
    /// whatever became of all others: each other mutation may have taken effect at any time after
    /// its invocation or never, and other observers say nothing. As few as are at hand; they need
    /// not be minimal.
    pub contradiction: Option<Vec<usize>>,
}

impl<'a, M: Model> Calls<'a, M> {
    pub(crate) fn of(partition: &'a Partition<'a, M>) -> Calls<'a, M> {
        Calls(partition)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.calls.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.calls.is_empty()
    }

    /// The operation at a place.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn get(&self, place: usize) -> Timed<'a, M> {
        Timed {
            call: &self.0.calls[place],
            invoked: self.0.invoked(place),
            returned: self.0.returned(place),
        }
    }

    /// All of them, by invocation; the first has place 0.
    pub fn iter(&self) -> impl Iterator<Item = Timed<'a, M>> + '_ {
        (0..self.len()).map(|place| self.get(place))
    }

    /// The state before all of them.
    pub fn initial(&self) -> &'a M::State {
        &self.0.initial
    }

    /// The values that occur in them.
    pub fn values(&self) -> &'a Values {
        &self.0.values
    }
}

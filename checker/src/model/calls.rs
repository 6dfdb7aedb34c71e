//! What a model is shown of a partition, to decide it directly.

use std::collections::BTreeSet;

use crate::model::{Call, Model, ValueId, Values};
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
    /// If they contradict each other whatever was there before: an index such that what had returned
    /// by then does not matter (see [`Model::beginnings`]). Else their whole past matters.
    pub since: Option<u64>,
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

    /// The values that operations name, and one that none does: all others are like it.
    pub fn values_that_differ(
        &self,
        named_by: impl Fn(&M::Input, Option<&M::Output>) -> [Option<ValueId>; 2],
    ) -> Vec<ValueId> {
        let mut named = BTreeSet::new();
        for call in &self.0.calls {
            let (input, output) = match call {
                Call::Known(input, output) => (input, Some(output)),
                Call::Unknown(input) => (input, None),
                Call::Silent => continue,
            };
            named.extend(named_by(input, output).into_iter().flatten());
        }
        let mut all = (0..self.values().count() as u32).map(ValueId);
        let other = all.find(|value| !named.contains(value));
        named.into_iter().chain(other).collect()
    }
}

//! Operations on a state that is one value, in as few bytes as their deciders need.

use std::num::NonZeroU64;

use crate::model::Model;

/// What an operation did to the value. Values are numbered from 0 without gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Deed {
    /// Saw this value.
    Read(u32),
    /// Left this value, whatever was there before. It is no observer even if that value was there.
    Write(u32),
    /// Found the first value and left the second; the two differ (otherwise it is a read).
    CompareAndSet {
        /// What it found.
        from: u32,
        /// What it left.
        to: u32,
    },
    /// Saw that the value was another one than this: a compare-and-set that failed.
    SawAnother(u32),
}

impl Deed {
    /// What an operation of a model did; none if it is no such thing.
    pub(crate) fn of<M: Model>(
        model: &M,
        input: &M::Input,
        output: Option<&M::Output>,
    ) -> Option<Deed> {
        if let Some(value) = model.excludes(input, output) {
            return Some(Deed::SawAnother(value.0));
        }
        let transition = model.transition(input, output)?;
        Some(match (transition.requires, transition.leaves) {
            (Some(value), None) => Deed::Read(value.0),
            (None, Some(value)) => Deed::Write(value.0),
            (Some(from), Some(to)) => Deed::CompareAndSet { from: from.0, to: to.0 },
            (None, None) => return None,
        })
    }
}

/// One operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    /// What it did; of an unknown outcome, what it does if it has any effect.
    pub(crate) deed: Deed,
    /// Index of the invocation in the history.
    pub(crate) invoked: u64,
    returned: Option<NonZeroU64>,
}

impl Step {
    /// An operation that was invoked and returned at these indices.
    pub(crate) fn new(deed: Deed, invoked: u64, returned: Option<u64>) -> Step {
        // Whatever returns was invoked before, so never at 0.
        Step { deed, invoked, returned: returned.and_then(NonZeroU64::new) }
    }

    /// The same operation with another completion.
    pub(crate) fn returning(self, returned: Option<u64>) -> Step {
        Step::new(self.deed, self.invoked, returned)
    }

    /// Index of the completion; none for a mutation of unknown outcome, which takes effect at any
    /// time after its invocation, once or never. At equal indices invocations come first.
    pub(crate) fn returned(&self) -> Option<u64> {
        self.returned.map(NonZeroU64::get)
    }
}

/// The operations of one partition, by invocation. Observers of unknown outcome are not among
/// them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ByValue {
    /// The value before all of them.
    pub(crate) initial: u32,
    /// How many values there are; every number is below.
    pub(crate) values: u32,
    /// The operations.
    pub(crate) steps: Vec<Step>,
}

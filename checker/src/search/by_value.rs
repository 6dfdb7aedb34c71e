//! Operations on a state that is one value, in as few bytes as their deciders need.

use std::collections::HashMap;
use std::num::NonZeroU64;

use crate::model::Transition;

/// The effect of an operation on the value. Values are numbered from 0 without great gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Deed {
    /// Saw this value.
    Read(u32),
    /// Left this value, whatever was there before. It is no observer even if that value was there.
    Write(u32),
    /// Found the first value and left the second; the two differ (otherwise it is a read).
    CompareAndSet {
        /// The value that it found.
        from: u32,
        /// The value that it left.
        to: u32,
    },
    /// Saw that the value was another one than this: a compare-and-set that failed.
    SawAnother(u32),
}

impl Deed {
    /// The deed of a transition; none if it says nothing.
    pub(crate) fn of(transition: Transition) -> Option<Deed> {
        Some(match (transition.requires, transition.leaves) {
            (Some(value), None) => Deed::Read(value.0),
            (None, Some(value)) => Deed::Write(value.0),
            (Some(from), Some(to)) => Deed::CompareAndSet { from: from.0, to: to.0 },
            (None, None) => return None,
        })
    }

    /// The values that it is about.
    fn values(&mut self) -> impl Iterator<Item = &mut u32> {
        let (one, other) = match self {
            Deed::Read(value) | Deed::Write(value) | Deed::SawAnother(value) => (value, None),
            Deed::CompareAndSet { from, to } => (from, Some(to)),
        };
        [one].into_iter().chain(other)
    }
}

/// One operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    /// Its effect; of an unknown outcome, the effect if it has any.
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
    /// The number of values; every value is below.
    pub(crate) values: u32,
    /// The operations.
    pub(crate) steps: Vec<Step>,
}

/// Values are renumbered if they are sparser than this.
const SPARSEST: usize = 4;

/// So many values there may be, however few operations there are.
const FEW: usize = 64;

impl ByValue {
    /// The operations with values that are numbered without great gaps.
    pub(crate) fn new(initial: u32, mut steps: Vec<Step>) -> ByValue {
        let mut initial = initial;
        let named = |steps: &mut [Step]| {
            steps.iter_mut().flat_map(|step| step.deed.values()).map(|value| *value).max()
        };
        let greatest = named(&mut steps).unwrap_or(0).max(initial);
        if greatest as usize > SPARSEST * steps.len() + FEW {
            let mut numbers = HashMap::new();
            let values = steps.iter_mut().flat_map(|step| step.deed.values());
            for value in [&mut initial].into_iter().chain(values) {
                let next = numbers.len() as u32;
                *value = *numbers.entry(*value).or_insert(next);
            }
            return ByValue { initial, values: numbers.len() as u32, steps };
        }
        ByValue { initial, values: greatest + 1, steps }
    }
}

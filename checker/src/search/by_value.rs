//! Operations on a state that is one value, in as few bytes as their deciders need.

use std::collections::HashMap;
use std::num::NonZeroU64;

use crate::model::Transition;

/// The effect of an operation on the value. Values are numbered from 0 without great gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Op {
    /// Saw this value.
    Read(u32),
    /// Left this value, no matter what was there before. It is no observer even if that value was
    /// there.
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

impl Op {
    /// The op of a transition; none if it says nothing.
    pub(crate) fn of(transition: Transition) -> Option<Op> {
        Some(match (transition.requires, transition.leaves) {
            (Some(value), None) => Op::Read(value.0),
            (None, Some(value)) => Op::Write(value.0),
            (Some(from), Some(to)) => Op::CompareAndSet { from: from.0, to: to.0 },
            (None, None) => return None,
        })
    }

    /// The values that it is about.
    fn values(&mut self) -> impl Iterator<Item = &mut u32> {
        let (one, other) = match self {
            Op::Read(value) | Op::Write(value) | Op::SawAnother(value) => (value, None),
            Op::CompareAndSet { from, to } => (from, Some(to)),
        };
        [one].into_iter().chain(other)
    }
}

/// One operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimedOp {
    /// Its effect; of an unknown outcome, the effect if it has any.
    pub(crate) op: Op,
    /// Index of the invocation in the history.
    pub(crate) invoked: u64,
    returned: Option<NonZeroU64>,
}

impl TimedOp {
    /// An operation that was invoked and returned at these indices.
    pub(crate) fn new(op: Op, invoked: u64, returned: Option<u64>) -> TimedOp {
        // What returns was invoked before, so never at 0.
        TimedOp { op, invoked, returned: returned.and_then(NonZeroU64::new) }
    }

    /// The same operation with another completion.
    pub(crate) fn returning(self, returned: Option<u64>) -> TimedOp {
        TimedOp::new(self.op, self.invoked, returned)
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
    pub(crate) steps: Vec<TimedOp>,
}

/// Values are renumbered if they are sparser than this.
const SPARSEST: usize = 4;

/// So many values there may be, however few operations there are.
const FEW: usize = 64;

impl ByValue {
    /// No operations yet.
    pub(crate) fn with_capacity(initial: u32, operations: usize) -> ByValue {
        ByValue {
            initial,
            values: initial.saturating_add(1),
            steps: Vec::with_capacity(operations),
        }
    }

    /// Adds an operation, which was invoked later than all others.
    pub(crate) fn push(&mut self, step: TimedOp) {
        let greatest = match step.op {
            Op::Read(value) | Op::Write(value) | Op::SawAnother(value) => value,
            Op::CompareAndSet { from, to } => from.max(to),
        };
        self.values = self.values.max(greatest.saturating_add(1));
        self.steps.push(step);
    }

    /// The same with values that are numbered without great gaps.
    pub(crate) fn without_gaps(mut self) -> ByValue {
        if self.values as usize > SPARSEST * self.steps.len() + FEW {
            let mut numbers = HashMap::new();
            let values = self.steps.iter_mut().flat_map(|step| step.op.values());
            for value in [&mut self.initial].into_iter().chain(values) {
                let next = numbers.len() as u32;
                *value = *numbers.entry(*value).or_insert(next);
            }
            self.values = numbers.len() as u32;
        }
        self
    }
}

//! Values in answers.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::sequence::Sequence;
use super::size::{Budget, VALUE_BYTES, memory_bytes};
use super::transaction::MicroFunction;

/// A value in an answer. One that was read is shared with the state instead of copied: writing
/// it out may take its time, and the state goes on.
#[derive(Debug, Clone)]
pub enum SharedValue {
    /// Made for the answer.
    Own(Value),
    /// Shared with the state.
    Whole(Arc<Value>),
    /// A list, or what is read as one.
    Sequence(Sequence),
    /// The micro-operations of a transaction.
    Operations(Vec<(MicroFunction, String, SharedValue)>),
}

impl SharedValue {
    /// A copy that shares nothing.
    pub fn to_value(&self) -> Value {
        match self {
            SharedValue::Own(value) => value.clone(),
            SharedValue::Whole(value) => Value::clone(value),
            other => serde_json::to_value(other).expect("a value has a JSON form"),
        }
    }

    /// True if it takes more than about so many bytes as JSON. Looks at no more of it than that.
    pub(crate) fn is_larger_than(&self, bytes: usize) -> bool {
        let mut budget = Budget::new(bytes);
        self.spend(&mut budget);
        budget.left().is_none()
    }

    /// About how many bytes it takes as JSON.
    pub(crate) fn bytes(&self) -> usize {
        let mut budget = Budget::new(usize::MAX);
        self.spend(&mut budget);
        usize::MAX - budget.left().expect("no value takes all of the address space")
    }

    /// About how many bytes it takes in memory, if it shares nothing: the same for equal values.
    pub(super) fn memory_bytes(&self) -> usize {
        match self {
            SharedValue::Own(value) => memory_bytes(value),
            SharedValue::Whole(value) => memory_bytes(value),
            SharedValue::Sequence(sequence) => {
                VALUE_BYTES + sequence.iter().map(memory_bytes).sum::<usize>()
            }
            SharedValue::Operations(operations) => {
                let operation = |(f, key, value): &(MicroFunction, String, SharedValue)| {
                    3 * VALUE_BYTES + f.name().len() + key.len() + value.memory_bytes()
                };
                VALUE_BYTES + operations.iter().map(operation).sum::<usize>()
            }
        }
    }

    /// Spends what it takes.
    pub(super) fn spend(&self, budget: &mut Budget) {
        match self {
            SharedValue::Own(value) => budget.spend(value),
            SharedValue::Whole(value) => budget.spend(value),
            SharedValue::Sequence(sequence) => budget.spend_all(sequence.iter()),
            SharedValue::Operations(operations) => {
                for (_, key, value) in operations {
                    budget.spend_bytes(16 + key.len());
                    value.spend(budget);
                }
            }
        }
    }
}

impl<T: Into<Value>> From<T> for SharedValue {
    fn from(value: T) -> SharedValue {
        SharedValue::Own(value.into())
    }
}

impl Serialize for SharedValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            SharedValue::Own(value) => value.serialize(serializer),
            SharedValue::Whole(value) => value.serialize(serializer),
            SharedValue::Sequence(sequence) => sequence.serialize(serializer),
            SharedValue::Operations(operations) => operations.serialize(serializer),
        }
    }
}

/// Its JSON.
impl fmt::Display for SharedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_value().fmt(f)
    }
}

/// Equal are those with equal JSON, shared or not.
impl PartialEq for SharedValue {
    fn eq(&self, other: &SharedValue) -> bool {
        *self == other.to_value()
    }
}

impl Eq for SharedValue {}

impl PartialEq<Value> for SharedValue {
    fn eq(&self, other: &Value) -> bool {
        match (self, other) {
            (SharedValue::Own(value), other) => value == other,
            (SharedValue::Whole(value), other) => **value == *other,
            (SharedValue::Sequence(sequence), Value::Array(other)) => *sequence == other[..],
            (SharedValue::Sequence(_), _) => false,
            (SharedValue::Operations(_), other) => self.to_value() == *other,
        }
    }
}

impl Hash for SharedValue {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.to_value().hash(state);
    }
}

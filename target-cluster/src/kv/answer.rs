//! The answers of the state machine to clients.

use super::SharedValue;

/// An answer of the state machine.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Answer {
    /// The result.
    pub result: OperationResult,
    /// The log index at which it was answered, whether with ok or fail: of a command that of its own
    /// entry (of a retried one, that of the entry which was answered first), of a query that of the
    /// last entry applied before it.
    /// The crate's documentation says what a client may rely on.
    pub version: u64,
}

/// The result of a command or query. Each is an answer: it settles the operation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum OperationResult {
    /// It took effect; the value is that of the operation.
    Ok(SharedValue),
    /// A `cas` found another value, an `acquire` or `release` another holder. Nothing was changed.
    PreconditionFailed {
        /// The value found; none if it takes more than [`super::ANSWER_BYTES_MAX`].
        actual: Option<SharedValue>,
    },
    /// The value found is not of the kind that the operation works on (an append to what is not a
    /// list, an add to what is not an integer, or beyond 64 bits). Nothing was changed.
    WrongType {
        /// The value found; none if it takes more than [`super::ANSWER_BYTES_MAX`].
        actual: Option<SharedValue>,
    },
    /// A `dequeue` found no element.
    Empty,
    /// A transaction that writes would be answered with more than [`super::ANSWER_BYTES_MAX`].
    /// Nothing was changed.
    TooLarge,
}

impl Answer {
    /// About how many bytes its value takes in memory.
    pub(super) fn memory_bytes(&self) -> usize {
        match &self.result {
            OperationResult::Ok(value)
            | OperationResult::PreconditionFailed { actual: Some(value) }
            | OperationResult::WrongType { actual: Some(value) } => value.memory_bytes(),
            _ => 0,
        }
    }
}

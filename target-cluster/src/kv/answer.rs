//! The answers of the state machine to clients.

use serde_json::Value;

/// An answer of the state machine.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Answer {
    /// The result.
    pub result: OperationResult,
    /// The log index at which it was answered, whether with ok or fail: of a command that of its own
    /// entry (of a retried one, that of the entry which was answered first), of a query that of the
    /// last entry applied before it.
    ///
    /// A client may rely on this: when an operation has completed with version `r`, a query that
    /// begins after that answers `r` or more, a command that begins after that (under a token of its
    /// own) more than `r`. No two commands have the same version. A query sees the effects of exactly
    /// the commands whose versions are not above its own.
    pub version: u64,
}

/// The result of a command or query. Each is an answer: it settles the operation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum OperationResult {
    /// It took effect; the value is that of the operation.
    Ok(Value),
    /// A `cas` found another value, an `acquire` or `release` another holder. Nothing was changed.
    PreconditionFailed {
        /// The value found; none if it takes more than [`super::ANSWER_BYTES_MAX`].
        actual: Option<Value>,
    },
    /// The value found is not of the kind that the operation works on (an append to what is not a
    /// list, an add to what is not an integer, or beyond 64 bits). Nothing was changed.
    WrongType {
        /// The value found; none if it takes more than [`super::ANSWER_BYTES_MAX`].
        actual: Option<Value>,
    },
    /// A `dequeue` found no element.
    Empty,
    /// A transaction that writes would be answered with more than [`super::ANSWER_BYTES_MAX`].
    /// Nothing was changed.
    TooLarge,
}

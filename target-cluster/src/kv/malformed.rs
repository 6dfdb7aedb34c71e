//! Requests that cannot be carried out as they are written.

use serde_json::Value;

use super::size::{ANSWER_BYTES_MAX, NESTING_MAX, TRANSACTION_MAX};

/// The mistake in a request, as a sentence for its sender.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MalformedRequest {
    /// No operation has that name.
    #[error(
        "there is no operation '{0}'; the operations are read, write, cas, append, delete, add, \
         counter, insert, enqueue, dequeue, acquire, release, holder, txn"
    )]
    UnknownOperation(String),
    /// The value nests too deep to be kept, sent and answered.
    #[error("the arrays and objects of a value may nest up to {NESTING_MAX} deep")]
    TooDeep,
    /// The key is missing.
    #[error("the body needs a \"key\"")]
    NoKey,
    /// The operation takes no value. One that is given is a mistake, better reported than ignored.
    #[error("{f} takes no \"value\", got {value}")]
    UnexpectedValue {
        /// The operation.
        f: String,
        /// The value.
        value: Value,
    },
    /// The value of a cas is not a pair.
    #[error("cas needs \"value\":[expected,new], not {0}")]
    NoPair(Value),
    /// The value of an add is not an integer.
    #[error("add needs an integer as \"value\", not {0}")]
    NoInteger(Value),
    /// The element is missing.
    #[error("{0} needs an element as \"value\"")]
    NoElement(String),
    /// The element of an enqueue is too large: it becomes an answer, and answers are kept.
    #[error("an element may take up to {ANSWER_BYTES_MAX} bytes")]
    ElementTooLarge,
    /// The owner is not a name.
    #[error("{f} needs the owner's name as \"value\", not {value}")]
    NoOwner {
        /// The operation.
        f: String,
        /// The value.
        value: Value,
    },
    /// The value of a transaction is not a list of micro-operations.
    #[error("txn needs \"value\":[[f,key,value],…]: {0}")]
    NoMicroOperations(serde_json::Error),
    /// The transaction has no micro-operation, or too many.
    #[error("txn takes 1 to {TRANSACTION_MAX} micro-operations, not {0}")]
    TransactionLength(usize),
    /// A read of a transaction brings a value along.
    #[error("a read of a txn takes null as its value; that of {key} has {value}")]
    ReadWithValue {
        /// The key that is read.
        key: String,
        /// The value.
        value: Value,
    },
    /// The transaction is too large: what it writes is part of its answer, and answers are kept.
    #[error("a txn may take up to {ANSWER_BYTES_MAX} bytes")]
    TransactionTooLarge,
}

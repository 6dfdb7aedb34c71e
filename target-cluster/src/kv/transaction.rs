//! Transactions: reads and writes of several keys, all of them at one point of the log or none.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::MalformedRequest;
use super::size::{ANSWER_BYTES_MAX, TRANSACTION_MAX, json_bytes};

/// The function of one micro-operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MicroFunction {
    /// Reads the key. Its value is `null` when asked, and filled in when answered.
    #[serde(rename = "r")]
    Read,
    /// Sets the key to the value; `null` removes it.
    #[serde(rename = "w")]
    Write,
    /// Adds the value to the end of the list of the key.
    Append,
}

impl MicroFunction {
    /// Its name in JSON.
    pub(super) fn name(self) -> &'static str {
        match self {
            MicroFunction::Read => "r",
            MicroFunction::Write => "w",
            MicroFunction::Append => "append",
        }
    }
}

/// One step of a transaction: function, key, value. Its JSON is Jepsen's form, `["w","x",3]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct MicroOperation(pub MicroFunction, pub String, pub Value);

/// Micro-operations that happen in their order, with nothing between them: each sees what those
/// before it did, and if one cannot be done, none is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Transaction {
    /// The group that all its keys are in, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    /// At least one, at most [`TRANSACTION_MAX`].
    operations: Vec<MicroOperation>,
}

impl Transaction {
    /// The transaction that a body asks for.
    pub(super) fn parse(
        group: Option<String>,
        value: Value,
    ) -> Result<Transaction, MalformedRequest> {
        let operations: Vec<MicroOperation> =
            serde_json::from_value(value).map_err(MalformedRequest::NoMicroOperations)?;
        if !(1..=TRANSACTION_MAX).contains(&operations.len()) {
            return Err(MalformedRequest::TransactionLength(operations.len()));
        }
        for MicroOperation(f, key, value) in &operations {
            if *f == MicroFunction::Read && !value.is_null() {
                let (key, value) = (key.clone(), value.clone());
                return Err(MalformedRequest::ReadWithValue { key, value });
            }
        }
        let transaction = Transaction { group, operations };
        if transaction.bytes() > ANSWER_BYTES_MAX {
            return Err(MalformedRequest::TransactionTooLarge);
        }
        Ok(transaction)
    }

    /// True if it changes nothing.
    pub(super) fn is_read_only(&self) -> bool {
        self.operations.iter().all(|MicroOperation(f, ..)| *f == MicroFunction::Read)
    }

    /// The micro-operations as they were asked, each with the key of the store that it acts on:
    /// `x` of the group `g` is `g/x`.
    pub(crate) fn steps(&self) -> impl Iterator<Item = (&MicroOperation, String)> {
        self.operations.iter().map(|operation| {
            let key = &operation.1;
            let full = self.group.as_ref().map_or(key.clone(), |group| format!("{group}/{key}"));
            (operation, full)
        })
    }

    /// About how many bytes it takes as JSON.
    pub(super) fn bytes(&self) -> usize {
        let group = self.group.as_ref().map_or(0, String::len);
        let step =
            |MicroOperation(_, key, value): &MicroOperation| 16 + key.len() + json_bytes(value);
        group + self.operations.iter().map(step).sum::<usize>()
    }
}

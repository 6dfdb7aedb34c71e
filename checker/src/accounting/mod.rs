//! What became of each element, beside the verdict.
//!
//! A verdict says that a history has no legal order, and a counterexample shows one reason. How
//! much was lost, and how late the rest appeared, is told by counting. These counts are Jepsen's;
//! they are no verdict: of a history that is not linearizable nothing need be lost, and they look
//! at each element by itself.

mod set_full;
mod total_queue;

use std::collections::BTreeMap;

pub use set_full::{SetAccount, StaleElement, set_full};
pub use total_queue::{QueueAccount, total_queue};

use crate::history::{OperationRef, Operations};

/// The operations by key, in the order of the keys' names; those without a key come first.
fn by_key(operations: &Operations) -> BTreeMap<Option<&str>, Vec<OperationRef<'_>>> {
    let mut keys: BTreeMap<Option<&str>, Vec<OperationRef<'_>>> = BTreeMap::new();
    for operation in operations.iter() {
        keys.entry(operation.key()).or_default().push(operation);
    }
    keys
}

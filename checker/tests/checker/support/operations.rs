//! The operations of a history.

use stormproof_checker::history::{History, Operations};

/// The operations of a history that is well formed.
pub fn paired(history: &History) -> Operations {
    Operations::of(history).expect("the history is well formed")
}

//! If a node has applied an entry at an index, no other ever applies a different one there (paper,
//! §5.4.3). What is committed will be applied, so the committed entries are compared.

use std::sync::Arc;

use super::{Change, Invariant};
use crate::core::Entry;

/// Every entry ever committed, from index 1 on.
#[derive(Debug, Default)]
pub(super) struct StateMachineSafety {
    applied: Vec<Arc<Entry>>,
}

impl Invariant for StateMachineSafety {
    fn name(&self) -> (&'static str, &'static str) {
        ("state machine safety", "Raft paper, §5.4.3")
    }

    fn check(&mut self, change: &Change<'_>) -> Result<(), String> {
        for entry in change.committed() {
            match self.applied.get(entry.index as usize - 1) {
                None => {
                    let next = self.applied.len() as u64 + 1;
                    assert_eq!(entry.index, next, "a leader commits first, and has all before");
                    self.applied.push(Arc::clone(entry));
                }
                Some(first) if Arc::ptr_eq(first, entry) || first == entry => {}
                Some(first) => {
                    return Err(format!(
                        "{} applied entry {} of term {}, where one of term {} was applied before",
                        change.id(),
                        entry.index,
                        entry.term,
                        first.term
                    ));
                }
            }
        }
        Ok(())
    }
}

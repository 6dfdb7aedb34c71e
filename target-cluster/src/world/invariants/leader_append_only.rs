//! A leader never overwrites or deletes entries in its log; it only appends new ones (paper, §5.3).

use super::{Change, Invariant};
use crate::core::Record;

/// Needs no memory.
#[derive(Debug)]
pub(super) struct LeaderAppendOnly;

impl Invariant for LeaderAppendOnly {
    fn name(&self) -> (&'static str, &'static str) {
        ("leader append-only", "Raft paper, §5.3")
    }

    fn check(&mut self, change: &Change<'_>) -> Result<(), String> {
        // One that led the same term before and after led it all the time.
        let Some(term) = change.leads.filter(|term| change.led == Some(*term)) else {
            return Ok(());
        };
        for record in change.records() {
            match record {
                Record::Truncate { from } => {
                    return Err(format!(
                        "{} led term {term} and removed its entries from {from} on",
                        change.id()
                    ));
                }
                Record::Entry(entry) if entry.term != term => {
                    return Err(format!(
                        "{} led term {term} and appended entry {} of term {}",
                        change.id(),
                        entry.index,
                        entry.term
                    ));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

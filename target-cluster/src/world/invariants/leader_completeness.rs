//! An entry committed in a term is in the log of every leader of a later term (paper, §5.4).

use std::sync::Arc;

use super::Invariant;
use crate::core::{Entry, Node, RoleName};

/// Every entry ever committed, from index 1 on, with the term in which that was first seen.
#[derive(Debug, Default)]
pub(super) struct LeaderCompleteness {
    committed: Vec<(u64, Arc<Entry>)>,
}

impl Invariant for LeaderCompleteness {
    fn name(&self) -> &'static str {
        "leader completeness"
    }

    fn check(&mut self, nodes: &[&Node]) -> Result<(), String> {
        for node in nodes {
            let term = node.status().term;
            for entry in node.committed().iter().skip(self.committed.len()) {
                self.committed.push((term, Arc::clone(entry)));
            }
        }
        for node in nodes {
            let status = node.status();
            if status.role != RoleName::Leader {
                continue;
            }
            for (term, entry) in &self.committed {
                if *term < status.term && node.log().get(entry.index) != Some(entry) {
                    return Err(format!(
                        "{} leads term {} without entry {} of term {}, committed in term {term}",
                        node.options().id,
                        status.term,
                        entry.index,
                        entry.term
                    ));
                }
            }
        }
        Ok(())
    }
}

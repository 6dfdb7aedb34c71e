//! If a node has applied an entry at an index, no other ever applies a different one there (paper,
//! §5.4.3). A node applies what it commits at once, so the committed entries are compared.

use std::sync::Arc;

use super::Invariant;
use crate::core::{Entry, Node};

/// Every entry ever applied, from index 1 on.
#[derive(Debug, Default)]
pub(super) struct StateMachineSafety {
    applied: Vec<Arc<Entry>>,
}

impl Invariant for StateMachineSafety {
    fn name(&self) -> &'static str {
        "state machine safety"
    }

    fn check(&mut self, nodes: &[&Node]) -> Result<(), String> {
        for node in nodes {
            let committed = node.committed();
            if let Some((first, now)) =
                self.applied.iter().zip(committed).find(|(first, now)| first != now)
            {
                return Err(format!(
                    "{} applied entry {} of term {}, where one of term {} was applied before",
                    node.options().id,
                    now.index,
                    now.term,
                    first.term
                ));
            }
            self.applied.extend(committed.iter().skip(self.applied.len()).cloned());
        }
        Ok(())
    }
}

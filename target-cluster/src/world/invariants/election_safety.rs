//! At most one leader can be elected in a given term (paper, §5.2).

use std::collections::BTreeMap;

use super::Invariant;
use crate::core::{Node, NodeId, RoleName};

/// The leader of each term.
#[derive(Debug, Default)]
pub(super) struct ElectionSafety {
    leaders: BTreeMap<u64, NodeId>,
}

impl Invariant for ElectionSafety {
    fn name(&self) -> &'static str {
        "election safety"
    }

    fn check(&mut self, nodes: &[&Node]) -> Result<(), String> {
        for node in nodes {
            let status = node.status();
            if status.role != RoleName::Leader {
                continue;
            }
            let id = &node.options().id;
            let first = self.leaders.entry(status.term).or_insert_with(|| id.clone());
            if first != id {
                return Err(format!("{first} and {id} both led term {}", status.term));
            }
        }
        Ok(())
    }
}

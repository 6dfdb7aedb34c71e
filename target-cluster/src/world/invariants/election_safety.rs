//! At most one leader can be elected in a given term (paper, §5.2).

use std::collections::BTreeMap;

use super::{Change, Invariant};
use crate::core::{NodeId, RoleName};

/// The leader of each term.
#[derive(Debug, Default)]
pub(super) struct ElectionSafety {
    leaders: BTreeMap<u64, NodeId>,
}

impl Invariant for ElectionSafety {
    fn name(&self) -> (&'static str, &'static str) {
        ("election safety", "Raft paper, §5.2")
    }

    fn check(&mut self, change: &Change<'_>) -> Result<(), String> {
        for role in change.roles().filter(|role| role.role == RoleName::Leader) {
            let id = change.id();
            let first = self.leaders.entry(role.term).or_insert_with(|| id.clone());
            if first != id {
                return Err(format!("{first} and {id} both led term {}", role.term));
            }
        }
        Ok(())
    }
}

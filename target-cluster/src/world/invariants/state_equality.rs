//! Two nodes that have applied their logs through the same index hold the same state (paper, §2:
//! state machines are deterministic), and so does a snapshot through that index.

use std::collections::HashMap;

use super::{Change, Invariant};
use crate::core::NodeId;

/// Every state is compared whose index is a multiple of this: to digest one takes as long as to
/// apply some dozens of commands.
const EVERY: u64 = 64;

/// The digest of the state at some indices, and the node that was there first.
#[derive(Debug, Default)]
pub(super) struct StateEquality {
    states: HashMap<u64, (u64, NodeId)>,
    /// The last index at which the state of each node was looked at.
    seen: HashMap<usize, u64>,
}

impl Invariant for StateEquality {
    fn name(&self) -> (&'static str, &'static str) {
        ("state equality", "Raft paper, §2")
    }

    fn check(&mut self, change: &Change<'_>) -> Result<(), String> {
        for snapshot in change.snapshots() {
            let index = snapshot.index();
            self.compare(index, snapshot.state_digest(), change.id())?;
        }
        let applied = change.node.applied();
        if !applied.is_multiple_of(EVERY)
            || self.seen.insert(change.position, applied) == Some(applied)
        {
            return Ok(());
        }
        self.compare(applied, change.node.state_digest(), change.id())
    }
}

impl StateEquality {
    fn compare(&mut self, applied: u64, digest: u64, node: &NodeId) -> Result<(), String> {
        let (first, id) = self.states.entry(applied).or_insert_with(|| (digest, node.clone()));
        if *first == digest {
            return Ok(());
        }
        Err(format!("{id} and {node} have applied through {applied} and differ"))
    }
}

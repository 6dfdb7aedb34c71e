//! The changes that a turn of a node made.

use std::sync::Arc;

use crate::core::{Effect, Entry, Node, NodeId, Record, RoleChange, Snapshot};

/// A node after a turn, with what that changed.
pub(super) struct Change<'a> {
    /// The node.
    pub(super) node: &'a Node,
    /// Its position among the nodes.
    pub(super) position: usize,
    /// The term that it led before, if it led.
    pub(super) led: Option<u64>,
    /// The term that it leads now, if it does.
    pub(super) leads: Option<u64>,
    /// The index through which it had committed before.
    pub(super) commit: u64,
    /// The effects of the turn, in order.
    pub(super) effects: &'a [Effect],
}

impl<'a> Change<'a> {
    /// The name of the node.
    pub(super) fn id(&self) -> &'a NodeId {
        &self.node.options().id
    }

    /// The records that it writes, which say how its log changed.
    pub(super) fn records(&self) -> impl Iterator<Item = &'a Record> {
        self.effects.iter().filter_map(|effect| match effect {
            Effect::Persist { record, .. } => Some(record),
            _ => None,
        })
    }

    /// The snapshots that it saves.
    pub(super) fn snapshots(&self) -> impl Iterator<Item = &'a Snapshot> {
        self.effects.iter().filter_map(|effect| match effect {
            Effect::SaveSnapshot(snapshot) => Some(&**snapshot),
            _ => None,
        })
    }

    /// Its changes of role.
    pub(super) fn roles(&self) -> impl Iterator<Item = &'a RoleChange> {
        self.effects.iter().filter_map(|effect| match effect {
            Effect::Role(change) => Some(change),
            _ => None,
        })
    }

    /// The entries that it committed.
    pub(super) fn committed(&self) -> &'a [Arc<Entry>] {
        self.node.committed_after(self.commit)
    }
}

//! The nodes at which something is looked for, once roles are names.

use std::collections::{BTreeMap, BTreeSet};

use faults::grudge::CLIENTS;
use faults::schedule::Named;
use faults::trigger::{DiskWatch, MessageWatch, Observed, Place, Watch};

use super::super::live::Leaders;

/// The nodes and their roles and names at the moment.
pub struct Places<'a> {
    /// Every node.
    pub nodes: &'a [String],
    /// The nodes that lead, and did.
    pub leaders: &'a Leaders,
    /// The nodes that faults hit which name them, by that name.
    pub given: &'a BTreeMap<String, BTreeSet<String>>,
}

impl Places<'_> {
    /// The nodes of a place; none where no node has the role or the name.
    pub fn of(&self, place: &Place) -> BTreeSet<String> {
        let leader = self.leaders.leader.as_deref();
        let one = |node: Option<&str>| node.map(str::to_owned).into_iter().collect();
        match place {
            Place::Any => self.nodes.iter().cloned().collect(),
            Place::Leader => one(leader),
            Place::FormerLeader => one(self.leaders.former_leader.as_deref()),
            Place::Follower if leader.is_none() => BTreeSet::new(),
            Place::Follower => {
                let follows = |node: &&String| Some(node.as_str()) != leader;
                self.nodes.iter().filter(follows).cloned().collect()
            }
            Place::Clients => one(Some(CLIENTS)),
            Place::Named(name) => {
                Named::read(name).nodes(self.nodes, self.given).unwrap_or_default()
            }
        }
    }

    /// The nodes at which an event is to be seen; of a message those that send it.
    pub fn seen_at(&self, observed: &Observed) -> BTreeSet<String> {
        observed.places().first().map(|place| self.of(place)).unwrap_or_default()
    }

    /// The watch that an engine has to keep; none where it is not for an engine to see.
    pub fn watch(&self, observed: &Observed) -> Option<Watch> {
        match observed {
            Observed::Disk { call, files, node, edge } => Some(Watch::Disk(DiskWatch {
                nodes: self.of(node),
                call: *call,
                files: files.clone(),
                edge: *edge,
            })),
            Observed::Message { from, to, least_bytes, path } => {
                Some(Watch::Message(MessageWatch {
                    from: self.of(from),
                    to: self.of(to),
                    least_bytes: least_bytes.unwrap_or(0),
                    path: path.clone(),
                }))
            }
            _ => None,
        }
    }
}

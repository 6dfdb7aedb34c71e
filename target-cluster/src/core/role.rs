//! The roles of a node, with the data that it has only in that role.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use super::progress::Progress;
use super::reads::Reads;
use super::{NodeId, Time};

/// The role of a node, with its data.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Role {
    /// Follows a leader, or waits for one.
    Follower {
        /// The leader that it heard in its term.
        leader: Option<NodeId>,
        /// The time when it last heard that leader; without one, when it became follower.
        heard: Time,
        /// The time when it stands for election unless it hears a leader or grants a vote before.
        deadline: Time,
    },
    /// Asks whether an election could be won, before it disturbs anyone with a new term.
    PreCandidate {
        /// The nodes that would vote for it, itself included.
        granted: BTreeSet<NodeId>,
        /// The time when it asks again.
        deadline: Time,
    },
    /// Stands for election in its term.
    Candidate {
        /// The nodes that voted for it. A set: a duplicated answer counts once.
        granted: BTreeSet<NodeId>,
        /// The time when it gives up and asks for pre-votes again.
        deadline: Time,
    },
    /// Leads its term.
    Leader(Leader),
}

/// The data of a leader.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Leader {
    /// The progress of each other voter.
    pub(super) peers: BTreeMap<NodeId, Progress>,
    /// Through which index the leader's own log is durable.
    pub(super) durable: u64,
    /// The client's request for each uncommitted entry that has one, by index.
    pub(super) waiting: BTreeMap<u64, u64>,
    /// About how many bytes its uncommitted entries take.
    pub(super) uncommitted_bytes: usize,
    /// Reads that wait for a majority.
    pub(super) reads: Reads,
    /// The time when the next heartbeat is due.
    pub(super) heartbeat_due: Time,
}

/// A role without its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RoleName {
    /// Follows a leader, or waits for one.
    Follower,
    /// Asks whether an election could be won.
    PreCandidate,
    /// Stands for election in its term.
    Candidate,
    /// Leads its term.
    Leader,
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RoleName::Follower => "follower",
            RoleName::PreCandidate => "pre-candidate",
            RoleName::Candidate => "candidate",
            RoleName::Leader => "leader",
        })
    }
}

impl Role {
    /// The role without its data.
    pub(crate) fn name(&self) -> RoleName {
        match self {
            Role::Follower { .. } => RoleName::Follower,
            Role::PreCandidate { .. } => RoleName::PreCandidate,
            Role::Candidate { .. } => RoleName::Candidate,
            Role::Leader(_) => RoleName::Leader,
        }
    }
}

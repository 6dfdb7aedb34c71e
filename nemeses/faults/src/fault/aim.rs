//! Whom a fault is aimed at, by role.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Which nodes a fault is aimed at. Who that is is found when it fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aim {
    /// One node, whichever it is.
    One,
    /// As many nodes as a majority can do without.
    Minority,
    /// One node more than the cluster can do without.
    Majority,
    /// The node that leads.
    Leader,
    /// One node that does not lead.
    Follower,
    /// Every node that does not lead.
    Followers,
    /// The node that lost leadership last: it may not know yet.
    FormerLeader,
    /// The node that knows most of the log to be committed.
    MostAdvanced,
    /// The node that knows least of the log to be committed.
    LeastAdvanced,
    /// Every node.
    All,
}

impl Aim {
    /// Every aim.
    pub const ALL: [Self; 10] = [
        Self::One,
        Self::Minority,
        Self::Majority,
        Self::Leader,
        Self::Follower,
        Self::Followers,
        Self::FormerLeader,
        Self::MostAdvanced,
        Self::LeastAdvanced,
        Self::All,
    ];

    /// The number of `nodes` that this aim takes. A minority of one or two nodes is empty, and a
    /// single node has no follower.
    pub fn count(self, nodes: usize) -> usize {
        match self {
            Self::One
            | Self::Leader
            | Self::FormerLeader
            | Self::MostAdvanced
            | Self::LeastAdvanced => nodes.min(1),
            Self::Follower => nodes.saturating_sub(1).min(1),
            Self::Followers => nodes.saturating_sub(1),
            Self::Minority => nodes.saturating_sub(1) / 2,
            Self::Majority => nodes.min(nodes / 2 + 1),
            Self::All => nodes,
        }
    }

    /// Returns true if the nodes left over are too few to be a majority.
    pub fn takes_majority(self, nodes: usize) -> bool {
        nodes - self.count(nodes) < nodes / 2 + 1
    }

    /// Returns true if it means one node, chosen by its role.
    pub fn is_role(self) -> bool {
        matches!(
            self,
            Self::Leader
                | Self::Follower
                | Self::FormerLeader
                | Self::MostAdvanced
                | Self::LeastAdvanced
        )
    }
}

impl fmt::Display for Aim {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::One => "one node",
            Self::Minority => "a minority",
            Self::Majority => "a majority",
            Self::Leader => "the leader",
            Self::Follower => "a follower",
            Self::Followers => "all followers",
            Self::FormerLeader => "the former leader",
            Self::MostAdvanced => "the most advanced node",
            Self::LeastAdvanced => "the least advanced node",
            Self::All => "all nodes",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minority_leaves_a_majority_and_one_more_does_not() {
        for nodes in 1..=9 {
            assert!(!Aim::Minority.takes_majority(nodes), "{nodes} nodes");
            assert!(Aim::Majority.takes_majority(nodes), "{nodes} nodes");
            assert_eq!(Aim::Minority.count(nodes) + nodes / 2 + 1, nodes);
        }
    }

    #[test]
    fn a_role_is_one_node_at_most() {
        for nodes in 0..=7 {
            for aim in Aim::ALL {
                assert!(aim.count(nodes) <= nodes);
                assert!(!aim.is_role() || aim.count(nodes) <= 1);
            }
        }
        assert_eq!(Aim::Follower.count(1), 0);
        assert_eq!(Aim::Followers.count(1), 0);
        assert_eq!(Aim::Followers.count(5), 4);
    }
}

//! Membership: nodes join and leave, as they do in daily operation. It needs a target that can.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Aim;

/// The cluster's members change, and change back when the fault ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// Whose membership.
    pub aim: Aim,
    /// What becomes of it.
    pub change: MembershipChange,
}

/// What becomes of a node's membership.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MembershipChange {
    /// A node that is no member becomes a voter.
    Add,
    /// A member is removed.
    Remove,
    /// A member is removed and comes back with an empty disk under a new identity.
    Replace,
    /// A voter becomes a learner.
    Demote,
}

impl fmt::Display for MembershipChange {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Add => "add",
            Self::Remove => "remove",
            Self::Replace => "replace",
            Self::Demote => "demote",
        })
    }
}

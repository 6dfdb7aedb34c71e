//! Membership: nodes join and leave, as they do in daily operation. It needs a target that can.

use std::fmt;

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::Aim;
use crate::schedule::{Room, weighted};

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

/// How often each aim is drawn: a leader that removes itself is the hard case.
const WEIGHTS: [(Aim, u32); 3] = [(Aim::Follower, 3), (Aim::Leader, 2), (Aim::One, 1)];

/// How often each change is drawn. Nobody is added from outside, since each change is undone: a
/// removed member is added again.
const CHANGES: [(MembershipChange, u32); 3] =
    [(MembershipChange::Remove, 3), (MembershipChange::Replace, 1), (MembershipChange::Demote, 1)];

impl Membership {
    /// Draws one; none for a cluster that cannot spare a member.
    pub(crate) fn draw(room: &Room, random: &mut impl Rng) -> Option<Self> {
        let change = weighted(&CHANGES, |_| true, random);
        let aim = room.aim_down(&WEIGHTS, random);
        (room.nodes >= 3).then_some(Self { aim, change })
    }
}

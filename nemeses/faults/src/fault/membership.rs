//! Membership: nodes leave and join, as they do in daily operation. It needs a target that can.

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
    /// A member is removed. It comes back as a new one, with an empty disk, when the fault ends.
    Remove,
    /// A member is removed and comes back at once, as a new one with an empty disk.
    Replace,
}

impl fmt::Display for MembershipChange {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Remove => "remove",
            Self::Replace => "replace",
        })
    }
}

/// How often each aim is drawn: a leader that removes itself is the hard case.
const WEIGHTS: [(Aim, u32); 3] = [(Aim::Follower, 3), (Aim::Leader, 2), (Aim::One, 1)];

/// How often each change is drawn.
const CHANGES: [(MembershipChange, u32); 2] =
    [(MembershipChange::Remove, 2), (MembershipChange::Replace, 1)];

impl Membership {
    /// Draws one; none for a cluster that cannot spare a member.
    pub(crate) fn draw(room: &Room, random: &mut impl Rng) -> Option<Self> {
        let change = weighted(&CHANGES, |_| true, random);
        let aim = room.aim_down(&WEIGHTS, random);
        (room.nodes >= 3).then_some(Self { aim, change })
    }
}

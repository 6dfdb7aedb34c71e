//! Maintenance: what operators have a service do to its own store in daily operation. It needs a
//! target that can.

use std::fmt;

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::Aim;
use crate::schedule::{Room, weighted};

/// Nodes tend their stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Maintenance {
    /// Which nodes are told to.
    pub aim: Aim,
    /// What they do.
    pub work: Upkeep,
}

/// What a node does to its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Upkeep {
    /// It forgets old versions. A service may do it on all nodes, whichever is told to.
    Compact,
    /// It gives back the room of what it has forgotten, and may serve nobody meanwhile.
    Defragment,
}

impl fmt::Display for Upkeep {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Compact => "compact",
            Self::Defragment => "defragment",
        })
    }
}

/// How often each aim is drawn: a leader that stands still is the hard case.
const WEIGHTS: [(Aim, u32); 3] = [(Aim::Leader, 2), (Aim::Follower, 1), (Aim::One, 1)];

/// How often each kind of work is drawn.
const WORK: [(Upkeep, u32); 2] = [(Upkeep::Compact, 1), (Upkeep::Defragment, 1)];

impl Maintenance {
    /// Draws one.
    pub(crate) fn draw(room: &Room, random: &mut impl Rng) -> Self {
        let work = weighted(&WORK, |_| true, random);
        Self { aim: room.aim(&WEIGHTS, random), work }
    }
}

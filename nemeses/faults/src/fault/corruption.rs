//! Corruption: what a node had synced changes on its disk. That is outside of Raft's fault model,
//! so it happens only when asked for by name; what is expected then is: noticed, refused, no wrong
//! answer served.

use std::fmt;

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use super::Aim;
use crate::schedule::Room;

/// Files of some nodes are damaged while the nodes are down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Corruption {
    /// Whose files.
    pub aim: Aim,
    /// How.
    #[serde(flatten)]
    pub damage: Damage,
}

/// What is done to files. In TOML `damage = "bit-flip"`, optionally with `file = "wal"`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "damage", rename_all = "kebab-case")]
pub enum Damage {
    /// One bit is flipped.
    BitFlip {
        /// Part of the path of the files that are meant, below the node's data directory; the
        /// largest of them is damaged. Without it, the largest of all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        file: Option<String>,
    },
    /// The file loses its last part.
    Truncate {
        /// As for a bit flip.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        file: Option<String>,
    },
}

impl Damage {
    /// Which files are meant.
    pub fn file(&self) -> Option<&str> {
        let (Self::BitFlip { file } | Self::Truncate { file }) = self;
        file.as_deref()
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self {
            Self::BitFlip { .. } => "flip a bit of",
            Self::Truncate { .. } => "cut off the end of",
        };
        match self.file() {
            Some(file) => write!(out, "{what} a file {file}"),
            None => write!(out, "{what} the largest file"),
        }
    }
}

/// How often each aim is drawn: one node at a time, since it may never come back.
const WEIGHTS: [(Aim, u32); 3] = [(Aim::Follower, 2), (Aim::Leader, 2), (Aim::One, 1)];

/// So often a bit is flipped; else a file is cut off.
const BIT_FLIP_CHANCE: f64 = 0.7;

impl Corruption {
    /// Draws one, of the largest file of a node.
    pub(crate) fn draw(room: &Room, random: &mut impl Rng) -> Self {
        let damage = if random.random_bool(BIT_FLIP_CHANCE) {
            Damage::BitFlip { file: None }
        } else {
            Damage::Truncate { file: None }
        };
        Self { aim: room.aim_down(&WEIGHTS, random), damage }
    }
}

//! Power failure: nodes lose what they did not fsync, and stay off while the fault lasts.

use std::fmt;

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use super::Aim;
use crate::schedule::{Room, weighted};

/// Nodes lose power; they stay off while the fault lasts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Power {
    /// Whose.
    pub aim: Aim,
    /// What becomes of writes that were not synced.
    #[serde(flatten)]
    pub cut: PowerCut,
}

/// What becomes of writes that were not synced when the power fails.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PowerCut {
    /// Each unsynced sector survives with this chance, in percent. 0 loses all of them; anything
    /// between tears and reorders writes.
    #[serde(default)]
    pub keep_percent: f64,
    /// Bytes that a disk writes as a whole: 512 or 4096.
    #[serde(default = "sector_of_a_new_disk")]
    pub sector: u32,
}

fn sector_of_a_new_disk() -> u32 {
    4096
}

impl PowerCut {
    /// The sizes of a sector that disks have.
    pub const SECTORS: [u32; 2] = [512, 4096];
}

impl fmt::Display for PowerCut {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.keep_percent {
            0.0 => out.write_str("losing what was not synced"),
            percent => {
                let sector = self.sector;
                write!(out, "keeping {percent} % of the unsynced sectors of {sector} bytes")
            }
        }
    }
}

/// How often each aim is drawn. When a majority loses its power at once, what was acknowledged must
/// have been on its disks.
pub(crate) const WEIGHTS: [(Aim, u32); 6] = [
    (Aim::Leader, 3),
    (Aim::Follower, 1),
    (Aim::One, 1),
    (Aim::Minority, 3),
    (Aim::Majority, 3),
    (Aim::All, 3),
];

/// How often so many of a hundred unsynced sectors survive: mostly none, which loses the most;
/// otherwise some, which tears writes.
const KEPT: [(u32, u32); 4] = [(0, 4), (10, 1), (50, 2), (90, 1)];

impl Power {
    /// Draws one, of as many nodes as there may be.
    pub(crate) fn draw(room: &Room, random: &mut impl Rng) -> Self {
        Self { aim: room.aim_down(&WEIGHTS, random), cut: PowerCut::draw(random) }
    }
}

impl PowerCut {
    /// Draws what survives.
    pub(crate) fn draw(random: &mut impl Rng) -> Self {
        let keep_percent = f64::from(weighted(&KEPT, |_| true, random));
        let sector = Self::SECTORS[random.random_range(0..Self::SECTORS.len())];
        Self { keep_percent, sector }
    }
}

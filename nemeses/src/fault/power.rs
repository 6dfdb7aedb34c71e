//! Power failure: nodes lose what they did not fsync, and stay off while the fault lasts.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Aim;

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

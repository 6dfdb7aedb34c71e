//! Kill: node processes end with SIGKILL and are started again when the fault ends.
//!
//! What a process had in memory is lost, what it wrote survives: the kernel still holds it. Data
//! lost for want of an fsync is the disk family's business.

use std::fmt;

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::Aim;
use crate::schedule::{Room, weighted};

/// Processes are killed; they stay down, or come and go, while the fault lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kill {
    /// Whose processes.
    pub aim: Aim,
    /// How often.
    #[serde(default, skip_serializing_if = "Rhythm::is_once")]
    pub rhythm: Rhythm,
}

/// How often a process is killed while the fault lasts.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Rhythm {
    /// Once: it stays down.
    #[default]
    Once,
    /// Again and again, each time soon after it was started: recovery itself is interrupted.
    Loop,
    /// Each node once, one after the other, each back before the next: what an upgrade does.
    Rolling,
}

impl Rhythm {
    fn is_once(&self) -> bool {
        *self == Self::Once
    }
}

impl fmt::Display for Kill {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rhythm {
            Rhythm::Once => write!(out, "kill {}", self.aim),
            Rhythm::Loop => write!(out, "crash loop of {}", self.aim),
            Rhythm::Rolling => write!(out, "rolling restart of {}", self.aim),
        }
    }
}

/// How often each aim is drawn. The leader has the most to lose; a whole cluster that restarts
/// must come back with everything it promised.
const WEIGHTS: [(Aim, u32); 6] = [
    (Aim::Leader, 4),
    (Aim::Follower, 2),
    (Aim::One, 1),
    (Aim::Minority, 2),
    (Aim::Majority, 1),
    (Aim::All, 1),
];

/// Mostly once: a crash loop and a rolling restart take their time.
const RHYTHMS: [(Rhythm, u32); 3] = [(Rhythm::Once, 6), (Rhythm::Loop, 2), (Rhythm::Rolling, 1)];

/// A crash loop shorter than this is one crash.
const SHORTEST_LOOP: f64 = 1.0;
/// A rolling restart gives each node at least so many seconds.
const SHORTEST_TURN: f64 = 0.4;

impl Kill {
    /// Killed once.
    pub fn once(aim: Aim) -> Self {
        Self { aim, rhythm: Rhythm::Once }
    }

    /// Draws one that lasts for so many seconds, leaders first.
    pub(crate) fn draw(room: &Room, lasts: f64, random: &mut impl Rng) -> Self {
        let fits = |rhythm: Rhythm| match rhythm {
            Rhythm::Once => true,
            Rhythm::Loop => lasts >= SHORTEST_LOOP,
            // It takes one node down at a time, but in the end it was at all of them.
            Rhythm::Rolling => {
                room.most >= room.nodes && lasts >= SHORTEST_TURN * room.nodes as f64
            }
        };
        match weighted(&RHYTHMS, fits, random) {
            Rhythm::Rolling => Self { aim: Aim::All, rhythm: Rhythm::Rolling },
            rhythm => Self { aim: room.aim_down(&WEIGHTS, random), rhythm },
        }
    }
}

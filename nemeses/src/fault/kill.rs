//! Kill: node processes end with SIGKILL and are started again when the fault ends.
//!
//! What a process had in memory is lost, what it wrote survives: the kernel still holds it. Data
//! lost for want of an fsync is the disk family's business.

use std::fmt;

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::Aim;
use crate::schedule::weighted;

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
const WEIGHTS: [(Aim, u32); 5] =
    [(Aim::Leader, 4), (Aim::One, 2), (Aim::Minority, 2), (Aim::Majority, 1), (Aim::All, 1)];

impl Kill {
    /// Killed once.
    pub fn once(aim: Aim) -> Self {
        Self { aim, rhythm: Rhythm::Once }
    }

    /// Draws one for a cluster of `nodes`, leaders first.
    pub(crate) fn draw(nodes: usize, random: &mut impl Rng) -> Self {
        Self::once(weighted(&WEIGHTS, |aim| aim.count(nodes) > 0, random))
    }
}

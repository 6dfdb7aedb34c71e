//! Kill: node processes end with SIGKILL and are started again when the fault ends.
//!
//! What a process had in memory is lost, what it wrote survives: the kernel still holds it. Data
//! lost for want of an fsync is the disk family's business.

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::Aim;
use crate::schedule::weighted;

/// Processes are killed; they stay down while the fault lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kill {
    /// Whose processes.
    pub aim: Aim,
}

/// How often each aim is drawn. The leader has the most to lose; a whole cluster that restarts
/// must come back with everything it promised.
const WEIGHTS: [(Aim, u32); 5] =
    [(Aim::Leader, 4), (Aim::One, 2), (Aim::Minority, 2), (Aim::Majority, 1), (Aim::All, 1)];

impl Kill {
    /// Draws one for a cluster of `nodes`, leaders first.
    pub(crate) fn draw(nodes: usize, random: &mut impl Rng) -> Self {
        Self { aim: weighted(&WEIGHTS, |aim| aim.count(nodes) > 0, random) }
    }
}

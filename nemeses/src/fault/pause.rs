//! Pause: node processes are stopped with SIGSTOP and continued when the fault ends.
//!
//! Their sockets stay open and the kernel goes on acknowledging what arrives: to the others a
//! paused node is slow, not gone. When it continues it believes that no time has passed, which is
//! what leases and cached leadership must survive.

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::Aim;
use crate::schedule::weighted;

/// Processes are stopped; they continue when the fault ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Whose processes.
    pub aim: Aim,
}

/// How often each aim is drawn. A leader that wakes up believing it still leads is the classic.
const WEIGHTS: [(Aim, u32); 5] =
    [(Aim::Leader, 5), (Aim::One, 2), (Aim::Minority, 2), (Aim::Majority, 1), (Aim::All, 1)];

impl Pause {
    /// Draws one for a cluster of `nodes`, leaders first.
    pub(crate) fn draw(nodes: usize, random: &mut impl Rng) -> Self {
        Self { aim: weighted(&WEIGHTS, |aim| aim.count(nodes) > 0, random) }
    }
}

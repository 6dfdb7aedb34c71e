//! Pause: node processes are stopped with SIGSTOP and continued when the fault ends.
//!
//! Their sockets stay open and the kernel goes on acknowledging what arrives: to the others a
//! paused node is slow, not gone. When it continues it believes that no time has passed, which is
//! what leases and cached leadership must survive.

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::Aim;
use crate::schedule::Room;

/// Processes are stopped; they continue when the fault ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Whose processes.
    pub aim: Aim,
}

/// How often each aim is drawn. A leader that wakes up believing it still leads is the classic.
const WEIGHTS: [(Aim, u32); 6] = [
    (Aim::Leader, 5),
    (Aim::Follower, 2),
    (Aim::One, 1),
    (Aim::Minority, 2),
    (Aim::Majority, 1),
    (Aim::All, 1),
];

impl Pause {
    /// Draws one, leaders first.
    pub(crate) fn draw(room: &Room, random: &mut impl Rng) -> Self {
        Self { aim: room.aim_down(&WEIGHTS, random) }
    }
}

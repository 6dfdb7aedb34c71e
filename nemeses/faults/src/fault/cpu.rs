//! Slow processors: node processes get only a small share of one.

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::Aim;
use crate::schedule::{Room, whole_between};

/// Processes run on a small share of a processor while the fault lasts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Cpu {
    /// Whose processes.
    pub aim: Aim,
    /// How much of one processor each may use, in percent.
    pub percent: f64,
}

/// How often each aim is drawn: a slow leader holds up everybody.
const WEIGHTS: [(Aim, u32); 5] =
    [(Aim::Leader, 4), (Aim::Follower, 2), (Aim::One, 1), (Aim::Minority, 2), (Aim::All, 1)];

/// Below 2 % not even a refusal gets out, above 30 % nobody notices.
const PERCENT: (f64, f64) = (2.0, 30.0);

impl Cpu {
    /// Draws one, leaders first.
    pub(crate) fn draw(room: &Room, random: &mut impl Rng) -> Self {
        let percent = whole_between(PERCENT.0, PERCENT.1, random);
        Self { aim: room.aim(&WEIGHTS, random), percent }
    }
}

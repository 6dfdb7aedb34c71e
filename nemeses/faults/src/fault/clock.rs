//! Clock faults: a node's clocks differ from the machine's.
//!
//! Real hosts step only the wall clock (`settimeofday(2)`) and drift both clocks together, by a
//! tenth at most; so do these faults. The monotonic clock never goes backwards.

use std::fmt;

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use super::Aim;
use crate::schedule::{Room, weighted, whole_between};

/// Clocks of some nodes go wrong while the fault lasts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Clock {
    /// Whose clocks.
    pub aim: Aim,
    /// How.
    #[serde(flatten)]
    pub error: ClockError,
}

/// How a clock goes wrong. In TOML `error = "jump"` with `by_ms = -5000`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "error", rename_all = "kebab-case")]
pub enum ClockError {
    /// The wall clock steps, and steps back when the fault ends.
    Jump {
        /// By so many milliseconds, forwards or backwards.
        by_ms: i64,
    },
    /// The wall clock steps to and fro.
    Strobe {
        /// By so many milliseconds.
        by_ms: i64,
        /// It steps each time so many milliseconds are over.
        every_ms: u32,
    },
    /// Both clocks run at this rate; 1.0 is that of the machine.
    Drift {
        /// Seconds that pass on them in a second, from 0.9 to 1.1.
        rate: f64,
    },
}

impl fmt::Display for ClockError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Jump { by_ms } => write!(out, "wall clock jumps by {by_ms:+} ms"),
            Self::Strobe { by_ms, every_ms } => {
                write!(out, "wall clock jumps by {by_ms:+} ms and back every {every_ms} ms")
            }
            Self::Drift { rate } => write!(out, "clocks run at rate {rate}"),
        }
    }
}

/// How often each aim is drawn. All clocks may go wrong at once: Raft promises nothing about them
/// that it needs for safety.
const WEIGHTS: [(Aim, u32); 5] =
    [(Aim::Leader, 4), (Aim::Follower, 2), (Aim::One, 1), (Aim::Minority, 1), (Aim::All, 2)];

/// The ways in which a clock goes wrong.
#[derive(Debug, Clone, Copy)]
enum Way {
    Jump,
    Strobe,
    Drift,
}

const WAYS: [(Way, u32); 3] = [(Way::Jump, 4), (Way::Strobe, 2), (Way::Drift, 3)];

/// From a fraction of an election time-out to more than any lease.
pub(crate) const JUMP_MS: (f64, f64) = (100.0, 60_000.0);
/// From a fraction of an election time-out to several.
const STROBE_MS: (f64, f64) = (50.0, 5000.0);
/// How long a strobing clock stays before it jumps again.
const BEAT_MS: (f64, f64) = (50.0, 1000.0);
/// How far a drifting clock's rate is from 1, in thousandths.
const DRIFT: (f64, f64) = (10.0, 100.0);

impl Clock {
    /// Draws one, leaders first.
    pub(crate) fn draw(room: &Room, random: &mut impl Rng) -> Self {
        let aim = room.aim(&WEIGHTS, random);
        let sign = if random.random_bool(0.5) { 1.0 } else { -1.0 };
        let error = match weighted(&WAYS, |_| true, random) {
            Way::Jump => ClockError::Jump {
                by_ms: (sign * whole_between(JUMP_MS.0, JUMP_MS.1, random)) as i64,
            },
            Way::Strobe => ClockError::strobe(random),
            Way::Drift => ClockError::Drift {
                rate: (1e3 + sign * whole_between(DRIFT.0, DRIFT.1, random)) / 1e3,
            },
        };
        Self { aim, error }
    }
}

impl ClockError {
    /// Draws a wall clock that steps to and fro.
    pub(crate) fn strobe(random: &mut impl Rng) -> Self {
        let sign = if random.random_bool(0.5) { 1.0 } else { -1.0 };
        let by_ms = (sign * whole_between(STROBE_MS.0, STROBE_MS.1, random)) as i64;
        Self::Strobe { by_ms, every_ms: whole_between(BEAT_MS.0, BEAT_MS.1, random) as u32 }
    }
}

/// How the clocks of a process differ from the machine's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ClockCondition {
    /// Added to the wall clock, in milliseconds.
    pub wall_shift_ms: i64,
    /// Seconds that pass on both clocks of the process in a second.
    pub rate: f64,
}

impl Default for ClockCondition {
    fn default() -> Self {
        Self { wall_shift_ms: 0, rate: 1.0 }
    }
}

impl ClockCondition {
    /// The rates of real clocks that a fault may ask for: beyond them nobody promises anything.
    pub const RATES: std::ops::RangeInclusive<f64> = 0.9..=1.1;

    /// Whether the clocks go right.
    pub fn is_neutral(&self) -> bool {
        *self == Self::default()
    }

    /// Both at once; the rate stays within [`RATES`](Self::RATES).
    pub fn and(&self, other: &Self) -> Self {
        Self {
            wall_shift_ms: self.wall_shift_ms + other.wall_shift_ms,
            rate: (self.rate * other.rate).clamp(*Self::RATES.start(), *Self::RATES.end()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_errors_of_one_clock_add_up_but_rates_stay_those_of_real_clocks() {
        let early = ClockCondition { wall_shift_ms: -300, rate: 1.08 };
        let late = ClockCondition { wall_shift_ms: 100, rate: 1.08 };
        assert_eq!(early.and(&late), ClockCondition { wall_shift_ms: -200, rate: 1.1 });
        assert!(ClockCondition::default().and(&ClockCondition::default()).is_neutral());
    }
}

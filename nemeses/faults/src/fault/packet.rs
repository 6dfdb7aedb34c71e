//! Packet faults: links are slow, lossy or narrow instead of dead.
//!
//! A fault of one direction only reaches states that a symmetric one never does: a leader whose
//! heartbeats arrive late is deposed while it hears of it at once. So does a delay that ramps up in
//! steps shorter than an election timeout: the leader lingers where a sudden one deposes it.

use std::fmt;

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use super::Aim;
use crate::schedule::{Room, weighted, whole_between};

/// Packets of some links are troubled while the fault lasts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Packet {
    /// Whose links.
    pub aim: Aim,
    /// Which of their links.
    pub direction: Direction,
    /// Whether their links with the clients are among them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub clients: bool,
    /// Whether it grows in steps to its full measure and shrinks again, instead of being there at
    /// once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ramp: bool,
    /// What happens to their packets.
    #[serde(flatten)]
    pub condition: LinkCondition,
}

/// `50 ms delay into the leader, ramping up and down`
impl fmt::Display for Packet {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { aim, direction, clients, ramp, condition } = self;
        let clients = if *clients { ", clients too" } else { "" };
        let ramp = if *ramp { ", ramping up and down" } else { "" };
        write!(out, "{condition} {direction} {aim}{clients}{ramp}")
    }
}

/// Which links of a node, seen from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Packets that it would receive.
    Into,
    /// Packets that it sends.
    OutOf,
    /// Both.
    Both,
}

impl fmt::Display for Direction {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Into => "into",
            Self::OutOf => "out of",
            Self::Both => "into and out of",
        })
    }
}

/// How often each aim is drawn.
const WEIGHTS: [(Aim, u32); 5] =
    [(Aim::Leader, 5), (Aim::Follower, 2), (Aim::One, 1), (Aim::Minority, 1), (Aim::All, 2)];

/// How often each direction is drawn: one alone reaches more.
const DIRECTIONS: [(Direction, u32); 3] =
    [(Direction::Into, 3), (Direction::OutOf, 2), (Direction::Both, 2)];

/// The ways in which packets are troubled.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    Delay,
    Loss,
    Duplicate,
    Reorder,
    Corrupt,
    Rate,
    DelayAndLoss,
}

const WAYS: [(Way, u32); 7] = [
    (Way::Delay, 5),
    (Way::Loss, 3),
    (Way::Duplicate, 2),
    (Way::Reorder, 2),
    (Way::Corrupt, 1),
    (Way::Rate, 1),
    (Way::DelayAndLoss, 2),
];

/// From a wide network to more than an election time-out.
const DELAY_MS: (f64, f64) = (5.0, 800.0);
/// Beyond that a link is as good as cut.
const LOSS_PERCENT: (f64, f64) = (1.0, 40.0);
/// For what has no bad end in itself.
const TROUBLE_PERCENT: (f64, f64) = (5.0, 50.0);
const CORRUPT_PERCENT: (f64, f64) = (1.0, 20.0);
const RATE_KBIT: (f64, f64) = (64.0, 8000.0);
/// So often links with clients are troubled as well.
const CLIENTS_CHANCE: f64 = 0.3;
/// So often a delay ramps, if the fault lasts long enough, in seconds.
const RAMP_CHANCE: f64 = 0.3;
const SHORTEST_RAMP: f64 = 1.5;

impl Packet {
    /// Draws one that lasts for so many seconds, leaders first. A single node has links with
    /// clients only.
    pub(crate) fn draw(room: &Room, lasts: f64, random: &mut impl Rng) -> Self {
        let way = weighted(&WAYS, |_| true, random);
        let none = LinkCondition::default();
        let condition = match way {
            Way::Delay => LinkCondition::delay(random),
            Way::Loss => LinkCondition { loss_percent: percent(LOSS_PERCENT, random), ..none },
            Way::Duplicate => {
                LinkCondition { duplicate_percent: percent(TROUBLE_PERCENT, random), ..none }
            }
            Way::Reorder => {
                LinkCondition { reorder_percent: percent(TROUBLE_PERCENT, random), ..none }
            }
            Way::Corrupt => {
                LinkCondition { corrupt_percent: percent(CORRUPT_PERCENT, random), ..none }
            }
            Way::Rate => {
                let rate = whole_between(RATE_KBIT.0, RATE_KBIT.1, random) as u64;
                LinkCondition { rate_kbit: Some(rate), ..none }
            }
            Way::DelayAndLoss => {
                let loss_percent = percent(LOSS_PERCENT, random);
                LinkCondition { loss_percent, ..LinkCondition::delay(random) }
            }
        };
        let ramp = random.random_bool(RAMP_CHANCE);
        Self {
            aim: room.aim(&WEIGHTS, random),
            direction: weighted(&DIRECTIONS, |_| true, random),
            clients: random.random_bool(CLIENTS_CHANCE) || room.nodes < 2,
            ramp: ramp && way == Way::Delay && lasts >= SHORTEST_RAMP,
            condition,
        }
    }
}

fn percent((least, most): (f64, f64), random: &mut impl Rng) -> f64 {
    whole_between(least, most, random)
}

impl LinkCondition {
    /// Draws a delay, as often with jitter as without.
    pub(crate) fn delay(random: &mut impl Rng) -> Self {
        let delay_ms = whole_between(DELAY_MS.0, DELAY_MS.1, random);
        let jitter = if random.random_bool(0.5) { random.random_range(0.0..0.5) } else { 0.0 };
        Self { delay_ms, jitter_ms: (delay_ms * jitter).round(), ..Self::default() }
    }
}

/// What happens to the packets of one directed link. The default is nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LinkCondition {
    /// Each packet arrives so many milliseconds later.
    #[serde(skip_serializing_if = "is_zero")]
    pub delay_ms: f64,
    /// And up to so many more, drawn for each packet; order is kept.
    #[serde(skip_serializing_if = "is_zero")]
    pub jitter_ms: f64,
    /// So many of a hundred packets never arrive.
    #[serde(skip_serializing_if = "is_zero")]
    pub loss_percent: f64,
    /// So many of a hundred packets arrive twice.
    #[serde(skip_serializing_if = "is_zero")]
    pub duplicate_percent: f64,
    /// So many of a hundred packets are overtaken by those behind them.
    #[serde(skip_serializing_if = "is_zero")]
    pub reorder_percent: f64,
    /// Of so many of a hundred packets one bit is flipped, which the receiver's checksum notices.
    #[serde(skip_serializing_if = "is_zero")]
    pub corrupt_percent: f64,
    /// No more than so many kilobits (1,000 bits) a second pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_kbit: Option<u64>,
}

pub(crate) fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

impl LinkCondition {
    /// Whether it delays every packet by some time and does nothing else.
    pub fn is_delay(&self) -> bool {
        let Self { delay_ms, jitter_ms, .. } = *self;
        delay_ms > 0.0 && *self == Self { delay_ms, jitter_ms, ..Self::default() }
    }

    /// A part of it, such as 0.5 for half: half the delay, half the loss, twice the rate.
    pub fn scaled(&self, part: f64) -> Self {
        let of = |amount: f64| (amount * part * 1e3).round() / 1e3;
        Self {
            delay_ms: of(self.delay_ms),
            jitter_ms: of(self.jitter_ms),
            loss_percent: of(self.loss_percent),
            duplicate_percent: of(self.duplicate_percent),
            reorder_percent: of(self.reorder_percent),
            corrupt_percent: of(self.corrupt_percent),
            rate_kbit: self.rate_kbit.map(|rate| (rate as f64 / part).round() as u64),
        }
    }

    /// Whether packets pass as if there were no fault.
    pub fn is_neutral(&self) -> bool {
        *self == Self::default()
    }

    /// What a packet meets that passes both conditions, one after the other.
    pub fn and(&self, other: &Self) -> Self {
        Self {
            delay_ms: self.delay_ms + other.delay_ms,
            jitter_ms: self.jitter_ms + other.jitter_ms,
            loss_percent: either(self.loss_percent, other.loss_percent),
            duplicate_percent: either(self.duplicate_percent, other.duplicate_percent),
            reorder_percent: either(self.reorder_percent, other.reorder_percent),
            corrupt_percent: either(self.corrupt_percent, other.corrupt_percent),
            rate_kbit: self.rate_kbit.into_iter().chain(other.rate_kbit).min(),
        }
    }
}

/// The chance, in percent, that at least one of two independent things happens.
pub(crate) fn either(left: f64, right: f64) -> f64 {
    left + right - left * right / 100.0
}

/// `50 ms delay, 10 % loss`
impl fmt::Display for LinkCondition {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        let mut tell = |amount: f64, what: &str| {
            if amount != 0.0 {
                parts.push(format!("{amount} {what}"));
            }
        };
        tell(self.delay_ms, "ms delay");
        tell(self.jitter_ms, "ms jitter");
        tell(self.loss_percent, "% loss");
        tell(self.duplicate_percent, "% duplicates");
        tell(self.reorder_percent, "% reordered");
        tell(self.corrupt_percent, "% corrupted");
        if let Some(rate) = self.rate_kbit {
            parts.push(format!("{rate} kbit/s"));
        }
        if parts.is_empty() {
            parts.push("nothing".to_owned());
        }
        out.write_str(&parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_condition_is_half_as_bad() {
        let whole = LinkCondition {
            delay_ms: 25.0,
            loss_percent: 5.0,
            rate_kbit: Some(100),
            ..Default::default()
        };
        let half = whole.scaled(0.5);
        assert_eq!((half.delay_ms, half.loss_percent, half.rate_kbit), (12.5, 2.5, Some(200)));
        assert_eq!(whole.scaled(1.0), whole);
    }

    #[test]
    fn two_conditions_on_one_link_add_up() {
        let slow = LinkCondition { delay_ms: 20.0, loss_percent: 50.0, ..Default::default() };
        let narrow =
            LinkCondition { rate_kbit: Some(100), loss_percent: 50.0, ..Default::default() };
        let both = slow.and(&narrow);
        assert_eq!((both.delay_ms, both.loss_percent), (20.0, 75.0));
        assert_eq!(both.rate_kbit, Some(100));
        assert_eq!(slow.and(&LinkCondition::default()), slow);
        assert_eq!(both.to_string(), "20 ms delay, 75 % loss, 100 kbit/s");
    }
}

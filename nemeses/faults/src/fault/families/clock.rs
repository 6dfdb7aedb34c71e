//! Clock faults: a node's clocks differ from the machine's.
//!
//! Real hosts step only the wall clock (`settimeofday(2)`) and drift both clocks together, by a
//! tenth at most; so do these faults. The monotonic clock never goes backwards.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::effect::{Effect, Measurement};
use crate::fault::bounds::SHORTEST_STEP_MS;
use crate::fault::state::list;
use crate::fault::{
    About, Action, Aim, Engine, Excuse, Fault, Processes, Spec, State, Steps, UndoneWith,
};
use crate::fault::{Acting, Judgement, Probe, by_node, failures, indeterminate, of, outcome_of};
use crate::fault::{Budget, RoleDraw, Step, on_and_off, throughout, weighted, whole_between};
use crate::host::{ClockSeen, PerNode};
use crate::outcome::Outcome;

pub(in crate::fault) const ABOUT: About = About {
    name: "clock",
    letter: 'C',
    description: "a node's own clocks go wrong: the wall clock jumps or strobes, both clocks drift",
    engine: Engine::Clocks,
    cuts_links: false,
    within_fault_model: true,
    processes: Processes::Running,
    excuse: Excuse::WhileOn,
    fields: &["aim", "error", "by_ms", "every_ms", "rate"],
    lasts: (0.1, 8.0),
    draw: |wanted, random| {
        let aim = wanted.limits.aim(&WEIGHTS, random);
        Some(Fault::Clock(Clock { aim, error: ClockError::draw(random) }))
    },
    parts_leader: false,
    budget_alone: Budget::All,
    gap_alone: (0.1, 1.0),
    comes_on_top: false,
    undone: UndoneWith::Clocks,
    steps: Steps::Replace,
};

/// Clocks of some nodes go wrong while the fault lasts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Clock {
    /// The nodes whose clocks go wrong.
    pub aim: Aim,
    /// The error of their clocks.
    #[serde(flatten)]
    pub error: ClockError,
}

/// An error of a clock. In TOML `error = "jump"` with `by_ms = -5000`.
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

/// The weight of each aim in a draw. All clocks may go wrong at once: Raft promises nothing about
/// them that it needs for safety.
const WEIGHTS: [(Aim, u32); 5] =
    [(Aim::Leader, 4), (Aim::Follower, 2), (Aim::One, 1), (Aim::Minority, 1), (Aim::All, 2)];

/// The kinds of errors, for the draw.
#[derive(Debug, Clone, Copy)]
enum Deviation {
    Jump,
    Strobe,
    Drift,
}

const DEVIATIONS: [(Deviation, u32); 3] =
    [(Deviation::Jump, 4), (Deviation::Strobe, 2), (Deviation::Drift, 3)];

/// From a fraction of an election time-out to more than any lease.
const JUMP_MS: (f64, f64) = (100.0, 60_000.0);
/// From a fraction of an election time-out to several.
const STROBE_MS: (f64, f64) = (50.0, 5000.0);
/// The time that a strobing clock stays before it jumps again.
const BEAT_MS: (f64, f64) = (50.0, 1000.0);
/// The distance of a drifting clock's rate from 1, in thousandths.
const DRIFT: (f64, f64) = (10.0, 100.0);

impl ClockError {
    fn draw(random: &mut ChaCha8Rng) -> Self {
        let sign = if random.random_bool(0.5) { 1.0 } else { -1.0 };
        match weighted(&DEVIATIONS, |_| true, random) {
            Deviation::Jump => {
                Self::Jump { by_ms: (sign * whole_between(JUMP_MS.0, JUMP_MS.1, random)) as i64 }
            }
            Deviation::Strobe => Self::strobe(random),
            Deviation::Drift => {
                Self::Drift { rate: (1e3 + sign * whole_between(DRIFT.0, DRIFT.1, random)) / 1e3 }
            }
        }
    }

    /// Draws a wall clock that steps to and fro.
    fn strobe(random: &mut ChaCha8Rng) -> Self {
        let sign = if random.random_bool(0.5) { 1.0 } else { -1.0 };
        let by_ms = (sign * whole_between(STROBE_MS.0, STROBE_MS.1, random)) as i64;
        Self::Strobe { by_ms, every_ms: whole_between(BEAT_MS.0, BEAT_MS.1, random) as u32 }
    }

    /// The condition of the clocks while it is on.
    pub(in crate::fault) fn condition(&self) -> ClockCondition {
        let right = ClockCondition::default();
        match *self {
            Self::Jump { by_ms } | Self::Strobe { by_ms, .. } => {
                ClockCondition { wall_shift_ms: by_ms, ..right }
            }
            Self::Drift { rate } => ClockCondition { rate, ..right },
        }
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} at {}", self.error, self.aim)
    }
}

/// The farthest that a clock may jump, in milliseconds: ten years.
const FARTHEST_JUMP_MS: i64 = 10 * 365 * 24 * 3600 * 1000;

impl Spec for Clock {
    fn aim(&self) -> Option<Aim> {
        Some(self.aim)
    }

    fn set_aim(&mut self, aim: Aim) {
        self.aim = aim;
    }

    fn validate(&self, _: usize) -> Result<(), String> {
        match self.error {
            ClockError::Jump { by_ms } | ClockError::Strobe { by_ms, .. }
                if by_ms == 0 || by_ms.checked_abs().is_none_or(|by| by > FARTHEST_JUMP_MS) =>
            {
                Err(format!("a clock jumps by something, ten years at most, not by {by_ms} ms"))
            }
            ClockError::Strobe { every_ms, .. } if every_ms < SHORTEST_STEP_MS => {
                Err(format!("every_ms is at least {SHORTEST_STEP_MS}, not {every_ms}"))
            }
            ClockError::Drift { rate } if !ClockCondition::RATES.contains(&rate) => {
                Err(format!("a rate is from 0.9 to 1.1, not {rate}"))
            }
            ClockError::Drift { rate: 1.0 } => Err("at rate 1 a clock goes right".to_owned()),
            _ => Ok(()),
        }
    }

    fn resolve(&self, roles: &mut RoleDraw<'_>) -> Action {
        Action::Clock(Clocks(roles.each(self.aim, self.error.condition())))
    }

    fn over_time(&self, whole: Action, lasts: Duration, _: &mut ChaCha8Rng) -> Vec<Step> {
        match self.error {
            ClockError::Strobe { every_ms, .. } => {
                let every = Duration::from_millis(every_ms.into());
                on_and_off(whole, every, every * 2, lasts)
            }
            ClockError::Jump { .. } | ClockError::Drift { .. } => throughout(whole),
        }
    }
}

/// The difference of a process's clocks from the machine's.
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
    /// The rates of real clocks that a fault may ask for: beyond them nothing is promised.
    pub const RATES: std::ops::RangeInclusive<f64> = 0.9..=1.1;

    /// Returns true if the clocks go right.
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

/// The clocks of these nodes go wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Clocks(pub BTreeMap<String, ClockCondition>);

impl fmt::Display for Clocks {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "change the clocks of {}", list(&self.nodes()))
    }
}

/// Every shift and every rate of each node's clocks.
fn together<'a>(clocks: impl Iterator<Item = &'a Clocks>) -> BTreeMap<String, ClockCondition> {
    by_node(clocks.map(|clocks| &clocks.0), ClockCondition::and)
}

impl State for Clocks {
    fn nodes(&self) -> BTreeSet<String> {
        self.0.keys().cloned().collect()
    }

    fn retain(&mut self, kept: &BTreeSet<String>) {
        self.0.retain(|node, _| kept.contains(node));
    }

    /// A node whose promises rest on clocks of about the same rate may rather end. It cannot tell which
    /// of two clocks is wrong, so that may be any node. No promise rests on where a wall clock stands.
    fn may_end(&self, _: &str) -> bool {
        self.0.values().any(|condition| condition.rate != 1.0)
    }

    fn inject(&self, acting: &mut Acting<'_>, probe: Probe) -> Judgement {
        let composed = together(acting.states());
        if probe == Probe::Skip {
            let seen = of(&self.0, acting.host.set_clocks(&composed));
            return Judgement::settled(outcome_of(&seen), offsets(&seen));
        }
        // What the clocks read before. Those of which nothing was asked are told to go right, so
        // that they are read too.
        let mut others = together(acting.actions_of_others().filter_map(crate::fault::Held::of));
        self.0.keys().for_each(|node| _ = others.entry(node.clone()).or_default());
        let before = acting.host.set_clocks(&others);
        let after = acting.host.set_clocks(&composed);
        let (outcome, effect) = judge(&self.0, &composed, &before, &after);
        Judgement::settled(outcome, effect)
    }

    fn over_life(&self, acting: &mut Acting<'_>) -> (Option<Outcome>, Effect) {
        let mut composed = together(acting.states());
        self.0.keys().for_each(|node| _ = composed.entry(node.clone()).or_default());
        (None, offsets(&of(&self.0, acting.host.set_clocks(&composed))))
    }

    fn release(&self, acting: &mut Acting<'_>, _: Probe) -> (Effect, Vec<String>) {
        let composed = together(acting.states());
        (Effect::new(), failures(&of(&self.0, acting.host.set_clocks(&composed))))
    }
}

/// A wall clock is read a moment after it was set, and may drift meanwhile.
const TOLERANCE_MS: f64 = 50.0;
/// The rate of a clock is read back as it was set, but for rounding.
const RATE_TOLERANCE: f64 = 1e-3;

/// Judges whether clocks read as far off as was asked for: moved by what was asked since `before`,
/// and running at the rate that all faults together ask for.
fn judge(
    asked: &BTreeMap<String, ClockCondition>,
    composed: &BTreeMap<String, ClockCondition>,
    before: &PerNode<ClockSeen>,
    after: &PerNode<ClockSeen>,
) -> (Outcome, Effect) {
    let mut wrong = Vec::new();
    for (node, condition) in asked {
        let Some(Ok(seen)) = after.get(node) else { continue };
        let offset_before = match before.get(node) {
            Some(Ok(before)) => before.wall_offset_ms,
            _ => 0.0,
        };
        let moved = seen.wall_offset_ms - offset_before;
        if (moved - condition.wall_shift_ms as f64).abs() > TOLERANCE_MS {
            let asked = condition.wall_shift_ms;
            wrong.push(format!("{node}: the clock moved by {moved:.0} ms, not {asked} ms"));
        }
        let rate = composed.get(node).map_or(1.0, |condition| condition.rate);
        if (seen.rate - rate).abs() > RATE_TOLERANCE {
            wrong.push(format!("{node}: the clock runs at rate {}, not {rate}", seen.rate));
        }
    }
    let of_asked = of(asked, after.clone());
    let outcome = match outcome_of(&of_asked) {
        Outcome::Installed if of_asked.is_empty() => indeterminate("no clock was read"),
        Outcome::Installed if !wrong.is_empty() => indeterminate(wrong.join("; ")),
        outcome => outcome,
    };
    (outcome, offsets(&of_asked))
}

/// The offsets and the rate of the clock that is the farthest off.
fn offsets(seen: &PerNode<ClockSeen>) -> Effect {
    let seen = seen.values().filter_map(|result| result.as_ref().ok());
    let far = |seen: &&ClockSeen| seen.wall_offset_ms.abs() + (seen.rate - 1.0).abs();
    let Some(farthest) = seen.max_by(|left, right| far(left).total_cmp(&far(right))) else {
        return Effect::new();
    };
    let rounded = |value: f64| (value * 1e6).round() / 1e6;
    Effect::new()
        .with("wall", Measurement::Offset(rounded(farthest.wall_offset_ms)))
        .with("monotonic", Measurement::Offset(rounded(farthest.monotonic_offset_ms)))
        .with("rate", Measurement::Rate(rounded(farthest.rate)))
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

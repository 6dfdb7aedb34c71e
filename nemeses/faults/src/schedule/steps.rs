//! Faults that change while they last: flaky links, strobes, crash loops, rolling restarts, ramps.
//! Each is a sequence of plain states, so that what carries them out needs no idea of any of them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use super::Action;
use crate::fault::{ClockCondition, Fault, Rhythm};

/// A state that a fault holds from a time on.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// How long after the fault began.
    pub after: Duration,
    /// The state, until the next step or the fault's end.
    pub action: Action,
}

/// In a crash loop a node is down for so many milliseconds.
const CRASH_DOWN_MS: (f64, f64) = (20.0, 300.0);
/// And then up for so many: mostly too short to recover, now and then long enough.
const CRASH_UP_MS: (f64, f64) = (20.0, 1500.0);

/// A ramp climbs for this share of the fault's time, stays, and descends for as long.
const RAMP_SHARE: f64 = 0.4;
/// The steps of a ramp are shorter than any election timeout.
const RAMP_STEP: Duration = Duration::from_millis(100);

/// What a fault does at which time of its life, when `whole` is what it does to whom. What is
/// random about it is drawn from `pick`.
pub(super) fn over_time(fault: &Fault, whole: Action, lasts: Duration, pick: u32) -> Vec<Step> {
    let mut random = ChaCha8Rng::seed_from_u64(pick.into());
    random.set_stream(1);
    match (fault, whole) {
        (Fault::Partition(partition), whole) if partition.is_flaky() => {
            let cut = Duration::from_millis(partition.cut_ms.into());
            let period = cut + Duration::from_millis(partition.whole_ms.into());
            beats(whole, cut, period, lasts)
        }
        (Fault::Packet(packet), Action::Shape(shaping)) if packet.ramp => {
            ramp(lasts, |part| Action::Shape(shaping.scaled(part)))
        }
        (Fault::Kill(kill), Action::Kill(nodes)) => match kill.rhythm {
            Rhythm::Once => throughout(Action::Kill(nodes)),
            Rhythm::Loop => crash_loop(&nodes, lasts, &mut random),
            Rhythm::Rolling => rolling(&nodes, lasts, &mut random),
        },
        (Fault::Clock(clock), Action::Clocks(clocks)) => match clock.error.period() {
            Some(period) => beats(Action::Clocks(clocks), period, period * 2, lasts),
            None => throughout(Action::Clocks(clocks)),
        },
        (_, whole) => throughout(whole),
    }
}

fn throughout(action: Action) -> Vec<Step> {
    vec![Step { after: Duration::ZERO, action }]
}

/// `action` for `on`, then nothing for the rest of the `period`, again and again.
fn beats(action: Action, on: Duration, period: Duration, lasts: Duration) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut begin = Duration::ZERO;
    while begin < lasts || steps.is_empty() {
        steps.push(Step { after: begin, action: action.clone() });
        if begin + on < lasts {
            steps.push(Step { after: begin + on, action: Action::Nothing });
        }
        begin += period.max(Duration::from_millis(1));
    }
    steps
}

fn ramp(lasts: Duration, part: impl Fn(f64) -> Action) -> Vec<Step> {
    let climb = lasts.mul_f64(RAMP_SHARE);
    let count = (climb.as_millis() / RAMP_STEP.as_millis()).max(1) as u32;
    let at = |step: u32| Duration::from_millis((climb * step / count).as_millis() as u64);
    let share = |step: u32| f64::from(step) / f64::from(count);
    let up = (1..=count).map(|step| Step { after: at(step - 1), action: part(share(step)) });
    // The last step down is the fault's end.
    let down =
        (1..count).rev().map(|step| Step { after: lasts - at(step), action: part(share(step)) });
    up.chain(down).collect()
}

fn crash_loop(nodes: &BTreeSet<String>, lasts: Duration, random: &mut ChaCha8Rng) -> Vec<Step> {
    let mut between = |(least, most): (f64, f64)| {
        let milliseconds = least * (most / least).powf(random.random_range(0.0..1.0));
        Duration::from_millis(milliseconds.round() as u64)
    };
    let mut steps = Vec::new();
    let mut now = Duration::ZERO;
    while now < lasts || steps.is_empty() {
        steps.push(Step { after: now, action: Action::Kill(nodes.clone()) });
        now += between(CRASH_DOWN_MS);
        if now < lasts {
            steps.push(Step { after: now, action: Action::Nothing });
        }
        now += between(CRASH_UP_MS);
    }
    steps
}

/// Each node is down for half of its share of the time.
fn rolling(nodes: &BTreeSet<String>, lasts: Duration, random: &mut ChaCha8Rng) -> Vec<Step> {
    let mut order: Vec<_> = nodes.iter().cloned().collect();
    order.shuffle(random);
    let turns = 2 * order.len().max(1) as u32;
    let at = |turn: u32| Duration::from_millis((lasts * turn / turns).as_millis() as u64);
    let mut steps = Vec::new();
    for (node, turn) in order.into_iter().zip((0..).step_by(2)) {
        steps.push(Step { after: at(turn), action: Action::Kill([node].into()) });
        steps.push(Step { after: at(turn + 1), action: Action::Nothing });
    }
    steps
}

/// The same condition for each of these nodes.
pub(super) fn each<T: Copy>(nodes: BTreeSet<String>, condition: T) -> BTreeMap<String, T> {
    nodes.into_iter().map(|node| (node, condition)).collect()
}

impl crate::fault::ClockError {
    /// How long each beat takes of a clock that steps to and fro; none of others.
    fn period(&self) -> Option<Duration> {
        match self {
            Self::Strobe { every_ms, .. } => Some(Duration::from_millis((*every_ms).into())),
            Self::Jump { .. } | Self::Drift { .. } => None,
        }
    }

    /// What it means for the clocks, while it is on.
    pub(super) fn condition(&self) -> ClockCondition {
        let right = ClockCondition::default();
        match *self {
            Self::Jump { by_ms } | Self::Strobe { by_ms, .. } => {
                ClockCondition { wall_shift_ms: by_ms, ..right }
            }
            Self::Drift { rate } => ClockCondition { rate, ..right },
        }
    }
}

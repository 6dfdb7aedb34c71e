//! Packet faults: links are slow, lossy or narrow instead of dead.
//!
//! A fault of one direction only reaches states that a symmetric one never does: a leader whose
//! heartbeats arrive late is deposed while it hears of it at once. So does a delay that ramps up in
//! steps shorter than an election timeout: the leader lingers where a sudden one deposes it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::effect::{Effect, Measurement};
use crate::fault::bounds::{delay, percent};
use crate::fault::{
    About, Action, Aim, Engine, Excuse, Fault, Processes, Spec, State, Steps, UndoneWith, Wanted,
};
use crate::fault::{Acting, Judgement, Probe, indeterminate, join};
use crate::fault::{Budget, RoleDraw, Step, seconds_to_show, throughout, weighted, whole_between};
use crate::grudge::{CLIENTS, Link};
use crate::host::{HostError, LinkCounts, LinkSeen};
use crate::outcome::Outcome;
pub use crate::shaping::Shaping;

pub(in crate::fault) const ABOUT: About = About {
    name: "packet",
    letter: 'N',
    description: "packets are delayed, lost, duplicated, reordered, corrupted or held to a rate, \
                  in one direction or both, at once or ramping up",
    engine: Engine::Packets,
    cuts_links: false,
    within_fault_model: true,
    processes: Processes::Running,
    excuse: Excuse::WhileOn,
    fields: &[
        "aim",
        "direction",
        "clients",
        "ramp",
        "delay_ms",
        "jitter_ms",
        "loss_percent",
        "duplicate_percent",
        "reorder_percent",
        "corrupt_percent",
        "rate_kbit",
    ],
    lasts: (0.3, 8.0),
    draw: |wanted, random| Some(Fault::Packet(Packet::draw(wanted, random))),
    parts_leader: false,
    budget_alone: Budget::All,
    gap_alone: (0.1, 1.0),
    comes_on_top: false,
    undone: UndoneWith::Links,
    steps: Steps::Replace,
};

/// Packets of some links are troubled while the fault lasts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Packet {
    /// The nodes whose links are troubled.
    pub aim: Aim,
    /// The direction of those links, seen from the nodes.
    pub direction: Direction,
    /// Set if their links with the clients are among them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub clients: bool,
    /// Set if it grows in steps to its full measure and shrinks again, instead of being there at
    /// once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ramp: bool,
    /// The condition of those links.
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

/// A direction of the links of a node, seen from it.
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

/// The weight of each aim in a draw.
const WEIGHTS: [(Aim, u32); 5] =
    [(Aim::Leader, 5), (Aim::Follower, 2), (Aim::One, 1), (Aim::Minority, 1), (Aim::All, 2)];

/// The weight of each direction in a draw: one alone reaches more.
const DIRECTIONS: [(Direction, u32); 3] =
    [(Direction::Into, 3), (Direction::OutOf, 2), (Direction::Both, 2)];

/// The kinds of disturbances, for the draw.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Disturbance {
    Delay,
    Loss,
    Duplicate,
    Reorder,
    Corrupt,
    Rate,
    DelayAndLoss,
}

const DISTURBANCES: [(Disturbance, u32); 7] = [
    (Disturbance::Delay, 5),
    (Disturbance::Loss, 3),
    (Disturbance::Duplicate, 2),
    (Disturbance::Reorder, 2),
    (Disturbance::Corrupt, 1),
    (Disturbance::Rate, 1),
    (Disturbance::DelayAndLoss, 2),
];

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
    /// Draws one, leaders first. A single node has links with clients only.
    fn draw(wanted: &Wanted, random: &mut ChaCha8Rng) -> Self {
        let Wanted { limits, lasts, .. } = *wanted;
        let way = weighted(&DISTURBANCES, |_| true, random);
        let none = LinkCondition::default();
        let mut drawn = |(least, most): (f64, f64)| whole_between(least, most, random);
        let condition = match way {
            Disturbance::Delay => LinkCondition::delay(wanted, random),
            Disturbance::Loss => LinkCondition { loss_percent: drawn(LOSS_PERCENT), ..none },
            Disturbance::Duplicate => {
                LinkCondition { duplicate_percent: drawn(TROUBLE_PERCENT), ..none }
            }
            Disturbance::Reorder => {
                LinkCondition { reorder_percent: drawn(TROUBLE_PERCENT), ..none }
            }
            Disturbance::Corrupt => {
                LinkCondition { corrupt_percent: drawn(CORRUPT_PERCENT), ..none }
            }
            Disturbance::Rate => LinkCondition { rate_kbit: Some(drawn(RATE_KBIT) as u64), ..none },
            Disturbance::DelayAndLoss => {
                let loss_percent = drawn(LOSS_PERCENT);
                LinkCondition { loss_percent, ..LinkCondition::delay(wanted, random) }
            }
        };
        let ramp = random.random_bool(RAMP_CHANCE);
        Self {
            aim: limits.aim(&WEIGHTS, random),
            direction: weighted(&DIRECTIONS, |_| true, random),
            clients: random.random_bool(CLIENTS_CHANCE) || limits.nodes < 2,
            ramp: ramp && way == Disturbance::Delay && lasts >= SHORTEST_RAMP,
            condition,
        }
    }
}

impl Spec for Packet {
    fn aim(&self) -> Option<Aim> {
        Some(self.aim)
    }

    fn set_aim(&mut self, aim: Aim) {
        self.aim = aim;
    }

    fn least_seconds(&self) -> f64 {
        seconds_to_show(self.condition.delay_ms)
    }

    fn validate(&self, nodes: usize) -> Result<(), String> {
        let condition = &self.condition;
        delay("delay_ms", condition.delay_ms)?;
        delay("jitter_ms", condition.jitter_ms)?;
        percent("loss_percent", condition.loss_percent)?;
        percent("duplicate_percent", condition.duplicate_percent)?;
        percent("reorder_percent", condition.reorder_percent)?;
        percent("corrupt_percent", condition.corrupt_percent)?;
        if condition.rate_kbit == Some(0) {
            return Err("rate_kbit must be above 0; a partition cuts links".to_owned());
        }
        if condition.is_neutral() {
            return Err("nothing happens to the packets; say delay_ms, loss_percent…".to_owned());
        }
        if nodes < 2 && !self.clients {
            return Err("a single node has links with clients only; say clients = true".to_owned());
        }
        Ok(())
    }

    fn resolve(&self, roles: &mut RoleDraw<'_>) -> Action {
        let targets = roles.nodes(self.aim);
        let clients = self.clients.then(|| CLIENTS.to_owned());
        let everybody: Vec<_> = roles.shuffled().iter().cloned().chain(clients).collect();
        let mut links = BTreeSet::new();
        for node in &targets {
            for other in everybody.iter().filter(|other| *other != node) {
                if self.direction != Direction::OutOf {
                    links.insert((other, node));
                }
                if self.direction != Direction::Into {
                    links.insert((node, other));
                }
            }
        }
        let mut shaping = Shaping::none();
        links.iter().for_each(|(from, to)| shaping.trouble(from, to, &self.condition));
        Action::Packet(shaping)
    }

    fn over_time(&self, whole: Action, lasts: Duration, _: &mut ChaCha8Rng) -> Vec<Step> {
        match &whole {
            Action::Packet(shaping) if self.ramp => {
                ramp(lasts, |part| Action::Packet(shaping.scaled(part)))
            }
            _ => throughout(whole),
        }
    }
}

/// A ramp climbs for this share of the fault's time, stays, and descends for as long.
const RAMP_SHARE: f64 = 0.4;
/// The steps of a ramp are shorter than any election timeout.
const RAMP_STEP: Duration = Duration::from_millis(100);

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

impl LinkCondition {
    /// Draws a delay, as often with jitter as without. What takes longer than the fault lasts is a
    /// cut.
    fn delay(wanted: &Wanted, random: &mut ChaCha8Rng) -> Self {
        let delay_ms = wanted.limits.timers.draw(wanted.longest, random);
        let jitter = if random.random_bool(0.5) { random.random_range(0.0..0.5) } else { 0.0 };
        Self { delay_ms, jitter_ms: (delay_ms * jitter).round(), ..Self::default() }
    }
}

/// A condition of one directed link. The default is nothing.
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
    /// Returns true if it delays every packet by some time and does nothing else.
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

    /// Returns true if packets pass as if there were no fault.
    pub fn is_neutral(&self) -> bool {
        *self == Self::default()
    }

    /// The condition that a packet meets which passes both, one after the other.
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

/// These links trouble their packets.
impl State for Shaping {
    fn nodes(&self) -> BTreeSet<String> {
        BTreeSet::new()
    }

    fn retain(&mut self, _: &BTreeSet<String>) {}

    fn is_empty(&self) -> bool {
        Shaping::is_empty(self)
    }

    fn prepare(&self, acting: &mut Acting<'_>) -> Result<(), HostError> {
        let shaped = acting.host.shaped()?;
        if let Some(own) = acting.own() {
            own.shaped_before = shaped;
        }
        Ok(())
    }

    fn inject(&self, acting: &mut Acting<'_>, probe: Probe) -> Judgement {
        let union = union(acting);
        match acting.host.shape(&union, probe == Probe::Wait) {
            Ok(seen) if probe == Probe::Wait => judge(self, &seen),
            Ok(_) => Judgement::settled(Outcome::Installed, Effect::new()),
            Err(error) => error.into(),
        }
    }

    fn over_life(&self, acting: &mut Acting<'_>) -> (Option<Outcome>, Effect) {
        let now = match acting.host.shaped() {
            Ok(now) => now,
            Err(error) => return (Some(indeterminate(error.to_string())), Effect::new()),
        };
        let Some(own) = acting.own() else { return (None, Effect::new()) };
        let (outcome, effect) = judge_over_life(self, &own.shaped_before, &now);
        (Some(outcome), effect)
    }

    fn release(&self, acting: &mut Acting<'_>, _: Probe) -> (Effect, Vec<String>) {
        let union = union(acting);
        let problem = acting.host.shape(&union, false).err();
        (Effect::new(), problem.iter().map(ToString::to_string).collect())
    }
}

/// Every troubled link, with all that troubles it.
fn union(acting: &Acting<'_>) -> BTreeMap<Link, LinkCondition> {
    let mut union = Shaping::none();
    acting.states::<Shaping>().for_each(|shaping| union.merge(shaping));
    union.links().collect()
}

/// Judges whether probes met on every link of `asked` what was asked of it. What befalls only some
/// packets is counted over time instead, so that stays open.
fn judge(asked: &Shaping, seen: &BTreeMap<Link, LinkSeen>) -> Judgement {
    let (mut sent, mut arrived, mut fastest) = (0, 0, None::<f64>);
    let (mut unproven, mut too_fast) = (BTreeSet::new(), Vec::new());
    for (link, condition) in asked.links() {
        let seen = seen.get(&link).copied().unwrap_or_default();
        sent += u64::from(seen.sent);
        arrived += u64::from(seen.arrived);
        if let Some(time) = seen.fastest_ms {
            fastest = Some(fastest.map_or(time, |fastest: f64| fastest.min(time)));
        }
        match seen.fastest_ms {
            Some(time) if time < condition.delay_ms => too_fast.push(format!("{link}: {time} ms")),
            Some(_) if condition.is_delay() => {}
            _ => _ = unproven.insert(link),
        }
    }
    let mut effect = Effect::new();
    if let Some(fastest) = fastest {
        effect.set("one_way", Measurement::Milliseconds(fastest));
    }
    effect = effect
        .counting("probes_arrived", arrived)
        .counting("probes_sent", sent)
        .counting("links_shaped", asked.links().count() as u64);
    if !too_fast.is_empty() {
        let reason = format!("a packet was faster than asked for ({})", too_fast.join(", "));
        return Judgement::settled(indeterminate(reason), effect);
    }
    let outcome = if unproven.is_empty() {
        Outcome::Installed
    } else {
        indeterminate(format!("probes alone do not show it on {}", join(&unproven)))
    };
    Judgement::open(outcome, effect)
}

/// The counters of the links of `asked` between two readings, and a judgement of whether that is
/// all that was asked of them: of each kind of trouble at least one packet.
fn judge_over_life(
    asked: &Shaping,
    before: &BTreeMap<Link, LinkCounts>,
    after: &BTreeMap<Link, LinkCounts>,
) -> (Outcome, Effect) {
    let mut whole = LinkCondition::default();
    let total = |count: fn(&LinkCounts) -> u64| -> u64 {
        let of =
            |counts: &BTreeMap<Link, LinkCounts>, link: &Link| counts.get(link).map_or(0, count);
        asked.links().map(|(link, _)| of(after, &link).saturating_sub(of(before, &link))).sum()
    };
    asked.links().for_each(|(_, condition)| whole = whole.and(&condition));
    let delays = whole.delay_ms > 0.0 || whole.jitter_ms > 0.0 || whole.rate_kbit.is_some();
    let counts = [
        ("packets_delayed", total(|counts| counts.delayed), delays),
        ("packets_lost", total(|counts| counts.lost), whole.loss_percent > 0.0),
        ("packets_duplicated", total(|counts| counts.duplicated), whole.duplicate_percent > 0.0),
        ("packets_reordered", total(|counts| counts.reordered), whole.reorder_percent > 0.0),
        ("packets_corrupted", total(|counts| counts.corrupted), whole.corrupt_percent > 0.0),
    ];
    let (mut effect, mut missing) = (Effect::new(), Vec::new());
    for (name, count, wanted) in counts {
        if wanted || count > 0 {
            effect.set(name, Measurement::Count(count));
        }
        if wanted && count == 0 {
            missing.push(name.replace('_', " "));
        }
    }
    let outcome = match missing.is_empty() {
        true => Outcome::Installed,
        false => indeterminate(format!("no {}", missing.join(", no "))),
    };
    (outcome, effect)
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

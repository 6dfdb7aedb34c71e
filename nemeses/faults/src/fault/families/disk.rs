//! Disk faults: a node's disk is slow, full, read-only or fails.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::disk_seen::{judge, together};
use super::packet::{either, is_zero};
use crate::effect::Effect;
use crate::fault::bounds::{delay, percent};
use crate::fault::state::list;
use crate::fault::{
    About, Action, Aim, Engine, Excuse, Fault, Processes, Spec, State, Steps, UndoneWith, Wanted,
};
use crate::fault::{Acting, Judgement, Probe, by_node, failures, indeterminate, of, outcome_of};
use crate::fault::{Budget, RoleDraw, seconds_to_show, weighted, whole_between};
use crate::host::{DiskSeen, PerNode};
use crate::outcome::Outcome;

pub(in crate::fault) const ABOUT: About = About {
    name: "disk",
    letter: 'D',
    description: "a node's disk is slow, stalls fsync, is narrow, full or read-only, or fails with \
                  EIO",
    engine: Engine::Disks,
    cuts_links: false,
    within_fault_model: true,
    processes: Processes::Running,
    excuse: Excuse::WhileOn,
    fields: &["aim", "trouble", "delay_ms", "jitter_ms", "kib_per_second", "percent", "after_kib"],
    lasts: (0.3, 8.0),
    draw: |wanted, random| Some(Fault::Disk(Disk::draw(wanted, random))),
    parts_leader: false,
    budget_alone: Budget::All,
    gap_alone: (0.1, 1.0),
    comes_on_top: false,
    undone: UndoneWith::Disks,
    steps: Steps::Replace,
};

/// Disks of some nodes are troubled while the fault lasts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Disk {
    /// The nodes whose disks are troubled.
    pub aim: Aim,
    /// The defect.
    #[serde(flatten)]
    pub trouble: DiskFault,
}

/// A defect of a disk. In TOML `trouble = "slow-fsync"` with `delay_ms = 50`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "trouble", rename_all = "kebab-case")]
pub enum DiskFault {
    /// Every operation takes longer.
    Slow {
        /// By so many milliseconds.
        delay_ms: f64,
        /// And up to so many more, drawn for each operation.
        #[serde(default, skip_serializing_if = "is_zero")]
        jitter_ms: f64,
    },
    /// Each fsync takes longer; everything else is as fast as ever.
    SlowFsync {
        /// By so many milliseconds.
        delay_ms: f64,
        /// And up to so many more, drawn for each.
        #[serde(default, skip_serializing_if = "is_zero")]
        jitter_ms: f64,
    },
    /// No fsync returns until the fault ends.
    StalledFsync,
    /// Reads and writes share a small bandwidth.
    Narrow {
        /// KiB a second.
        kib_per_second: u64,
    },
    /// Reads, writes and fsyncs fail with EIO now and then.
    Failing {
        /// So many of a hundred.
        percent: f64,
    },
    /// Fsyncs fail with EIO now and then, and with them what they were to write is forgotten.
    FailingFsync {
        /// So many of a hundred.
        percent: f64,
    },
    /// Writes fail with ENOSPC after a little more was written.
    Full {
        /// KiB that still fit.
        after_kib: u64,
    },
    /// Writes fail with EROFS.
    ReadOnly,
}

impl DiskFault {
    /// The condition of each operation under it.
    pub fn condition(&self) -> DiskCondition {
        let slow = |delay_ms, jitter_ms| OpCondition { delay_ms, jitter_ms, error_percent: 0.0 };
        let none = DiskCondition::default();
        match *self {
            Self::Slow { delay_ms, jitter_ms } => {
                let op = slow(delay_ms, jitter_ms);
                DiskCondition { read: op, write: op, fsync: op, metadata: op, ..none }
            }
            Self::SlowFsync { delay_ms, jitter_ms } => {
                DiskCondition { fsync: slow(delay_ms, jitter_ms), ..none }
            }
            Self::StalledFsync => DiskCondition { fsync_stalled: true, ..none },
            Self::Narrow { kib_per_second } => {
                DiskCondition { kib_per_second: Some(kib_per_second), ..none }
            }
            Self::Failing { percent } => {
                let op = OpCondition { error_percent: percent, ..OpCondition::default() };
                DiskCondition { read: op, write: op, fsync: op, ..none }
            }
            Self::FailingFsync { percent } => {
                let fsync = OpCondition { error_percent: percent, ..OpCondition::default() };
                DiskCondition { fsync, ..none }
            }
            Self::Full { after_kib } => DiskCondition { full_after_kib: Some(after_kib), ..none },
            Self::ReadOnly => DiskCondition { read_only: true, ..none },
        }
    }

    /// Returns true if a node with such a disk can no longer do its part: nothing becomes durable.
    pub fn takes_down(&self) -> bool {
        matches!(
            self,
            Self::StalledFsync
                | Self::Failing { .. }
                | Self::FailingFsync { .. }
                | Self::Full { .. }
                | Self::ReadOnly
        )
    }
}

/// `50 to 60`, or `50` without jitter.
fn range(delay: f64, jitter: f64) -> String {
    if jitter == 0.0 { delay.to_string() } else { format!("{delay} to {}", delay + jitter) }
}

impl fmt::Display for DiskFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slow { delay_ms, jitter_ms } => {
                write!(out, "every disk operation {} ms slower", range(*delay_ms, *jitter_ms))
            }
            Self::SlowFsync { delay_ms, jitter_ms } => {
                write!(out, "fsync {} ms slower", range(*delay_ms, *jitter_ms))
            }
            Self::StalledFsync => out.write_str("fsync stalled"),
            Self::Narrow { kib_per_second } => write!(out, "disk at {kib_per_second} KiB/s"),
            Self::Failing { percent } => write!(out, "{percent} % of disk operations fail"),
            Self::FailingFsync { percent } => write!(out, "{percent} % of fsyncs fail"),
            Self::Full { after_kib } => write!(out, "disk full after {after_kib} KiB"),
            Self::ReadOnly => out.write_str("disk read-only"),
        }
    }
}

/// The weight of each aim in a draw: a leader waits for its own disk, and for a majority of all.
const WEIGHTS: [(Aim, u32); 6] = [
    (Aim::Leader, 4),
    (Aim::Follower, 2),
    (Aim::One, 1),
    (Aim::Minority, 2),
    (Aim::Majority, 1),
    (Aim::All, 1),
];

/// The kinds of defects, for the draw.
#[derive(Debug, Clone, Copy)]
enum Defect {
    Slow,
    SlowFsync,
    StalledFsync,
    Narrow,
    Failing,
    FailingFsync,
    Full,
    ReadOnly,
}

const DEFECTS: [(Defect, u32); 8] = [
    (Defect::SlowFsync, 4),
    (Defect::Slow, 2),
    (Defect::StalledFsync, 2),
    (Defect::Narrow, 1),
    (Defect::Failing, 1),
    (Defect::FailingFsync, 1),
    (Defect::Full, 1),
    (Defect::ReadOnly, 1),
];

/// That of a good disk, in milliseconds. Some slow fsyncs take from here to a heartbeat: slower
/// ones make acknowledgements come in bursts, and what strikes then strikes between them.
const GOOD_FSYNC_MS: f64 = 5.0;
/// So many take as long as the service's own timers.
const AS_LONG_AS_TIMERS: f64 = 0.65;
/// Every operation: one commit takes several.
const OPERATION_MS: (f64, f64) = (1.0, 50.0);
const KIB_PER_SECOND: (f64, f64) = (64.0, 4096.0);
const FAILING_PERCENT: (f64, f64) = (1.0, 50.0);
const FREE_KIB: (f64, f64) = (1.0, 256.0);

impl Disk {
    /// Draws one, leaders first.
    fn draw(wanted: &Wanted, random: &mut ChaCha8Rng) -> Self {
        let trouble = match weighted(&DEFECTS, |_| true, random) {
            Defect::SlowFsync => DiskFault::slow_fsync(wanted, random),
            Defect::Slow => DiskFault::slow(random),
            Defect::StalledFsync => DiskFault::StalledFsync,
            Defect::Narrow => DiskFault::Narrow {
                kib_per_second: whole_between(KIB_PER_SECOND.0, KIB_PER_SECOND.1, random) as u64,
            },
            Defect::Failing => DiskFault::Failing {
                percent: whole_between(FAILING_PERCENT.0, FAILING_PERCENT.1, random),
            },
            Defect::FailingFsync => DiskFault::FailingFsync {
                percent: whole_between(FAILING_PERCENT.0, FAILING_PERCENT.1, random),
            },
            Defect::Full => {
                DiskFault::Full { after_kib: whole_between(FREE_KIB.0, FREE_KIB.1, random) as u64 }
            }
            Defect::ReadOnly => DiskFault::ReadOnly,
        };
        let aim = if trouble.takes_down() {
            wanted.limits.aim_down(&WEIGHTS, random)
        } else {
            wanted.limits.aim(&WEIGHTS, random)
        };
        Self { aim, trouble }
    }
}

impl fmt::Display for Disk {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} at {}", self.trouble, self.aim)
    }
}

impl Spec for Disk {
    fn aim(&self) -> Option<Aim> {
        Some(self.aim)
    }

    fn set_aim(&mut self, aim: Aim) {
        self.aim = aim;
    }

    fn nodes_down(&self, nodes: usize) -> usize {
        if self.trouble.takes_down() { self.aim.count(nodes) } else { 0 }
    }

    fn lasts_like_a_timer(&self) -> bool {
        self.trouble == DiskFault::StalledFsync
    }

    fn least_seconds(&self) -> f64 {
        match self.trouble {
            DiskFault::SlowFsync { delay_ms, .. } => seconds_to_show(delay_ms),
            _ => 0.0,
        }
    }

    fn validate(&self, _: usize) -> Result<(), String> {
        match self.trouble {
            DiskFault::Slow { delay_ms, jitter_ms }
            | DiskFault::SlowFsync { delay_ms, jitter_ms } => {
                delay("delay_ms", delay_ms)?;
                delay("jitter_ms", jitter_ms)?;
                if delay_ms + jitter_ms > 0.0 { Ok(()) } else { Err("it is not slower".to_owned()) }
            }
            DiskFault::Narrow { kib_per_second: 0 } => {
                Err("kib_per_second must be above 0".to_owned())
            }
            DiskFault::Failing { percent: of_hundred }
            | DiskFault::FailingFsync { percent: of_hundred } => {
                percent("percent", of_hundred)?;
                if of_hundred > 0.0 { Ok(()) } else { Err("percent must be above 0".to_owned()) }
            }
            _ => Ok(()),
        }
    }

    fn resolve(&self, roles: &mut RoleDraw<'_>) -> Action {
        Action::Disk(Disks(roles.each(self.aim, self.trouble.condition())))
    }
}

impl DiskFault {
    /// Draws how slow an fsync is.
    fn slow_fsync(wanted: &Wanted, random: &mut ChaCha8Rng) -> Self {
        let timers = wanted.limits.timers;
        let delay_ms = match random.random_bool(AS_LONG_AS_TIMERS) {
            true => timers.draw(wanted.longest, random),
            false => {
                whole_between(GOOD_FSYNC_MS.min(timers.shortest_ms), timers.shortest_ms, random)
            }
        };
        Self::SlowFsync { delay_ms, jitter_ms: jitter(delay_ms, random) }
    }

    /// Draws how slow every operation is.
    fn slow(random: &mut ChaCha8Rng) -> Self {
        let delay_ms = whole_between(OPERATION_MS.0, OPERATION_MS.1, random);
        Self::Slow { delay_ms, jitter_ms: jitter(delay_ms, random) }
    }
}

/// As often none as up to as much again.
fn jitter(delay_ms: f64, random: &mut ChaCha8Rng) -> f64 {
    let most = if random.random_bool(0.5) { delay_ms } else { 0.0 };
    (most * random.random_range(0.0..1.0)).round()
}

/// A condition of one kind of disk operation. The default is nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OpCondition {
    /// Each takes so many milliseconds longer.
    #[serde(skip_serializing_if = "is_zero")]
    pub delay_ms: f64,
    /// And up to so many more, drawn for each.
    #[serde(skip_serializing_if = "is_zero")]
    pub jitter_ms: f64,
    /// So many of a hundred fail with EIO.
    #[serde(skip_serializing_if = "is_zero")]
    pub error_percent: f64,
}

impl OpCondition {
    /// Returns true if the operation is as if there were no fault.
    pub fn is_neutral(&self) -> bool {
        *self == Self::default()
    }

    fn and(&self, other: &Self) -> Self {
        Self {
            delay_ms: self.delay_ms + other.delay_ms,
            jitter_ms: self.jitter_ms + other.jitter_ms,
            error_percent: either(self.error_percent, other.error_percent),
        }
    }
}

/// A condition of one node's disk. The default is nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DiskCondition {
    /// Reads of files.
    #[serde(skip_serializing_if = "OpCondition::is_neutral")]
    pub read: OpCondition,
    /// Writes to files.
    #[serde(skip_serializing_if = "OpCondition::is_neutral")]
    pub write: OpCondition,
    /// fsync and fdatasync, of files and directories.
    #[serde(skip_serializing_if = "OpCondition::is_neutral")]
    pub fsync: OpCondition,
    /// Everything that changes names, sizes or attributes.
    #[serde(skip_serializing_if = "OpCondition::is_neutral")]
    pub metadata: OpCondition,
    /// No fsync returns.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub fsync_stalled: bool,
    /// Reads and writes together are not faster than so many KiB a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kib_per_second: Option<u64>,
    /// Writes fail with ENOSPC after so many more KiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full_after_kib: Option<u64>,
    /// Writes fail with EROFS.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub read_only: bool,
}

impl DiskCondition {
    /// Returns true if a process may end because of it, see [`DiskFault::may_end_process`].
    pub fn may_end_process(&self) -> bool {
        let ops = [self.read, self.write, self.fsync, self.metadata];
        self.full_after_kib.is_some()
            || self.read_only
            || ops.iter().any(|op| op.error_percent > 0.0)
    }

    /// Returns true if a node with such a disk can no longer do its part, see
    /// [`DiskFault::takes_down`].
    pub fn takes_down(&self) -> bool {
        self.fsync_stalled || self.may_end_process()
    }

    /// Returns true if the disk is as if there were no fault.
    pub fn is_neutral(&self) -> bool {
        *self == Self::default()
    }

    /// Both at once.
    pub fn and(&self, other: &Self) -> Self {
        let least = |left: Option<u64>, right: Option<u64>| left.into_iter().chain(right).min();
        Self {
            read: self.read.and(&other.read),
            write: self.write.and(&other.write),
            fsync: self.fsync.and(&other.fsync),
            metadata: self.metadata.and(&other.metadata),
            fsync_stalled: self.fsync_stalled || other.fsync_stalled,
            kib_per_second: least(self.kib_per_second, other.kib_per_second),
            full_after_kib: least(self.full_after_kib, other.full_after_kib),
            read_only: self.read_only || other.read_only,
        }
    }
}

/// The disks of these nodes are troubled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Disks(pub BTreeMap<String, DiskCondition>);

impl fmt::Display for Disks {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "trouble the disks of {}", list(&self.nodes()))
    }
}

impl State for Disks {
    fn nodes(&self) -> BTreeSet<String> {
        self.0.keys().cloned().collect()
    }

    fn retain(&mut self, kept: &BTreeSet<String>) {
        self.0.retain(|node, _| kept.contains(node));
    }

    fn takes_down(&self) -> BTreeSet<String> {
        let down = self.0.iter().filter(|(_, condition)| condition.takes_down());
        down.map(|(node, _)| node.clone()).collect()
    }

    fn may_end(&self, node: &str) -> bool {
        self.0.get(node).is_some_and(DiskCondition::may_end_process)
    }

    fn inject(&self, acting: &mut Acting<'_>, _: Probe) -> Judgement {
        let own = acting.id;
        let answers = of(&self.0, apply(acting, Some(own)));
        match outcome_of(&answers) {
            Outcome::Installed => {
                let effect = Effect::new().counting("disks_troubled", answers.len() as u64);
                let reason = "what a disk does is seen only when it is used";
                Judgement::open(indeterminate(reason), effect)
            }
            outcome => Judgement::settled(outcome, Effect::new()),
        }
    }

    fn over_life(&self, acting: &mut Acting<'_>) -> (Option<Outcome>, Effect) {
        let now = acting.host.disks();
        let mut total = acting.own().map(|own| own.disks_seen.clone()).unwrap_or_default();
        for (node, seen) in of(&self.0, now) {
            if let Ok(seen) = seen {
                let before = total.entry(node).or_default();
                *before = together(before, &seen);
            }
        }
        let (outcome, effect) = judge(&self.0, &total);
        (Some(outcome), effect)
    }

    fn release(&self, acting: &mut Acting<'_>, _: Probe) -> (Effect, Vec<String>) {
        (Effect::new(), failures(&of(&self.0, apply(acting, None))))
    }
}

/// Gives the disks what the faults that are on ask for. What a disk did under the condition that
/// ends is added to what every fault of it but `fresh` has seen: afterwards it is forgotten.
fn apply(acting: &mut Acting<'_>, fresh: Option<u32>) -> PerNode<DiskSeen> {
    let composed = by_node(acting.states::<Disks>().map(|disks| &disks.0), DiskCondition::and);
    let changes = |node: &String| composed.get(node) != acting.on.disks.get(node);
    let changed: BTreeSet<String> =
        acting.on.disks.keys().filter(|node| changes(node)).cloned().collect();
    if !changed.is_empty() {
        let seen = acting.host.disks();
        for (id, active) in &mut acting.on.active {
            let Action::Disk(Disks(own)) = &active.action else { continue };
            if Some(*id) == fresh {
                continue;
            }
            for node in own.keys().filter(|node| composed.get(*node) != acting.on.disks.get(*node))
            {
                if let Some(Ok(seen)) = seen.get(node) {
                    let total = active.disks_seen.entry(node.clone()).or_default();
                    *total = together(total, seen);
                }
            }
        }
    }
    let answers = acting.host.set_disks(&composed);
    acting.on.disks = composed;
    answers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_troubles_of_one_disk_add_up() {
        let slow = DiskFault::SlowFsync { delay_ms: 50.0, jitter_ms: 10.0 }.condition();
        let full = DiskFault::Full { after_kib: 64 }.condition();
        let both = slow.and(&slow).and(&full);
        assert_eq!((both.fsync.delay_ms, both.fsync.jitter_ms), (100.0, 20.0));
        assert_eq!(both.full_after_kib, Some(64));
        assert!(both.write.is_neutral());
        assert!(DiskCondition::default().and(&DiskCondition::default()).is_neutral());
    }
}

//! Plans by chance.
//!
//! Every seed draws which faults there are at all, how often, and the sizes and times of everything
//! ("Swarm testing", Groce et al., ISSTA 2012): a fault that is always on hides what only happens
//! without it, and one that is always rare never happens twice.

use std::ops::Range;
use std::time::Duration;

use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use super::clock::TRUE_RATE;
use super::faults::{Aim, ChangeKind, Damage, Fault, Kept};
use super::network::NetworkPlan;
use super::plan::{DiskPlan, LastingFault, Plan, Trigger};
use super::situations::Situation;
use super::themes::Theme;
use crate::bugs::Bugs;
use crate::core::{
    APPEND_ENTRIES, APPLY_ENTRIES_MAX, ReadMode, Settings, SnapshotOptions, Switch, Time, Timings,
};

/// The choices that are not left to chance.
#[derive(Debug, Clone, Default)]
pub struct Fixed {
    /// The number of nodes.
    pub nodes: Option<usize>,
    /// The time under faults.
    pub load: Option<Duration>,
    /// The planted bugs that are on.
    pub bugs: Bugs,
    /// The way in which nodes answer reads.
    pub reads: Option<ReadMode>,
}

/// The situations that a fault may follow: those after which something is owed to others.
const TRIGGERS: [Situation; 10] = [
    Situation::ElectionWon,
    Situation::VoteGranted,
    Situation::EntryCommitted,
    Situation::EarlierTermCommitted,
    Situation::LogTruncated,
    Situation::LogConflict,
    Situation::Restarted,
    Situation::TransferDone,
    Situation::LeaderDeposed,
    Situation::LeaderAlone,
];

/// Draws the parameters of a fault of one kind.
type DrawFault = fn(&mut Swarm, &Plan) -> Fault;

impl Plan {
    /// The plan of a seed.
    pub fn draw(seed: u64, fixed: &Fixed) -> Plan {
        let mut swarm = Swarm { random: ChaCha8Rng::seed_from_u64(seed), nodes: 0 };
        swarm.plan(seed, fixed)
    }
}

/// The longest time that a message or a barrier takes: an election takes some of each, and must
/// come to an end before the next candidate stands, or none ever wins.
fn slow(timings: &Timings) -> Duration {
    (timings.election_max - timings.election_min) / 8
}

pub(super) struct Swarm {
    random: ChaCha8Rng,
    nodes: usize,
}

impl Swarm {
    fn plan(&mut self, seed: u64, fixed: &Fixed) -> Plan {
        let drawn = *self.one_of(&[3, 3, 3, 3, 4, 5, 5, 7]);
        let founders = fixed.nodes.unwrap_or(drawn);
        let joining = if self.chance(0.35) { *self.one_of(&[1, 1, 2]) } else { 0 };
        self.nodes = founders + joining;
        let drawn = self.time(1_500..5_000);
        let load = fixed.load.unwrap_or(drawn);
        let timings = self.timings();
        // A whole log is applied within a second or so, at a thousand entries or more a second.
        let apply_entries_max = *self.one_of(&[1, 1, 8, 64, APPLY_ENTRIES_MAX]);
        let apply_time = Duration::from_micros(1_000) * apply_entries_max.min(64) as u32;
        let append_entries = *self.one_of(&[1, 1, 2, APPEND_ENTRIES]);
        let mut plan = Plan {
            bugs: fixed.bugs.clone(),
            founders,
            timings,
            apply_entries_max,
            apply: Duration::ZERO..apply_time.mul_f64(*self.one_of(&[0.0, 0.1, 1.0])),
            network: self.network(&timings),
            disk: self.disk(&timings),
            turn: Duration::ZERO..Duration::from_micros(*self.one_of(&[0, 0, 100, 2_000])),
            codec: true,
            settings: Settings { append_entries, ..Settings::default() },
            ..Plan::calm(seed, self.nodes, load)
        };
        if self.chance(0.3) {
            plan.rates = (0..self.nodes).map(|_| self.rate()).collect();
        }
        let theme = self.chance(0.3).then(|| *self.one_of(&Theme::ALL));
        if let Some(theme) = theme {
            self.add_theme(theme, &mut plan);
        }
        // The fewer kinds of faults there are, the longer a story goes on.
        let density = if theme.is_some() { 0.3 } else { *self.one_of(&[0.3, 1.0, 1.0]) };
        self.schedule(&mut plan, density);
        for _ in 0..*self.one_of(&[0, 1, 2, 4]) {
            let trigger = self.trigger();
            plan.triggers.push(trigger);
        }
        let mut nodes: Vec<usize> = (0..self.nodes).collect();
        let alike = self.chance(0.5).then(|| *self.one_of(&LastingFault::ALL));
        for _ in 0..plan.minority_size() {
            let node = nodes.swap_remove(self.random.random_range(0..nodes.len()));
            let fault = alike.unwrap_or_else(|| *self.one_of(&LastingFault::ALL));
            plan.minority.push((node, fault));
        }
        if self.chance(0.4) {
            self.snapshots(&mut plan);
        }
        self.settings(&mut plan, fixed);
        if joining > 0 {
            self.changes(&mut plan);
        }
        plan
    }

    /// Draws the way in which nodes answer reads. Leases rest on clocks, which then stay within what those
    /// bear.
    fn settings(&mut self, plan: &mut Plan, fixed: &Fixed) {
        use ReadMode::{Follower, Lease, Log, ReadIndex};
        let drawn =
            *self.one_of(&[ReadIndex, ReadIndex, ReadIndex, Log, Follower, Follower, Lease, Lease]);
        plan.settings.reads = fixed.reads.unwrap_or(drawn);
        if self.chance(0.1) {
            plan.settings.off.insert(Switch::Batching);
        }
        plan.settings = plan.settings.clone().with(&plan.bugs);
        if plan.settings.reads == Lease {
            plan.bound_clocks();
        }
    }

    /// Snapshots so often that logs are cut all the time, in parts of a few lines or more. Parts of a
    /// line each would not come through slow links within the time in which nodes have to agree.
    fn snapshots(&mut self, plan: &mut Plan) {
        plan.snapshots = SnapshotOptions {
            entries: *self.one_of(&[2, 5, 20, 60]),
            bytes: *self.one_of(&[2_000, u64::MAX]),
            interval: *self.one_of(&[Duration::from_millis(500), Duration::MAX]),
            part_bytes: *self.one_of(&[200, 1_000, 100_000]),
            bytes_per_second: *self.one_of(&[20_000, u64::MAX]),
        };
        for on in [Situation::SnapshotSaved, Situation::SnapshotInstalled, Situation::LogCut] {
            if self.chance(0.2) {
                let chance = *self.one_of(&[0.03, 0.2]);
                let fault = self.crash_at_effect();
                plan.triggers.push(Trigger { on, chance, after: Duration::ZERO, fault });
            }
        }
    }

    /// Changes of the members one after the other, now and then sooner than the last one is over.
    fn changes(&mut self, plan: &mut Plan) {
        let interval = plan.timings.election_max.mul_f64(*self.one_of(&[0.5, 2.0, 6.0]));
        for at in self.times(plan, interval) {
            let aim = if self.chance(0.9) { self.aim_at_leader() } else { self.aim() };
            let (kind, pick) = (*self.one_of(&ChangeKind::DRAWN), self.random.random_range(0..64));
            plan.schedule(at, aim, Fault::Members { kind, pick });
        }
        plan.schedule.sort_by_key(|(at, _)| *at);
        for on in [Situation::JointAppended, Situation::MembersChanged] {
            if self.chance(0.3) {
                let (chance, after) = (*self.one_of(&[0.1, 0.4]), self.time(0..30));
                let lasts = self.a_while(plan);
                let fault = match self.random.random_range(0..3) {
                    0 => self.crash_at_effect(),
                    1 => Fault::Partition { side: self.some(), lasts },
                    _ => Fault::Isolation { inward: true, outward: true, from: u32::MAX, lasts },
                };
                plan.triggers.push(Trigger { on, chance, after, fault });
            }
        }
    }

    /// Short timeouts, so that much happens in little time.
    fn timings(&mut self) -> Timings {
        let heartbeat = self.time(20..60);
        let election_min = heartbeat * self.random.random_range(3..6);
        // The closer they lie together, the more often two nodes stand at once.
        let spread = *self.one_of(&[0.1, 0.3, 0.6, 1.0]);
        let election_max = election_min + election_min.mul_f64(spread);
        Timings { heartbeat, election_min, election_max }
    }

    fn network(&mut self, timings: &Timings) -> NetworkPlan {
        let slow = slow(timings);
        let latency = self
            .one_of(&[
                Duration::from_micros(100)..Duration::from_micros(500),
                Duration::from_micros(500)..Duration::from_millis(5),
                slow / 4..slow,
            ])
            .clone();
        let lateness = [timings.heartbeat, timings.election_max, timings.election_max * 4];
        NetworkPlan {
            latency,
            lateness: Duration::ZERO..*self.one_of(&lateness),
            loss: self.share(0.1),
            repeat: self.share(0.3),
            late: self.share(0.3),
            client_loss: self.share(0.1),
        }
    }

    fn disk(&mut self, timings: &Timings) -> DiskPlan {
        let slow = slow(timings);
        let barrier = self
            .one_of(&[
                Duration::from_micros(20)..Duration::from_micros(100),
                Duration::from_micros(200)..Duration::from_millis(3),
                slow / 4..slow,
            ])
            .clone();
        let stall_time =
            Duration::ZERO..*self.one_of(&[timings.election_min, timings.election_max * 3]);
        DiskPlan { barrier, stall: self.share(0.05), stall_time }
    }

    /// Faults of each kind that there is in this plan, at a rate of its own.
    fn schedule(&mut self, plan: &mut Plan, density: f64) {
        let kinds: [(f64, DrawFault); 14] = [
            (0.5, |swarm, _| Fault::Kill { down: swarm.down() }),
            (0.5, |swarm, _| Fault::PowerLoss { kept: swarm.kept(), down: swarm.down() }),
            (0.3, |swarm, _| Fault::Blackout {
                nodes: if swarm.chance(0.6) { u32::MAX } else { swarm.some() },
                kept: swarm.kept(),
                down: swarm.down(),
            }),
            (0.5, |swarm, _| swarm.crash_at_effect()),
            (0.5, |swarm, plan| Fault::Partition {
                side: swarm.some(),
                lasts: swarm.a_while(plan),
            }),
            (0.5, |swarm, plan| swarm.isolation(plan)),
            (0.3, |swarm, plan| Fault::Bridge { side: swarm.some(), lasts: swarm.a_while(plan) }),
            (0.3, |swarm, plan| swarm.slow_sender(plan)),
            (0.3, |swarm, plan| Fault::Pause { lasts: swarm.a_while(plan) }),
            (0.3, |swarm, plan| Fault::DiskStall { lasts: swarm.a_while(plan) }),
            (0.2, |_, _| Fault::SyncFailure),
            (0.1, |swarm, plan| Fault::FullDisk { lasts: swarm.a_while(plan) }),
            (0.3, |swarm, plan| swarm.clock_fault(plan)),
            (0.4, |swarm, _| Fault::Transfer { to: swarm.node() }),
        ];
        let election = plan.timings.election_max;
        let with_clocks = self.chance(0.25);
        for (present, kind) in kinds {
            if !self.chance(present * density) {
                continue;
            }
            let interval = election.mul_f64(*self.one_of(&[1.0, 3.0, 8.0]));
            for at in self.times(plan, interval) {
                let aim = self.aim();
                let fault = kind(self, plan);
                plan.schedule(at, aim, fault);
                // A clock matters most to a leader that cannot be heard any more.
                if with_clocks && matches!(fault, Fault::Partition { .. } | Fault::Isolation { .. })
                {
                    let soon = plan.timings.election_min.mul_f64(self.part(0.0..1.0));
                    let fault = self.clock_fault(plan);
                    plan.schedule(at + soon, aim, fault);
                }
            }
        }
        if self.chance(0.15) {
            let at = plan.load.mul_f64(self.part(0.2..0.9));
            let aim = self.aim();
            let how = self.damage();
            plan.schedule(at, aim, Fault::Damage { how });
        }
        plan.schedule.sort_by_key(|(at, _)| *at);
    }

    fn trigger(&mut self) -> Trigger {
        let on = *self.one_of(&TRIGGERS);
        let chance = *self.one_of(&[0.1, 0.3, 0.7]);
        let (soon, later) = (self.time(0..10), self.time(0..200));
        let after = *self.one_of(&[Duration::ZERO, Duration::ZERO, soon, later]);
        let lasts = self.time(50..800);
        let fault = match self.random.random_range(0..8) {
            0 | 1 => self.crash_at_effect(),
            2 => Fault::PowerLoss { kept: self.kept(), down: self.down() },
            3 => Fault::Isolation { inward: true, outward: true, from: u32::MAX, lasts },
            4 => Fault::Isolation {
                inward: self.chance(0.5),
                outward: true,
                from: self.some(),
                lasts,
            },
            5 => Fault::Pause { lasts },
            6 => Fault::Damage { how: self.damage() },
            _ => Fault::DiskStall { lasts },
        };
        Trigger { on, chance, after, fault }
    }

    pub(super) fn crash_at_effect(&mut self) -> Fault {
        let power = if self.chance(0.7) { Some(self.kept()) } else { None };
        // As often as not it is back before anyone has noticed.
        let down = if self.chance(0.3) { self.time(0..2) } else { self.down() };
        Fault::CrashAtEffect { after: self.random.random_range(0..8), power, down }
    }

    /// Times under faults, that far apart on average.
    pub(super) fn times(&mut self, plan: &Plan, interval: Duration) -> Vec<Time> {
        let mut times = Vec::new();
        let mut at = Duration::ZERO;
        loop {
            at += interval.mul_f64(self.part(0.1..1.9));
            if at >= plan.load {
                return times;
            }
            times.push(at);
        }
    }

    /// The position of a node.
    pub(super) fn node(&mut self) -> usize {
        self.random.random_range(0..self.nodes)
    }

    pub(super) fn aim(&mut self) -> Aim {
        let node = self.node();
        if self.chance(0.5) { Aim::Leader(node) } else { Aim::Node(node) }
    }

    fn damage(&mut self) -> Damage {
        *self.one_of(&[
            Damage::BitInverted,
            Damage::BitInverted,
            Damage::WriteLost,
            Damage::CutOff,
            Damage::Wiped,
            Damage::Wiped,
            Damage::Replaced,
            Damage::Replaced,
        ])
    }

    fn isolation(&mut self, plan: &Plan) -> Fault {
        let (inward, outward) = *self.one_of(&[(true, true), (true, false), (false, true)]);
        let from = if self.chance(0.5) { u32::MAX } else { self.some() };
        Fault::Isolation { inward, outward, from, lasts: self.a_while(plan) }
    }

    /// By less than others wait for a leader, or by more.
    fn slow_sender(&mut self, plan: &Plan) -> Fault {
        let by = plan.timings.election_max.mul_f64(*self.one_of(&[0.3, 1.0, 3.0]));
        let by = by.mul_f64(self.part(0.5..1.0));
        Fault::SlowSender { by, lasts: self.a_while(plan) }
    }

    fn clock_fault(&mut self, plan: &Plan) -> Fault {
        // Less than the time in which a majority must serve again: what is late then must not be
        // for a clock that has not caught up yet.
        let by = self.time(1..2_500);
        match self.random.random_range(0..5) {
            0 => Fault::WallClock { ahead: by, behind: Duration::ZERO },
            1 | 2 => Fault::WallClock { ahead: Duration::ZERO, behind: by },
            3 => Fault::ClockLeap { by: self.time(1..1_000) },
            _ => Fault::ClockRate { rate: self.rate(), lasts: self.a_while(plan) },
        }
    }

    fn rate(&mut self) -> u32 {
        *self.one_of(&[
            TRUE_RATE,
            TRUE_RATE / 2,
            TRUE_RATE * 9 / 10,
            TRUE_RATE * 11 / 10,
            TRUE_RATE * 2,
        ])
    }

    fn kept(&mut self) -> Kept {
        Kept {
            sector: *self.one_of(&[64, 512, 4096]),
            share: *self.one_of(&[0.0, 0.0, 0.5, 0.9, 1.0]),
        }
    }

    /// From a blink to more than an election.
    fn down(&mut self) -> Duration {
        let micros = *self.one_of(&[1_000, 20_000, 200_000, 1_000_000]);
        Duration::from_micros(self.random.random_range(micros / 5..micros))
    }

    /// From a heartbeat to some elections.
    fn a_while(&mut self, plan: &Plan) -> Duration {
        let Timings { heartbeat, election_max, .. } = plan.timings;
        heartbeat.mul_f64(self.part(0.5..2.0))
            + election_max.mul_f64(*self.one_of(&[0.0, 1.0, 3.0]))
    }

    /// Some nodes, but not all.
    pub(super) fn some(&mut self) -> u32 {
        self.random.random_range(1..(1 << self.nodes.max(2)) - 1)
    }

    /// None as often as not, and otherwise up to that share.
    fn share(&mut self, most: f64) -> f64 {
        if self.chance(0.5) { 0.0 } else { most * *self.one_of(&[0.05, 0.3, 1.0]) }
    }

    pub(super) fn time(&mut self, millis: Range<u64>) -> Time {
        Duration::from_micros(self.random.random_range(millis.start * 1_000..millis.end * 1_000))
    }

    pub(super) fn part(&mut self, range: Range<f64>) -> f64 {
        self.random.random_range(range)
    }

    pub(super) fn chance(&mut self, share: f64) -> bool {
        self.random.random_bool(share)
    }

    pub(super) fn one_of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        choices.choose(&mut self.random).expect("there are choices")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The name of a variant, as it is written in the source.
    fn name(thing: &impl std::fmt::Debug) -> String {
        let text = format!("{thing:?}");
        text.split([' ', '(']).next().unwrap_or_default().to_string()
    }

    #[test]
    fn every_fault_and_every_damage_is_drawn() {
        let plans: Vec<Plan> = (0..1_000).map(|seed| Plan::draw(seed, &Fixed::default())).collect();
        let scheduled = plans.iter().flat_map(|plan| &plan.schedule).map(|(_, aimed)| aimed.fault);
        let triggered = plans.iter().flat_map(|plan| &plan.triggers).map(|trigger| trigger.fault);
        let faults: Vec<Fault> = scheduled.chain(triggered).collect();
        let kinds: BTreeSet<String> = faults.iter().map(name).collect();
        let expected = [
            "Blackout",
            "Bridge",
            "ClockLeap",
            "ClockRate",
            "CrashAtEffect",
            "Damage",
            "DiskStall",
            "FullDisk",
            "Isolation",
            "Kill",
            "Members",
            "Partition",
            "Pause",
            "PowerLoss",
            "SlowSender",
            "SyncFailure",
            "Transfer",
            "WallClock",
        ];
        assert_eq!(kinds.iter().map(String::as_str).collect::<Vec<_>>(), expected);
        let damages = faults.iter().filter_map(|fault| match fault {
            Fault::Damage { how } => Some(name(how)),
            _ => None,
        });
        let damages: BTreeSet<String> = damages.collect();
        let damages: Vec<&str> = damages.iter().map(String::as_str).collect();
        assert_eq!(damages, ["BitInverted", "CutOff", "Replaced", "Wiped", "WriteLost"]);
        let slow = |plan: &&Plan| plan.apply_entries_max == 1 && !plan.apply.is_empty();
        assert!(plans.iter().filter(slow).count() > 100, "few nodes apply slowly");
        assert!(plans.iter().all(|plan| plan.codec), "every message passes through its JSON");
    }
}

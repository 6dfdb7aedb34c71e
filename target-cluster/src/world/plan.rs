//! Everything that a simulation is made from.

use std::cmp::Ordering;
use std::ops::Range;
use std::time::Duration;

use super::clock::TRUE_RATE;
use super::faults::{Aim, AimedFault, Fault};
use super::network::NetworkPlan;
use super::situations::Situation;
use crate::bugs::Bugs;
use crate::core::{Settings, SnapshotOptions, Time, Timings};

/// The plan of a simulation; [`super::swarm`] draws one from a seed.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The seed of everything random.
    pub seed: u64,
    /// The number of nodes.
    pub nodes: usize,
    /// The number of those that found the cluster, the first ones; the others wait to be members.
    pub founders: usize,
    /// The planted bugs that are on.
    pub bugs: Bugs,
    /// The times that nodes wait for each other.
    pub timings: Timings,
    /// The most entries that a node applies in one step.
    pub apply_entries_max: usize,
    /// The time from one such step to the next.
    pub apply: Range<Duration>,
    /// The times at which nodes take snapshots, and the size of their parts.
    pub snapshots: SnapshotOptions,
    /// The choices of every node.
    pub settings: Settings,
    /// The time under faults.
    pub load: Time,
    /// The ways of the links.
    pub network: NetworkPlan,
    /// The ways of the disks.
    pub disk: DiskPlan,
    /// The time from what a node is to take in until it does: what comes meanwhile goes along.
    pub turn: Range<Duration>,
    /// The rate of each node's clock, in millionths.
    pub rates: Vec<u32>,
    /// Faults by time.
    pub schedule: Vec<(Time, AimedFault)>,
    /// Faults by what happens.
    pub triggers: Vec<Trigger>,
    /// The nodes that stay faulty when the others are healed, with what is wrong with them.
    pub minority: Vec<(usize, LastingFault)>,
    /// True if every message between nodes passes through its JSON. That takes a quarter of the time,
    /// which a calm plan saves: it is for long runs.
    pub codec: bool,
}

/// The ways of all disks.
#[derive(Debug, Clone, PartialEq)]
pub struct DiskPlan {
    /// The time that a barrier takes.
    pub barrier: Range<Duration>,
    /// The share of barriers that take longer.
    pub stall: f64,
    /// And by how much.
    pub stall_time: Range<Duration>,
}

/// A fault that may follow a situation, on the node that is in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trigger {
    /// The situation.
    pub on: Situation,
    /// The share of its occurrences that it follows.
    pub chance: f64,
    /// The time between the two; none means at once, before the node has done anything of what it
    /// decided.
    pub after: Duration,
    /// The fault.
    pub fault: Fault,
}

/// A fault of a minority that does not end while the majority must serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastingFault {
    /// The node is down.
    Down,
    /// It is stopped.
    Paused,
    /// It hears no other node.
    Deaf,
    /// No other node hears it.
    Mute,
    /// Both.
    Isolated,
    /// No barrier of its disk ends.
    Stalled,
}

impl LastingFault {
    /// All there are.
    pub const ALL: [LastingFault; 6] = [
        LastingFault::Down,
        LastingFault::Paused,
        LastingFault::Deaf,
        LastingFault::Mute,
        LastingFault::Isolated,
        LastingFault::Stalled,
    ];
}

impl Plan {
    /// A plan in which nothing goes wrong: links take 0.2 to 1 ms, barriers 0.5 to 1 ms.
    pub fn calm(seed: u64, nodes: usize, load: Time) -> Plan {
        let micros = Duration::from_micros;
        Plan {
            seed,
            nodes,
            founders: nodes,
            bugs: Bugs::new(),
            timings: Timings::default(),
            apply_entries_max: crate::core::APPLY_ENTRIES_MAX,
            snapshots: SnapshotOptions::DEFAULT,
            settings: Settings::default(),
            apply: Duration::ZERO..Duration::ZERO,
            load,
            network: NetworkPlan {
                latency: micros(200)..micros(1_000),
                lateness: Duration::ZERO..Duration::ZERO,
                loss: 0.0,
                repeat: 0.0,
                late: 0.0,
                client_loss: 0.0,
            },
            disk: DiskPlan {
                barrier: micros(500)..micros(1_000),
                stall: 0.0,
                stall_time: Duration::ZERO..Duration::ZERO,
            },
            turn: micros(0)..micros(100),
            rates: vec![TRUE_RATE; nodes],
            schedule: Vec::new(),
            triggers: Vec::new(),
            minority: Vec::new(),
            codec: false,
        }
    }

    /// The number of founders that may fail while the others serve.
    pub fn minority_size(&self) -> usize {
        (self.founders - 1) / 2
    }

    /// Lets no clock run faster than another by more than leases bear, though by more than a node bears
    /// that watches over that; and none leap ahead, which is to run fast for a moment.
    pub(super) fn bound_clocks(&mut self) {
        let bounded = |rate: u32| match rate.cmp(&TRUE_RATE) {
            Ordering::Less => TRUE_RATE / 1_000 * 955,
            Ordering::Equal => TRUE_RATE,
            Ordering::Greater => TRUE_RATE / 1_000 * 1_045,
        };
        self.rates.iter_mut().for_each(|rate| *rate = bounded(*rate));
        for (_, aimed) in &mut self.schedule {
            match &mut aimed.fault {
                Fault::ClockRate { rate, .. } => *rate = bounded(*rate),
                Fault::ClockLeap { by } => {
                    aimed.fault = Fault::WallClock { ahead: *by, behind: Duration::ZERO };
                }
                _ => {}
            }
        }
    }

    /// Adds a fault to the schedule.
    pub fn schedule(&mut self, at: Time, aim: Aim, fault: Fault) {
        self.schedule.push((at, AimedFault { aim, fault }));
    }
}

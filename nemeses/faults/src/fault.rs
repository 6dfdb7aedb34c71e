//! The vocabulary of faults: what can go wrong, in the words of a plan.
//!
//! A [`Fault`] says what to do and to whom by role (`leader`, `minority`…), never by node name:
//! names are found when it fires, see [`crate::schedule::Entry::resolve`]. One family, one file.

mod aim;
pub mod clock;
pub mod corruption;
pub mod cpu;
pub mod disk;
mod family;
pub mod kill;
pub mod leadership;
pub mod maintenance;
pub mod membership;
pub mod packet;
pub mod partition;
pub mod pause;
pub mod power;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use aim::Aim;
pub use clock::{Clock, ClockCondition, ClockError};
pub use corruption::{Corruption, Damage};
pub use cpu::Cpu;
pub use disk::{Disk, DiskCondition, OpCondition, Trouble};
pub use family::Family;
pub use kill::{Kill, Rhythm};
pub use leadership::Leadership;
pub use maintenance::{Maintenance, Upkeep};
pub use membership::{Membership, MembershipChange};
pub use packet::{Direction, LinkCondition, Packet};
pub use partition::{Partition, Shape};
pub use pause::Pause;
pub use power::{Power, PowerCut};

/// Something to do to the cluster for a while, in the words of a plan.
///
/// In TOML: `family = "partition"` with `shape = "isolate-leader"`, or `family = "kill"` with
/// `aim = "majority"`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "family", rename_all = "kebab-case")]
pub enum Fault {
    /// Links drop packets.
    Partition(Partition),
    /// Links are slow, lossy or narrow.
    Packet(Packet),
    /// Node processes are killed and started again.
    Kill(Kill),
    /// Node processes are stopped and continued.
    Pause(Pause),
    /// Node processes get a small share of a processor.
    Cpu(Cpu),
    /// Clocks jump, strobe or drift.
    Clock(Clock),
    /// Disks are slow, stalled, full or failing.
    Disk(Disk),
    /// Nodes lose power, and with it what they had not synced.
    Power(Power),
    /// Synced data changes.
    Corruption(Corruption),
    /// The leader hands over.
    Leadership(Leadership),
    /// Nodes join and leave.
    Membership(Membership),
    /// Nodes tend their stores.
    Maintenance(Maintenance),
}

impl Fault {
    /// The family it belongs to.
    pub fn family(&self) -> Family {
        match self {
            Self::Partition(_) => Family::Partition,
            Self::Packet(_) => Family::Packet,
            Self::Kill(_) => Family::Kill,
            Self::Pause(_) => Family::Pause,
            Self::Cpu(_) => Family::Cpu,
            Self::Clock(_) => Family::Clock,
            Self::Disk(_) => Family::Disk,
            Self::Power(_) => Family::Power,
            Self::Corruption(_) => Family::Corruption,
            Self::Leadership(_) => Family::Leadership,
            Self::Membership(_) => Family::Membership,
            Self::Maintenance(_) => Family::Maintenance,
        }
    }

    /// Whom it is aimed at; none for partitions, whose [`Shape`] says it.
    pub fn aim(&self) -> Option<Aim> {
        match self {
            Self::Partition(_) => None,
            Self::Packet(packet) => Some(packet.aim),
            Self::Kill(kill) => Some(kill.aim),
            Self::Pause(pause) => Some(pause.aim),
            Self::Cpu(cpu) => Some(cpu.aim),
            Self::Clock(clock) => Some(clock.aim),
            Self::Disk(disk) => Some(disk.aim),
            Self::Power(power) => Some(power.aim),
            Self::Corruption(corruption) => Some(corruption.aim),
            Self::Leadership(leadership) => Some(leadership.to),
            Self::Membership(membership) => Some(membership.aim),
            Self::Maintenance(maintenance) => Some(maintenance.aim),
        }
    }

    /// The same fault aimed at other nodes; a partition stays as it is.
    pub fn aimed_at(mut self, at: Aim) -> Self {
        let aim = match &mut self {
            Self::Partition(_) => return self,
            Self::Packet(packet) => &mut packet.aim,
            Self::Kill(kill) => &mut kill.aim,
            Self::Pause(pause) => &mut pause.aim,
            Self::Cpu(cpu) => &mut cpu.aim,
            Self::Clock(clock) => &mut clock.aim,
            Self::Disk(disk) => &mut disk.aim,
            Self::Power(power) => &mut power.aim,
            Self::Corruption(corruption) => &mut corruption.aim,
            Self::Leadership(leadership) => &mut leadership.to,
            Self::Membership(membership) => &mut membership.aim,
            Self::Maintenance(maintenance) => &mut maintenance.aim,
        };
        *aim = at;
        self
    }

    /// How many of `nodes` do not serve at some moment of it: killed, paused, without power, with
    /// a disk that takes no writes, or no members. A partition takes nobody down, nor does what is
    /// only slow.
    pub fn nodes_down(&self, nodes: usize) -> usize {
        let takes_down = match self {
            Self::Kill(Kill { aim, rhythm: Rhythm::Rolling }) => return aim.count(nodes).min(1),
            Self::Kill(_) | Self::Pause(_) | Self::Power(_) | Self::Corruption(_) => true,
            Self::Disk(disk) => disk.trouble.takes_down(),
            Self::Membership(_) => true,
            _ => false,
        };
        self.aim().filter(|_| takes_down).map_or(0, |aim| aim.count(nodes))
    }

    /// Whether, while it lasts, no node can talk with a majority of `nodes`, itself counted.
    pub fn takes_majority(&self, nodes: usize) -> bool {
        match self {
            Self::Partition(partition) => partition.shape.takes_majority(nodes),
            _ => nodes - self.nodes_down(nodes) < nodes / 2 + 1,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Partition(partition) => partition.fmt(out),
            Self::Packet(packet) => packet.fmt(out),
            Self::Kill(kill) => kill.fmt(out),
            Self::Pause(pause) => write!(out, "pause {}", pause.aim),
            Self::Cpu(cpu) => write!(out, "{} % of a processor for {}", cpu.percent, cpu.aim),
            Self::Clock(clock) => write!(out, "{} at {}", clock.error, clock.aim),
            Self::Disk(disk) => write!(out, "{} at {}", disk.trouble, disk.aim),
            Self::Power(power) => write!(out, "power failure of {}, {}", power.aim, power.cut),
            Self::Corruption(corruption) => {
                write!(out, "{} at {}", corruption.damage, corruption.aim)
            }
            Self::Leadership(leadership) => write!(out, "hand leadership to {}", leadership.to),
            Self::Membership(membership) => {
                write!(out, "{} {}", membership.change, membership.aim)
            }
            Self::Maintenance(maintenance) => {
                write!(out, "{} the store of {}", maintenance.work, maintenance.aim)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_reads_as_a_phrase() {
        let check = |fault: Fault, phrase: &str| assert_eq!(fault.to_string(), phrase);
        let into_leader = Partition::steady(Shape::IntoLeader);
        check(Fault::Partition(into_leader), "partition, cut every link into the leader");
        let flaky = Partition { cut_ms: 80, whole_ms: 120, ..into_leader };
        check(
            Fault::Partition(flaky),
            "flaky links, cut every link into the leader, 80 ms cut and 120 ms whole",
        );
        let slow = Packet {
            aim: Aim::Leader,
            direction: Direction::Into,
            clients: false,
            ramp: false,
            condition: LinkCondition { delay_ms: 50.0, ..LinkCondition::default() },
        };
        check(Fault::Packet(slow), "50 ms delay into the leader");
        let all = Packet { clients: true, ramp: true, ..slow };
        check(Fault::Packet(all), "50 ms delay into the leader, clients too, ramping up and down");
        check(Fault::Kill(Kill::once(Aim::All)), "kill all nodes");
        check(
            Fault::Kill(Kill { aim: Aim::All, rhythm: Rhythm::Rolling }),
            "rolling restart of all nodes",
        );
        check(
            Fault::Kill(Kill { aim: Aim::Leader, rhythm: Rhythm::Loop }),
            "crash loop of the leader",
        );
        check(
            Fault::Power(Power {
                aim: Aim::Majority,
                cut: PowerCut { keep_percent: 0.0, sector: 512 },
            }),
            "power failure of a majority, losing what was not synced",
        );
        check(
            Fault::Disk(Disk {
                aim: Aim::One,
                trouble: Trouble::SlowFsync { delay_ms: 50.0, jitter_ms: 10.0 },
            }),
            "fsync 50 to 60 ms slower at one node",
        );
        check(Fault::Cpu(Cpu { aim: Aim::One, percent: 5.0 }), "5 % of a processor for one node");
        check(
            Fault::Clock(Clock { aim: Aim::Leader, error: ClockError::Jump { by_ms: -5000 } }),
            "wall clock jumps by -5000 ms at the leader",
        );
        check(Fault::Leadership(Leadership { to: Aim::Follower }), "hand leadership to a follower");
    }

    #[test]
    fn what_takes_nodes_down_is_counted_and_what_is_only_slow_is_not() {
        let check = |fault: Fault, down: usize| assert_eq!(fault.nodes_down(5), down, "{fault}");
        check(Fault::Kill(Kill::once(Aim::Majority)), 3);
        check(Fault::Kill(Kill { aim: Aim::All, rhythm: Rhythm::Loop }), 5);
        check(Fault::Kill(Kill { aim: Aim::All, rhythm: Rhythm::Rolling }), 1);
        check(Fault::Pause(Pause { aim: Aim::Minority }), 2);
        check(Fault::Disk(Disk { aim: Aim::All, trouble: Trouble::StalledFsync }), 5);
        let slow = Trouble::SlowFsync { delay_ms: 50.0, jitter_ms: 0.0 };
        check(Fault::Disk(Disk { aim: Aim::All, trouble: slow }), 0);
        check(Fault::Partition(Partition::steady(Shape::IsolateLeader)), 0);
        check(Fault::Cpu(Cpu { aim: Aim::All, percent: 5.0 }), 0);
    }
}

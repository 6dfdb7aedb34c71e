//! The vocabulary of faults: what can go wrong, in the words of a plan.
//!
//! A [`Fault`] says what to do and to whom by role (`leader`, `minority`…), never by node name:
//! names are found when it fires, see [`crate::schedule::Entry::resolve`]. One family, one file.

pub mod clock;
pub mod corruption;
pub mod cpu;
pub mod disk;
pub mod kill;
pub mod leadership;
pub mod membership;
pub mod packet;
pub mod partition;
pub mod pause;
pub mod power;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use clock::{Clock, ClockCondition, ClockError};
pub use corruption::{Corruption, Damage};
pub use cpu::Cpu;
pub use disk::{Disk, DiskCondition, OpCondition, Trouble};
pub use kill::Kill;
pub use leadership::Leadership;
pub use membership::{Membership, MembershipChange};
pub use packet::{Direction, LinkCondition, Packet};
pub use partition::{Partition, Shape};
pub use pause::Pause;
pub use power::{Power, PowerCut};

use crate::names::{self, UnknownName};

/// A family of faults: what a user names with `--faults`, and what has one engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// Links between nodes drop packets.
    Partition,
    /// Node processes are killed and started again.
    Kill,
    /// Node processes are stopped and continued.
    Pause,
}

impl Family {
    /// Every family, in the order in which a plan draws them.
    pub const ALL: [Self; 3] = [Self::Partition, Self::Kill, Self::Pause];

    /// The name used in plans, on the command line and in the history.
    pub fn name(self) -> &'static str {
        match self {
            Self::Partition => "partition",
            Self::Kill => "kill",
            Self::Pause => "pause",
        }
    }

    /// One sentence for `stormproof list faults`.
    pub fn description(self) -> &'static str {
        match self {
            Self::Partition => {
                "links between nodes silently drop packets: halves, an isolated node or leader, \
                 bridges, rings of majorities, one direction only"
            }
            Self::Kill => "nodes are killed with SIGKILL and started again on the same data",
            Self::Pause => "nodes are stopped with SIGSTOP and continued, unaware of the lost time",
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

impl FromStr for Family {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        names::find("fault family", name, &Self::ALL, Self::name)
    }
}

/// Which nodes a fault that acts on processes is aimed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aim {
    /// One node, whichever it is.
    One,
    /// As many nodes as a majority can do without.
    Minority,
    /// One node more than the cluster can do without.
    Majority,
    /// Whoever leads when the fault fires.
    Leader,
    /// Every node.
    All,
}

impl Aim {
    /// How many of `nodes` this aim takes. A minority of one or two nodes is nobody.
    pub fn count(self, nodes: usize) -> usize {
        match self {
            Self::One | Self::Leader => nodes.min(1),
            Self::Minority => nodes.saturating_sub(1) / 2,
            Self::Majority => nodes.min(nodes / 2 + 1),
            Self::All => nodes,
        }
    }

    /// Whether the nodes left over are too few to be a majority.
    pub fn takes_majority(self, nodes: usize) -> bool {
        nodes - self.count(nodes) < nodes / 2 + 1
    }
}

impl fmt::Display for Aim {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::One => "one node",
            Self::Minority => "a minority",
            Self::Majority => "a majority",
            Self::Leader => "the leader",
            Self::All => "all nodes",
        })
    }
}

/// Something to do to the cluster for a while, in the words of a plan.
///
/// In TOML: `family = "partition"` with `shape = "isolate-leader"`, or `family = "kill"` with
/// `aim = "majority"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "family", rename_all = "kebab-case")]
pub enum Fault {
    /// Links between nodes drop packets.
    Partition(Partition),
    /// Node processes are killed and started again.
    Kill(Kill),
    /// Node processes are stopped and continued.
    Pause(Pause),
}

impl Fault {
    /// The family it belongs to.
    pub fn family(&self) -> Family {
        match self {
            Self::Partition(_) => Family::Partition,
            Self::Kill(_) => Family::Kill,
            Self::Pause(_) => Family::Pause,
        }
    }

    /// Whether, while it lasts, no node can talk with a majority of `nodes`, itself counted.
    pub fn takes_majority(&self, nodes: usize) -> bool {
        match self {
            Self::Partition(partition) => partition.shape.takes_majority(nodes),
            Self::Kill(kill) => kill.aim.takes_majority(nodes),
            Self::Pause(pause) => pause.aim.takes_majority(nodes),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Partition(partition) => write!(out, "partition, {}", partition.shape),
            Self::Kill(kill) => write!(out, "kill {}", kill.aim),
            Self::Pause(pause) => write!(out, "pause {}", pause.aim),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_is_found_by_its_name_and_only_by_it() {
        for family in Family::ALL {
            assert_eq!(family.name().parse(), Ok(family));
        }
        let error = "partitions".parse::<Family>().unwrap_err().to_string();
        assert!(error.contains("partition, kill, pause"), "{error}");
    }

    #[test]
    fn a_minority_leaves_a_majority_and_one_more_does_not() {
        for nodes in 1..=9 {
            assert!(!Aim::Minority.takes_majority(nodes), "{nodes} nodes");
            assert!(Aim::Majority.takes_majority(nodes), "{nodes} nodes");
            assert_eq!(Aim::Minority.count(nodes) + nodes / 2 + 1, nodes);
        }
    }

    #[test]
    fn a_fault_reads_as_a_sentence() {
        let fault = Fault::Partition(Partition { shape: Shape::IntoLeader });
        assert_eq!(fault.to_string(), "partition, cut every link into the leader");
        assert_eq!(Fault::Kill(Kill { aim: Aim::All }).to_string(), "kill all nodes");
    }
}

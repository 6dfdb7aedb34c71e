//! The families of faults, and what a user should know of each.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::names::{self, UnknownName};

/// A family of faults: what a user names with `--faults`, and what has one engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// Links drop packets.
    Partition,
    /// Links are slow, lossy or narrow.
    Packet,
    /// Node processes are killed and started again.
    Kill,
    /// Node processes are stopped and continued.
    Pause,
    /// Node processes get a small share of a processor.
    Cpu,
    /// Clocks jump, strobe or drift.
    Clock,
    /// Disks are slow, stalled, full or failing.
    Disk,
    /// Nodes lose power, and with it what they had not synced.
    Power,
    /// Synced data changes.
    Corruption,
    /// The leader hands over.
    Leadership,
    /// Nodes join and leave.
    Membership,
    /// Nodes tend their stores.
    Maintenance,
}

impl Family {
    /// Every family. A family's place here numbers the random stream that its faults are drawn
    /// from: new ones go to the end.
    pub const ALL: [Self; 12] = [
        Self::Partition,
        Self::Packet,
        Self::Kill,
        Self::Pause,
        Self::Cpu,
        Self::Clock,
        Self::Disk,
        Self::Power,
        Self::Corruption,
        Self::Leadership,
        Self::Membership,
        Self::Maintenance,
    ];

    /// The name used in plans, on the command line and in the history.
    pub fn name(self) -> &'static str {
        match self {
            Self::Partition => "partition",
            Self::Packet => "packet",
            Self::Kill => "kill",
            Self::Pause => "pause",
            Self::Cpu => "cpu",
            Self::Clock => "clock",
            Self::Disk => "disk",
            Self::Power => "power",
            Self::Corruption => "corruption",
            Self::Leadership => "leadership",
            Self::Membership => "membership",
            Self::Maintenance => "maintenance",
        }
    }

    /// The letter that stands for it where colours do not help.
    pub fn letter(self) -> char {
        match self {
            Self::Partition => 'P',
            Self::Packet => 'N',
            Self::Kill => 'K',
            Self::Pause => 'S',
            Self::Cpu => 'U',
            Self::Clock => 'C',
            Self::Disk => 'D',
            Self::Power => 'W',
            Self::Corruption => 'X',
            Self::Leadership => 'L',
            Self::Membership => 'M',
            Self::Maintenance => 'T',
        }
    }

    /// One sentence for `stormproof list faults`.
    pub fn description(self) -> &'static str {
        match self {
            Self::Partition => {
                "links silently drop packets: halves, an isolated node or leader, bridges, rings of \
                 majorities, one direction only, cut off from the clients; steadily or flaky"
            }
            Self::Packet => {
                "packets are delayed, lost, duplicated, reordered, corrupted or held to a rate, in \
                 one direction or both, at once or ramping up"
            }
            Self::Kill => {
                "nodes are killed with SIGKILL and started again on the same data: once, in a \
                 crash loop, or one after the other"
            }
            Self::Pause => "nodes are stopped with SIGSTOP and continued, unaware of the lost time",
            Self::Cpu => "nodes get a small share of one processor",
            Self::Clock => {
                "a node's own clocks go wrong: the wall clock jumps or strobes, both clocks drift"
            }
            Self::Disk => {
                "a node's disk is slow, stalls fsync, is narrow, full or read-only, or fails with EIO"
            }
            Self::Power => {
                "nodes lose power, and with it what they had not synced, whole or in torn writes"
            }
            Self::Corruption => {
                "synced data changes: flipped bits, cut-off files; outside Raft's fault model, so \
                 only by name"
            }
            Self::Leadership => "the leader is told to hand over, for targets that can",
            Self::Membership => "members are removed or replaced by new ones, for targets that can",
            Self::Maintenance => "nodes compact or defragment their stores, for targets that can",
        }
    }

    /// Whether Raft promises to stay right under it. What it does not promise to survive runs only
    /// when asked for by name.
    pub fn within_fault_model(self) -> bool {
        self != Self::Corruption
    }

    /// Whether links are cut for it: a node without power says nothing.
    pub fn cuts_links(self) -> bool {
        matches!(self, Self::Partition | Self::Power)
    }

    /// Whether nodes need disks of their own for it.
    pub fn needs_own_disk(self) -> bool {
        matches!(self, Self::Disk | Self::Power | Self::Corruption)
    }

    /// Whether it is done by asking the target, so that only some targets can have it.
    pub fn needs_target(self) -> bool {
        matches!(self, Self::Leadership | Self::Membership | Self::Maintenance)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_has_a_letter_of_its_own() {
        let letters: std::collections::BTreeSet<_> = Family::ALL.map(Family::letter).into();
        assert_eq!(letters.len(), Family::ALL.len());
    }

    #[test]
    fn every_family_is_found_by_its_name_and_only_by_it() {
        for family in Family::ALL {
            assert_eq!(family.name().parse(), Ok(family));
            assert_eq!(serde_json::to_value(family).unwrap(), family.name());
        }
        let error = "partitions".parse::<Family>().unwrap_err().to_string();
        assert!(error.contains("partition, packet, kill, pause"), "{error}");
    }
}

//! Disk faults: a node's disk is slow, full, read-only or fails.

use std::fmt;

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use super::Aim;
use super::packet::{either, is_zero};
use crate::schedule::{Room, weighted, whole_between};

/// Disks of some nodes are troubled while the fault lasts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Disk {
    /// Whose disks.
    pub aim: Aim,
    /// How.
    #[serde(flatten)]
    pub trouble: Trouble,
}

/// What is wrong with a disk. In TOML `trouble = "slow-fsync"` with `delay_ms = 50`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "trouble", rename_all = "kebab-case")]
pub enum Trouble {
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
    /// Writes fail with ENOSPC after a little more was written.
    Full {
        /// KiB that still fit.
        after_kib: u64,
    },
    /// Writes fail with EROFS.
    ReadOnly,
}

impl Trouble {
    /// What that means for each operation.
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
            Self::Full { after_kib } => DiskCondition { full_after_kib: Some(after_kib), ..none },
            Self::ReadOnly => DiskCondition { read_only: true, ..none },
        }
    }

    /// Whether a node with such a disk can no longer do its part: nothing becomes durable.
    pub fn takes_down(&self) -> bool {
        matches!(
            self,
            Self::StalledFsync | Self::Failing { .. } | Self::Full { .. } | Self::ReadOnly
        )
    }
}

/// `50 to 60`, or `50` without jitter.
fn range(delay: f64, jitter: f64) -> String {
    if jitter == 0.0 { delay.to_string() } else { format!("{delay} to {}", delay + jitter) }
}

impl fmt::Display for Trouble {
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
            Self::Full { after_kib } => write!(out, "disk full after {after_kib} KiB"),
            Self::ReadOnly => out.write_str("disk read-only"),
        }
    }
}

/// How often each aim is drawn: a leader waits for its own disk, and for a majority of all.
const WEIGHTS: [(Aim, u32); 6] = [
    (Aim::Leader, 4),
    (Aim::Follower, 2),
    (Aim::One, 1),
    (Aim::Minority, 2),
    (Aim::Majority, 1),
    (Aim::All, 1),
];

/// The ways in which a disk is troubled.
#[derive(Debug, Clone, Copy)]
enum Way {
    Slow,
    SlowFsync,
    StalledFsync,
    Narrow,
    Failing,
    Full,
    ReadOnly,
}

const WAYS: [(Way, u32); 7] = [
    (Way::SlowFsync, 4),
    (Way::Slow, 2),
    (Way::StalledFsync, 2),
    (Way::Narrow, 1),
    (Way::Failing, 1),
    (Way::Full, 1),
    (Way::ReadOnly, 1),
];

/// From a good disk to one that takes longer than an election.
const FSYNC_MS: (f64, f64) = (5.0, 500.0);
/// Every operation: one commit takes several.
const OPERATION_MS: (f64, f64) = (1.0, 50.0);
const KIB_PER_SECOND: (f64, f64) = (64.0, 4096.0);
const FAILING_PERCENT: (f64, f64) = (1.0, 50.0);
const FREE_KIB: (f64, f64) = (1.0, 256.0);

impl Disk {
    /// Draws one, leaders first.
    pub(crate) fn draw(room: &Room, random: &mut impl Rng) -> Self {
        let trouble = match weighted(&WAYS, |_| true, random) {
            Way::SlowFsync => Trouble::slow_fsync(random),
            Way::Slow => Trouble::slow(random),
            Way::StalledFsync => Trouble::StalledFsync,
            Way::Narrow => Trouble::Narrow {
                kib_per_second: whole_between(KIB_PER_SECOND.0, KIB_PER_SECOND.1, random) as u64,
            },
            Way::Failing => Trouble::Failing {
                percent: whole_between(FAILING_PERCENT.0, FAILING_PERCENT.1, random),
            },
            Way::Full => {
                Trouble::Full { after_kib: whole_between(FREE_KIB.0, FREE_KIB.1, random) as u64 }
            }
            Way::ReadOnly => Trouble::ReadOnly,
        };
        let aim = if trouble.takes_down() {
            room.aim_down(&WEIGHTS, random)
        } else {
            room.aim(&WEIGHTS, random)
        };
        Self { aim, trouble }
    }
}

impl Trouble {
    /// Draws how slow an fsync is.
    pub(crate) fn slow_fsync(random: &mut impl Rng) -> Self {
        let delay_ms = whole_between(FSYNC_MS.0, FSYNC_MS.1, random);
        Self::SlowFsync { delay_ms, jitter_ms: jitter(delay_ms, random) }
    }

    /// Draws how slow every operation is.
    pub(crate) fn slow(random: &mut impl Rng) -> Self {
        let delay_ms = whole_between(OPERATION_MS.0, OPERATION_MS.1, random);
        Self::Slow { delay_ms, jitter_ms: jitter(delay_ms, random) }
    }
}

/// As often none as up to as much again.
fn jitter(delay_ms: f64, random: &mut impl Rng) -> f64 {
    let most = if random.random_bool(0.5) { delay_ms } else { 0.0 };
    (most * random.random_range(0.0..1.0)).round()
}

/// What happens to one kind of disk operation. The default is nothing.
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
    /// Whether the operation is as if there were no fault.
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

/// What happens to the operations of one node's disk. The default is nothing.
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
    /// Whether a process may end because of it, see [`Trouble::may_end_process`].
    pub fn may_end_process(&self) -> bool {
        let ops = [self.read, self.write, self.fsync, self.metadata];
        self.full_after_kib.is_some()
            || self.read_only
            || ops.iter().any(|op| op.error_percent > 0.0)
    }

    /// Whether a node with such a disk can no longer do its part, see [`Trouble::takes_down`].
    pub fn takes_down(&self) -> bool {
        self.fsync_stalled || self.may_end_process()
    }

    /// Whether the disk is as if there were no fault.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_troubles_of_one_disk_add_up() {
        let slow = Trouble::SlowFsync { delay_ms: 50.0, jitter_ms: 10.0 }.condition();
        let full = Trouble::Full { after_kib: 64 }.condition();
        let both = slow.and(&slow).and(&full);
        assert_eq!((both.fsync.delay_ms, both.fsync.jitter_ms), (100.0, 20.0));
        assert_eq!(both.full_after_kib, Some(64));
        assert!(both.write.is_neutral());
        assert!(DiskCondition::default().and(&DiskCondition::default()).is_neutral());
    }
}

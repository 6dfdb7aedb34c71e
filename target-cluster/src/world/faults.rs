//! The faults that a world does to its nodes, their disks, clocks and links.

use std::fmt;
use std::time::Duration;

use crate::core::Time;

/// A fault with the node it is for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AimedFault {
    /// The node.
    pub aim: Aim,
    /// The fault.
    pub fault: Fault,
}

/// A node by position, or by what it is when its time comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aim {
    /// The node at that position.
    Node(usize),
    /// The leader; of several the one of the highest term, of none the node at that position.
    Leader(usize),
}

/// Something that goes wrong. Durations are from its beginning to its end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fault {
    /// The process is killed; what it wrote is in the cache of the machine, which runs on.
    Kill {
        /// The time until it starts again.
        down: Duration,
    },
    /// The machine loses power.
    PowerLoss {
        /// The part that the disk keeps.
        kept: Kept,
        /// The time until it starts again.
        down: Duration,
    },
    /// All machines of a set lose power.
    Blackout {
        /// A bit for each node.
        nodes: u32,
        /// The part that their disks keep.
        kept: Kept,
        /// The time until they start again.
        down: Duration,
    },
    /// The node does so many more effects and crashes before the next.
    CrashAtEffect {
        /// The number of effects that it still does.
        after: u32,
        /// Power is lost, and not only the process.
        power: Option<Kept>,
        /// The time until it starts again.
        down: Duration,
    },
    /// No message passes between two sets of nodes.
    Partition {
        /// A bit for each node of one set.
        side: u32,
        /// Its duration.
        lasts: Duration,
    },
    /// No message passes between two sets of the other nodes: only this one hears, and is heard by,
    /// all.
    Bridge {
        /// A bit for each node of one set.
        side: u32,
        /// Its duration.
        lasts: Duration,
    },
    /// No message passes from the node to others, or from them to it.
    Isolation {
        /// Those to it are stopped.
        inward: bool,
        /// Those from it are stopped.
        outward: bool,
        /// A bit for each of the others.
        from: u32,
        /// Its duration.
        lasts: Duration,
    },
    /// Messages from the node come late, though in order: the buffers on their way are full.
    SlowSender {
        /// By that.
        by: Duration,
        /// Its duration.
        lasts: Duration,
    },
    /// The process is stopped, and goes on later.
    Pause {
        /// Its duration.
        lasts: Duration,
    },
    /// No barrier ends before the stall does.
    DiskStall {
        /// Its duration.
        lasts: Duration,
    },
    /// The next sync fails.
    SyncFailure,
    /// The disk has no room.
    FullDisk {
        /// Its duration.
        lasts: Duration,
    },
    /// The process is killed, and a part of its log that had been durable is damaged.
    Damage {
        /// The way.
        how: Damage,
    },
    /// The wall clock is set.
    WallClock {
        /// Ahead by that.
        ahead: Duration,
        /// And back by that.
        behind: Duration,
    },
    /// The clock runs at another rate.
    ClockRate {
        /// Millionths of the true rate.
        rate: u32,
        /// Its duration.
        lasts: Duration,
    },
    /// The clock leaps ahead, as after a suspension of the machine.
    ClockLeap {
        /// By that.
        by: Duration,
    },
    /// The node is asked to hand leadership over. No fault, but few things test an election as well.
    Transfer {
        /// To the node at that position.
        to: usize,
    },
    /// The node is asked to change the members.
    Members {
        /// The kind of change.
        kind: ChangeKind,
        /// Picks the nodes that it is about, among those for which there is something to do.
        pick: u32,
    },
}

/// The kinds of changes of the members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// A node becomes a voter.
    Add,
    /// A node becomes a learner.
    AddLearner,
    /// A voter leaves, or a learner.
    Remove,
    /// Another node takes the place of a voter.
    Replace,
    /// A voter becomes a learner.
    Demote,
    /// A learner becomes a voter.
    Promote,
}

impl ChangeKind {
    /// The kinds as they are drawn, those that matter most twice.
    pub const DRAWN: [ChangeKind; 8] = [
        ChangeKind::Add,
        ChangeKind::Add,
        ChangeKind::AddLearner,
        ChangeKind::Remove,
        ChangeKind::Replace,
        ChangeKind::Replace,
        ChangeKind::Demote,
        ChangeKind::Promote,
    ];
}

/// The ways in which a log that had been durable is found after its node was killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// A bit is inverted.
    BitInverted,
    /// A write whose sync reported success never reached the disk: zeros stand in its place.
    WriteLost,
    /// The end is missing.
    CutOff,
    /// Nothing of the log is left, and the rest says that there was one.
    Wiped,
    /// The disk was replaced by an empty one: the node starts as if it were new.
    Replaced,
}

/// The writes that were not synced and survive a power failure, by sector.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Kept {
    /// The length of a sector; short ones tear more records than those of real disks.
    pub sector: usize,
    /// The share of sectors that survive.
    pub share: f64,
}

impl Fault {
    /// The time after which it is undone, if it lasts.
    pub(crate) fn lasts(&self) -> Option<Time> {
        match self {
            Fault::Partition { lasts, .. }
            | Fault::Bridge { lasts, .. }
            | Fault::Isolation { lasts, .. }
            | Fault::SlowSender { lasts, .. }
            | Fault::Pause { lasts }
            | Fault::DiskStall { lasts }
            | Fault::FullDisk { lasts }
            | Fault::ClockRate { lasts, .. } => Some(*lasts),
            _ => None,
        }
    }
}

/// The nodes of a set, by name.
fn names(set: u32) -> String {
    let names = (0..32).filter(|node| set & 1 << node != 0).map(|node| format!("n{}", node + 1));
    names.collect::<Vec<_>>().join(" ")
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = self.share * 100.0;
        write!(f, "{percent:.0} % of unsynced sectors of {} bytes stay", self.sector)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Kill { down } => write!(f, "is killed, down for {down:?}"),
            Fault::PowerLoss { kept, down } => write!(f, "loses power, down for {down:?}; {kept}"),
            Fault::Blackout { nodes, kept, down } => {
                write!(f, "and all of {} lose power, down for {down:?}; {kept}", names(*nodes))
            }
            Fault::CrashAtEffect { after, power: None, down } => {
                write!(f, "will be killed after {after} effects, down for {down:?}")
            }
            Fault::CrashAtEffect { after, power: Some(kept), down } => {
                write!(f, "will lose power after {after} effects, down for {down:?}; {kept}")
            }
            Fault::Partition { side, lasts } => {
                write!(f, "and the others are parted for {lasts:?}: {} | the rest", names(*side))
            }
            Fault::Bridge { side, lasts } => {
                write!(f, "is a bridge for {lasts:?}: {} | the rest", names(*side))
            }
            Fault::Isolation { inward, outward, from, lasts } => {
                let way = match (inward, outward) {
                    (true, true) => "neither hears nor reaches",
                    (true, false) => "does not hear",
                    _ => "does not reach",
                };
                write!(f, "{way} {} for {lasts:?}", names(*from))
            }
            Fault::SlowSender { by, lasts } => {
                write!(f, "sends what comes {by:?} later, for {lasts:?}")
            }
            Fault::Pause { lasts } => write!(f, "is stopped for {lasts:?}"),
            Fault::DiskStall { lasts } => write!(f, "has a disk that stalls for {lasts:?}"),
            Fault::SyncFailure => f.write_str("has a disk whose next sync fails"),
            Fault::FullDisk { lasts } => write!(f, "has a full disk for {lasts:?}"),
            Fault::Damage { how } => f.write_str(match how {
                Damage::BitInverted => "is killed, a bit of its log inverted",
                Damage::WriteLost => "is killed, and a synced write of its log lost",
                Damage::CutOff => "is killed, and its log cut off",
                Damage::Wiped => "is killed, and its log wiped",
                Damage::Replaced => "is killed, and its disk replaced by an empty one",
            }),
            Fault::WallClock { ahead, behind } => {
                write!(f, "has its wall clock set {ahead:?} ahead and {behind:?} back")
            }
            Fault::ClockRate { rate, lasts } => {
                let percent = f64::from(*rate) / 10_000.0;
                write!(f, "has a clock that runs at {percent:.0} % for {lasts:?}")
            }
            Fault::ClockLeap { by } => write!(f, "has a clock that leaps ahead by {by:?}"),
            Fault::Members { kind, .. } => write!(f, "is asked to change the members: {kind:?}"),
            Fault::Transfer { to } => write!(f, "is asked to hand over to n{}", to + 1),
        }
    }
}

//! The description of a family, apart from what its faults do.

use rand::rngs::ChaCha8Rng;

use super::{Budget, ClusterLimits, Family, Fault};

/// The description of a family; each has one constant `ABOUT` in its file.
pub(crate) struct About {
    /// The name used in plans, on the command line and in the history.
    pub name: &'static str,
    /// The letter that stands for it where colours do not help.
    pub letter: char,
    /// One sentence for `stormproof list faults`.
    pub description: &'static str,
    /// Does its faults.
    pub engine: Engine,
    /// Set if links are cut for it besides: a node without power says nothing.
    pub cuts_links: bool,
    /// Set if Raft promises to stay right under it. What it does not promise to survive runs only
    /// when asked for by name.
    pub within_fault_model: bool,
    /// The state of the processes that it hits, while it lasts.
    pub processes: Processes,
    /// Until when a node that ends by itself has the fault for an excuse.
    pub excuse: Excuse,
    /// The fields of its faults in a plan, besides those of every fault.
    pub fields: &'static [&'static str],
    /// The shortest and the longest fault, in seconds: from below an election time-out, when only
    /// the requests in flight should notice, to many, when everything that can time out does. What
    /// is seen only when it is used lasts long enough for that.
    pub lasts: (f64, f64),
    /// Draws one of its faults; none where it has none for such a cluster.
    pub draw: fn(&Wanted, &mut ChaCha8Rng) -> Option<Fault>,
    /// Set if every other of its faults, the first among them, parts the leader from its
    /// majority: so a deposed leader that does not know it is a part of every run.
    pub parts_leader: bool,
    /// The number of nodes that may be down at once when it is drawn alone.
    pub budget_alone: Budget,
    /// The seconds between two of its faults when it is drawn alone.
    pub gap_alone: (f64, f64),
    /// Set if it has no place on the timeline that all families share, but times of its own: it is
    /// one that most runs do not have, or of which a few a minute are enough.
    pub comes_on_top: bool,
    /// The place of its faults when all that are on are undone.
    pub undone: UndoneWith,
    /// The way one step of its faults takes the place of the one before.
    pub steps: Steps,
}

/// A fault to be drawn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    /// The number of nodes it may be aimed at.
    pub limits: ClusterLimits,
    /// The time it will last, in seconds.
    pub lasts: f64,
    /// The longest that it may last, in seconds, if it [needs](super::Spec::least_seconds) more.
    pub longest: f64,
    /// Set if it is to part the leader from its majority, see [`About::parts_leader`].
    pub parts_leader: bool,
}

/// The mechanism that does the faults of a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Engine {
    /// Links that can be cut.
    Links,
    /// Links that delay, lose and damage packets.
    Packets,
    /// Signals to processes.
    Signals,
    /// Shares of a processor.
    Processors,
    /// Clocks that each process has for itself.
    Clocks,
    /// Disks that each node has for itself.
    Disks,
    /// The target, which is asked to do it.
    Target,
}

/// The state of the processes that a fault hits, while it lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Processes {
    /// They run.
    Running,
    /// They are stopped and keep all that they had.
    Paused,
    /// They have ended.
    Down,
}

/// Until when a node that ends by itself has a fault for an excuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excuse {
    /// Until the fault was injected: afterwards its process is gone, and has to serve when it is
    /// back.
    AtInjection,
    /// Until the fault is undone.
    WhileOn,
    /// For good: what was damaged stays so.
    Forever,
}

/// The order in which faults that are on are undone together: links, disks, clocks and processors
/// before processes, so that nodes which start meet their peers and a whole machine; what asks
/// something of the cluster comes last, when there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum UndoneWith {
    Links,
    Disks,
    Clocks,
    Processors,
    Pauses,
    Starts,
    Requests,
}

/// The way one step of a fault takes the place of the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Steps {
    /// The new state replaces the old one as a whole.
    Replace,
    /// Nodes that are in both are left alone.
    ByNode,
    /// The old state ends, then the new one begins.
    InTurn,
}

impl Family {
    /// The name used in plans, on the command line and in the history.
    pub fn name(self) -> &'static str {
        self.about().name
    }

    /// The letter that stands for it where colours do not help.
    pub fn letter(self) -> char {
        self.about().letter
    }

    /// One sentence for `stormproof list faults`.
    pub fn description(self) -> &'static str {
        self.about().description
    }

    /// The engine of its faults.
    pub fn engine(self) -> Engine {
        self.about().engine
    }

    /// Returns true if Raft promises to stay right under it. What it does not promise to survive
    /// runs only when asked for by name.
    pub fn within_fault_model(self) -> bool {
        self.about().within_fault_model
    }

    /// Returns true if links are cut for it.
    pub fn cuts_links(self) -> bool {
        self.engine() == Engine::Links || self.about().cuts_links
    }

    /// Returns true if nodes need disks of their own for it.
    pub fn needs_own_disk(self) -> bool {
        self.engine() == Engine::Disks
    }

    /// Returns true if it is done by asking the target, so that only some targets can have it.
    pub fn needs_target(self) -> bool {
        self.engine() == Engine::Target
    }

    /// The state of the processes that it hits, while it lasts.
    pub fn processes(self) -> Processes {
        self.about().processes
    }

    /// Until when a node that ends by itself has one of its faults for an excuse.
    pub fn excuse(self) -> Excuse {
        self.about().excuse
    }
}

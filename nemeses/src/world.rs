//! The boundary between deciding and acting: what faults need of the world.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use crate::grudge::{Grudge, Link};

/// What faults need of the world. [`crate::host::LocalHost`] is the real one; tests of bookkeeping
/// have their own.
///
/// Every method may be called again with the same arguments: it then changes nothing.
pub trait Host {
    /// What a node's process is doing. A node that nobody knows is stopped.
    fn state(&self, node: &str) -> NodeState;

    /// Makes exactly the links of `grudge` drop packets, all others pass them, and looks whether
    /// they do. An empty grudge heals.
    fn partition(&mut self, grudge: &Grudge) -> Result<PartitionSeen, HostError>;

    /// How many packets each link dropped since the lab was built. Links that never dropped one
    /// may be missing.
    fn dropped(&mut self) -> Result<BTreeMap<Link, u64>, HostError>;

    /// Kills the processes of these nodes, all before waiting for any, and waits until they are
    /// dead. The value is how long that took.
    fn kill(&mut self, nodes: &BTreeSet<String>) -> PerNode<Duration>;

    /// Starts the processes of these nodes anew. The value is the process id. A node that runs is
    /// left alone.
    fn start(&mut self, nodes: &BTreeSet<String>) -> PerNode<u32>;

    /// Stops the processes of these nodes, and waits until no thread of theirs runs. The value is
    /// how long that took.
    fn pause(&mut self, nodes: &BTreeSet<String>) -> PerNode<Duration>;

    /// Continues the processes of these nodes, and waits until they do. A node whose process is
    /// gone is left alone.
    fn resume(&mut self, nodes: &BTreeSet<String>) -> PerNode<Duration>;
}

/// What came of an action at each of its nodes.
pub type PerNode<T> = BTreeMap<String, Result<T, HostError>>;

/// What a node's process is doing, as far as faults are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeState {
    /// It runs.
    Running,
    /// It was paused.
    Paused,
    /// There is no process.
    Stopped,
}

/// What was seen of a partition right after it was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartitionSeen {
    /// Packets dropped on each cut link by probing it.
    pub dropped: BTreeMap<Link, u64>,
    /// Cut links on which no packet was seen dropped in time.
    pub unproven: BTreeSet<Link>,
    /// Links that should pass packets, but over which a probe did not arrive in time.
    pub silent: BTreeSet<Link>,
    /// From the command until every rule was in place, without the probing.
    pub took: Duration,
}

/// Why the world did not do what was asked of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostError {
    /// This host cannot do it at all, and did not try.
    Unavailable(String),
    /// It was tried and failed, or was not seen to succeed.
    Failed(String),
}

impl fmt::Display for HostError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Unavailable(why) | Self::Failed(why)) = self;
        out.write_str(why)
    }
}

impl std::error::Error for HostError {}

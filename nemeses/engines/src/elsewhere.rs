//! Nodes that others run.

use std::collections::BTreeSet;
use std::time::Duration;

use faults::grudge::Grudge;
use faults::host::{HostError, NodeState, PartitionSeen, PerNode};

/// Does faults to nodes that somebody else runs: the part of a [`Host`] for a cluster that is not
/// ours. Results are those of a host.
pub trait Elsewhere: Send {
    /// The state of a node.
    fn state(&self, node: &str) -> NodeState;

    /// Makes exactly the links of `grudge` drop packets, and looks whether they do if it is to
    /// `look`.
    ///
    /// # Errors
    /// When it cannot, or not for certain.
    fn partition(&mut self, grudge: &Grudge, look: bool) -> Result<PartitionSeen, HostError>;

    /// Ends these nodes at once.
    fn kill(&mut self, nodes: &BTreeSet<String>) -> PerNode<Duration>;

    /// Starts them again. There are no process ids that mean anything here.
    fn start(&mut self, nodes: &BTreeSet<String>) -> PerNode<u32>;

    /// Stops them for a while.
    fn pause(&mut self, nodes: &BTreeSet<String>) -> PerNode<Duration>;

    /// Continues them.
    fn resume(&mut self, nodes: &BTreeSet<String>) -> PerNode<Duration>;
}

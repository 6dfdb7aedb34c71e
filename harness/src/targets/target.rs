//! The service under test, as stormproof knows it.

use std::sync::Arc;
use std::time::Duration;

use checker::oracle::version::VersionSemantics;
use engines::node_process::OwnClock;
use faults::fault::{Family, TimerRange};
use faults::host::Administrator;
use results::event::NodeChange;

use super::{Auditor, Client, Dumper, Launch, Member};

/// The time that the nodes of most services may take until they are ready: generous, for a machine
/// that is busy with other things; a healthy one takes a second.
pub(crate) const READY_WITHIN: Duration = Duration::from_secs(30);

/// A service that stormproof can start and speak to.
pub trait Target: Send + Sync {
    /// The name that `--target` takes.
    fn name(&self) -> &str;

    /// The version under test.
    ///
    /// # Errors
    /// When its programs are not there; the message says how to come by them.
    fn version(&self) -> anyhow::Result<String>;

    /// The text that it was made from, which is kept with every run; none of those that come with
    /// stormproof.
    fn definition(&self) -> Option<&str> {
        None
    }

    /// The number of ports that its nodes want for their peers alone, besides the one for clients;
    /// 0 if both come to the same.
    fn peer_ports(&self) -> usize {
        0
    }

    /// Writes what a node must find before its first start, such as its configuration. The node's
    /// disk is in place by then.
    ///
    /// # Errors
    /// When a file cannot be written.
    fn prepare(&self, _cluster: &[Member], _node: usize) -> anyhow::Result<()> {
        Ok(())
    }

    /// The command that starts one node, for the first time or again.
    fn launch(&self, cluster: &[Member], node: usize) -> Launch;

    /// Returns true if its nodes [print](Target::node_change) their roles. Those of others are
    /// asked for their status again and again.
    fn prints_roles(&self) -> bool {
        false
    }

    /// Returns true if the [status](Client::status) of its nodes says who leads. Where it does not,
    /// nodes are asked only whether they answer, and a fault that is aimed at the leader hits a
    /// node that is drawn.
    fn knows_leader(&self) -> bool {
        true
    }

    /// The time that a fresh cluster may take until its nodes are ready.
    fn ready_within(&self) -> Duration {
        READY_WITHIN
    }

    }

    /// The range of its timers, from a heartbeat to several election time-outs, which delays are
    /// drawn from; none where they are not known.
    fn timers(&self) -> Option<TimerRange> {
        None

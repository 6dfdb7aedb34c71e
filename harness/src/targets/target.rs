//! The service under test, as stormproof knows it.

use std::sync::Arc;
use std::time::Duration;

use checker::oracle::version::VersionSemantics;
use engines::node_process::OwnClock;
use faults::fault::{Abilities, Family, TimerRange};
use faults::host::Administrator;
use faults::schedule::KnownFailure;
use results::event::NodeReport;

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

    /// Returns true if its nodes [print](Target::node_report) their roles. Those of others are
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

    /// Returns true if nodes agree that name the same leader, although in different terms: such as
    /// a service whose followers learn of a term only with its first entry.
    fn terms_may_differ(&self) -> bool {
        false
    }

    /// The time that a fresh cluster may take until its nodes are ready.
    fn ready_within(&self) -> Duration {
        READY_WITHIN
    }

    /// The range of its timers, from a heartbeat to several election timeouts, which delays, stalls
    /// and pauses are drawn from, as well as up to the deadline of the run's clients; none where they
    /// are not known.
    fn timers(&self) -> Option<TimerRange> {
        None
    }

    /// The time within which it answers every kind of operation wherever a majority of its nodes is up
    /// and hears each other, also while faults last that hit others; none where it does not promise
    /// that, and is asked to serve only once all is healed.
    fn serves_within(&self) -> Option<Duration> {
        None
    }

    /// The failures that are known of it, whose triggers runs leave out unless they are told to test
    /// them.
    fn known_failures(&self) -> &[KnownFailure] {
        &[]
    }

    /// Returns true if it has that operation of the objects that the model judges; the message of
    /// [`client`](Target::client) says more of models that it has nothing of.
    fn offers(&self, _model: &str, _f: &str) -> bool {
        true
    }

    /// The way in which its processes can have clocks of their own. Right for every runtime unless
    /// it hands the kernel only relative time-outs, as Go does.
    fn own_clock(&self) -> OwnClock {
        OwnClock::WithDeadlines
    }

    /// Understands a line that a node printed on its standard output.
    fn node_report(&self, _line: &str) -> Option<NodeReport> {
        None
    }

    /// The request by which the service itself does the faults of a family, such as
    /// `POST /admin/transfer`; none if it has no such request.
    fn asked_for(&self, _family: Family) -> Option<&'static str> {
        None
    }

    /// Returns true if it can have the faults of that family: those that need nothing of it, and
    /// those that it can be asked for.
    fn can(&self, family: Family) -> bool {
        !family.needs_target() || self.asked_for(family).is_some()
    }

    /// The requests that it understands, where it can be asked for faults at all.
    fn abilities(&self) -> Abilities {
        Abilities::default()
    }

    /// The number of its last nodes that do not found the cluster: they are made members once the load
    /// has begun.
    fn spare(&self) -> usize {
        0
    }

    /// The client that asks the cluster for the faults that it can be [asked
    /// for](Target::asked_for). Called within a runtime.
    ///
    /// # Errors
    /// When the means to ask cannot be made.
    fn administrator(&self, _cluster: &[Member]) -> anyhow::Result<Option<Box<dyn Administrator>>> {
        Ok(None)
    }

    /// Its promises about the versions that it answers; none if it has none.
    fn versions(&self) -> Option<VersionSemantics> {
        None
    }

    /// The client that asks the nodes what they applied; none if they cannot be asked.
    ///
    /// # Errors
    /// When the means to ask cannot be made.
    fn auditor(&self, _cluster: &[Member]) -> anyhow::Result<Option<Arc<dyn Auditor>>> {
        Ok(None)
    }

    /// The client that asks the members for all that they hold; none if they cannot be asked.
    ///
    /// # Errors
    /// When the means to ask cannot be made.
    fn dumper(&self, _cluster: &[Member]) -> anyhow::Result<Option<Arc<dyn Dumper>>> {
        Ok(None)
    }

    /// A client of the whole cluster. `run` is the run's id, which keys carry on the wire; `model`
    /// is what judges the operations, and so what objects they are about.
    ///
    /// # Errors
    /// When the service has no such objects.
    fn client(&self, cluster: &[Member], run: &str, model: &str)
    -> anyhow::Result<Arc<dyn Client>>;
}

//! The boundary between deciding and acting: what faults need of the world.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::fault::{ClockCondition, Damage, DiskCondition, LinkCondition, PowerCut, StoreWork};
use crate::grudge::{Grudge, Link};
use crate::trigger::{Observation, Watch};

/// The actions that faults need of the world. `LocalHost` of the engines is the real one; tests of
/// bookkeeping have their own.
///
/// Every method may be called again with the same arguments: it then changes nothing.
pub trait Host {
    /// The state of a node's process. An unknown node is stopped.
    fn state(&self, node: &str) -> NodeState;

    /// Makes exactly the links of `grudge` drop packets, all others pass them, and looks whether
    /// they do. An empty grudge heals.
    fn partition(&mut self, grudge: &Grudge) -> Result<PartitionSeen, HostError>;

    /// The same without looking, so that steps can follow each other quickly. A host that cannot do
    /// without may look all the same.
    fn partition_quickly(&mut self, grudge: &Grudge) -> Result<PartitionSeen, HostError> {
        self.partition(grudge)
    }

    /// Makes every link pass packets and looks whether it does, and whether every other part of the
    /// host does its work: a part of ours that died must not be taken for a fault of the nodes.
    ///
    /// # Errors
    /// The part that does not work.
    fn check_sound(&mut self) -> Result<(), HostError> {
        Ok(())
    }

    /// The number of packets that each link dropped since the lab was built. Links that never
    /// dropped one may be missing.
    fn dropped(&mut self) -> Result<BTreeMap<Link, u64>, HostError>;

    /// Kills the processes of these nodes, all before waiting for any, and waits until they are
    /// dead. The value is how long that took.
    fn kill(&mut self, nodes: &BTreeSet<String>) -> PerNode<Duration>;

    /// Asks the processes of these nodes to end, as an operator does, all before waiting for any, and
    /// waits a little until they have. The value is how long that took.
    fn stop(&mut self, nodes: &BTreeSet<String>) -> PerNode<Duration>;

    /// Returns true if a node's process was asked to end and has not yet.
    fn is_ending(&self, node: &str) -> bool {
        let _ = node;
        false
    }

    /// The nodes that faults took out of their cluster, or are about to. They have to be added
    /// before they can start.
    fn former_members(&self) -> BTreeSet<String> {
        BTreeSet::new()
    }

    /// The members that run and do not vote: those that faults demoted, or are about to, and those that
    /// joined anew and are not promoted yet.
    fn learners(&self) -> BTreeSet<String> {
        BTreeSet::new()
    }

    /// From now on, looks at effects and questions to the service take no longer than this in all;
    /// none lets them take their time. What was not seen by then is told as not looked at.
    fn set_patience(&mut self, longest: Option<Duration>) {
        let _ = longest;
    }

    /// Starts the processes of these nodes anew. The value is the process id. A node that runs is
    /// left alone. One that was removed is added first, as with [`ask`](Host::ask); `Unavailable`
    /// is one that is not added yet.
    fn start(&mut self, nodes: &BTreeSet<String>) -> PerNode<u32>;

    /// Stops the processes of these nodes, and waits until no thread of theirs runs. The value is
    /// how long that took.
    fn pause(&mut self, nodes: &BTreeSet<String>) -> PerNode<Duration>;

    /// Continues the processes of these nodes, and waits until they do. A node whose process is
    /// gone is left alone.
    fn resume(&mut self, nodes: &BTreeSet<String>) -> PerNode<Duration>;

    /// Gives exactly these links these conditions, all others none, and looks whether packets meet
    /// them. Where `look` is false nothing is probed, so that steps can follow each other quickly.
    fn shape(
        &mut self,
        links: &BTreeMap<Link, LinkCondition>,
        look: bool,
    ) -> Result<BTreeMap<Link, LinkSeen>, HostError>;

    /// The counters of every link since the lab was built. Links that did nothing may be
    /// missing.
    fn shaped(&mut self) -> Result<BTreeMap<Link, LinkCounts>, HostError>;

    /// Lets each of these nodes use so many percent of a processor, all others as much as there is.
    fn limit_cpu(&mut self, percent: &BTreeMap<String, f64>) -> PerNode<CpuSeen>;

    /// Gives the clocks of exactly these nodes these conditions, those of all others none, and
    /// reads them back. A node that starts later has its condition from the start; nodes that do
    /// not run are missing from what is read.
    fn set_clocks(&mut self, clocks: &BTreeMap<String, ClockCondition>) -> PerNode<ClockSeen>;

    /// Reads the clocks of every node that runs back, some microseconds each: a sample for a plot.
    /// Nodes with the machine's clocks are missing.
    fn clocks(&mut self) -> PerNode<ClockSeen> {
        PerNode::new()
    }

    /// Gives the disks of exactly these nodes these conditions, those of all others none. The value
    /// is what the disk did since its condition was last changed.
    fn set_disks(&mut self, disks: &BTreeMap<String, DiskCondition>) -> PerNode<DiskSeen>;

    /// The counters of each disk since its condition was last changed.
    fn disks(&mut self) -> PerNode<DiskSeen>;

    /// Cuts the power of these nodes, each step at all of them before the next: nothing becomes
    /// durable any more, their processes die, what was not synced is lost as `cut` says, drawn
    /// from `seed`. [`start`](Host::start) switches them on again. Their links are the caller's
    /// business.
    fn cut_power(
        &mut self,
        nodes: &BTreeSet<String>,
        cut: &PowerCut,
        seed: u64,
    ) -> PerNode<PowerSeen>;

    /// Damages files of a node that is down, at a place drawn from `seed`. The value says which
    /// file and where.
    fn damage(&mut self, node: &str, damage: &Damage, seed: u64) -> Result<String, HostError>;

    /// From now on reports what `watches` see to this listener, from threads that must not wait for
    /// long.
    fn report_observations(&mut self, listener: ObservationListener) {
        let _ = listener;
    }

    /// Looks for what `watch` says from now on, reports it once, when it was seen the `nth` time,
    /// and holds it back then: until the watch [ends](Host::end_watch), but not longer than `hold`.
    /// Called again with the same number it looks at the nodes of the new one, and goes on counting.
    ///
    /// # Errors
    /// `Unavailable` when the host cannot see such things.
    fn watch(
        &mut self,
        number: u32,
        watch: &Watch,
        nth: u32,
        hold: Option<Duration>,
    ) -> Result<(), HostError> {
        let _ = (number, nth, hold);
        let what = match watch {
            Watch::Disk(_) => "the calls of nodes to their disks",
            Watch::Message(_) => "the messages between nodes",
        };
        Err(HostError::Unavailable(format!("this lab does not see {what}")))
    }

    /// Looks no more for what this watch says, and lets go of what is held back. The value is how
    /// long that was; none where nothing was held.
    fn end_watch(&mut self, number: u32) -> Option<Duration> {
        let _ = number;
        None
    }

    /// Asks the service for something, and waits until it is done, but not longer than its
    /// [patience](Host::set_patience). The value is how long it took; none while no answer has come,
    /// see [`answer`](Host::answer). A node that the service removed is killed once that is known.
    /// Only a host that knows how to ask its target can.
    fn ask(&mut self, request: &Request) -> Result<Option<Duration>, HostError> {
        Err(HostError::Unavailable(format!("this target cannot {request}")))
    }

    /// The answer to a request that was [asked](Host::ask), in the same way.
    fn answer(&mut self, request: &Request) -> Result<Option<Duration>, HostError> {
        Err(HostError::Failed(format!("nothing asked the target to {request}")))
    }

    /// Has those of `nodes` that are out of their cluster added and started, and those that do not vote
    /// promoted; returns true until all of them vote again.
    fn bring_back(&mut self, nodes: &BTreeSet<String>) -> bool {
        let out = nodes & &self.former_members();
        let is_late = !out.is_empty() && self.start(&out).values().any(Result::is_err);
        let learners = nodes & &self.learners();
        let mut any_learns = false;
        for node in learners {
            let promote = Request::Promote(node);
            // One that could not be promoted is asked for once more.
            let answer = self.answer(&promote).or_else(|_| self.ask(&promote));
            any_learns |= !matches!(answer, Ok(Some(_)));
        }
        is_late || any_learns
    }

    /// Has the members that were promoted count as [learners](Host::learners) until they are once more:
    /// a request whose answer did not come may be carried out late, and take them out again.
    fn doubt_members(&mut self) {}

    /// The members of the cluster before and after a change that was [asked](Host::ask) for and done;
    /// none where the service does not tell of them.
    fn members_around(&mut self, request: &Request) -> Option<MembersAround> {
        let _ = request;
        None
    }
}

/// Takes what watches see.
pub type ObservationListener = Arc<dyn Fn(Observation) + Send + Sync>;

/// Asks a service for what only it can do: the part of a [`Host`] that a target brings.
///
/// Calls come from a thread that may block, and end by themselves, no matter what the service does.
pub trait Administrator: Send + Sync {
    /// Has the leader hand over to `to`, which does not lead, and returns when it was told that
    /// `to` leads.
    ///
    /// # Errors
    /// `Unavailable` when no node was asked, since none leads or `to` does already; `Failed` with
    /// the service's refusal, or when no answer came.
    fn transfer(&self, to: &str) -> Result<(), HostError>;

    /// Has `node` do this work on its store, and returns when it has.
    ///
    /// # Errors
    /// `Unavailable` when the service has nothing of the kind; `Failed` with the service's refusal,
    /// or when no answer came.
    fn maintain(&self, node: &str, work: StoreWork) -> Result<(), HostError> {
        Err(HostError::Unavailable(format!("this target cannot {work} the store of {node}")))
    }

    /// Takes `node` out of the cluster, and returns when it is no member any more.
    ///
    /// # Errors
    /// `Unavailable` when it surely still is one; `Failed` when it may be removed yet.
    fn remove(&self, node: &str) -> Result<Option<MembersAround>, HostError> {
        Err(HostError::Unavailable(format!("this target cannot remove {node}")))
    }

    /// Takes `node`, which was removed and does not run, back as a new member that has never stored
    /// anything.
    ///
    /// # Errors
    /// `Unavailable` with what keeps it out at the moment.
    fn add(&self, node: &str) -> Result<Added, HostError> {
        Err(HostError::Unavailable(format!("this target cannot add {node}")))
    }

    /// Has `node`, which votes, be a learner, and returns when it is one.
    ///
    /// # Errors
    /// `Unavailable` when it surely still votes; `Failed` when it may be demoted yet.
    fn demote(&self, node: &str) -> Result<Option<MembersAround>, HostError> {
        Err(HostError::Unavailable(format!("this target cannot demote {node}")))
    }

    /// Has `node`, which runs, vote, also where a change that was not answered took it out, and returns
    /// when it does.
    ///
    /// # Errors
    /// `Unavailable` or `Failed` with what keeps it from voting at the moment.
    fn promote(&self, node: &str) -> Result<Option<MembersAround>, HostError> {
        Err(HostError::Unavailable(format!("this target cannot promote {node}")))
    }
}

/// A node that was added as a new member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// The place where its life before has left its data, which its start must not find.
    pub left: PathBuf,
    /// True if it is to be promoted once it runs: until then it does not vote.
    pub learns: bool,
}

/// The members of a cluster before and after a change, in words, as the service told of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MembersAround {
    /// Those before it, such as `n1 n2 n3`.
    pub before: String,
    /// Those after it, such as `n1 n2, learner n3`.
    pub after: String,
}

/// Something that a service is asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Request {
    /// The leader hands over to this node.
    Transfer(String),
    /// This node does this work on its store.
    Maintain(String, StoreWork),
    /// This node leaves the cluster.
    Remove(String),
    /// This node, which left, joins it again as a new member.
    Add(String),
    /// This node, which votes, becomes a learner.
    Demote(String),
    /// This node, which runs and may be a learner, votes.
    Promote(String),
}

impl fmt::Display for Request {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transfer(to) => write!(out, "hand leadership to {to}"),
            Self::Maintain(node, work) => write!(out, "{work} the store of {node}"),
            Self::Remove(node) => write!(out, "remove {node}"),
            Self::Add(node) => write!(out, "add {node} again"),
            Self::Demote(node) => write!(out, "demote {node}"),
            Self::Promote(node) => write!(out, "promote {node}"),
        }
    }
}

/// The result of an action at each of its nodes.
pub type PerNode<T> = BTreeMap<String, Result<T, HostError>>;

/// The state of a node's process, as far as faults are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeState {
    /// It runs.
    Running,
    /// It was paused.
    Paused,
    /// There is no process.
    Stopped,
}

/// The observation of a partition right after it was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartitionSeen {
    /// Packets dropped on each cut link by probing it.
    pub dropped: BTreeMap<Link, u64>,
    /// Cut links on which no packet was seen dropped in time.
    pub unproven: BTreeSet<Link>,
    /// Links that should pass packets, but over which a probe did not arrive in time.
    pub silent: BTreeSet<Link>,
    /// Set if something else was due before the look was over: what is unproven or silent then
    /// says nothing.
    pub cut_short: bool,
    /// From the command until every rule was in place, without the probing.
    pub took: Duration,
}

/// The experience of probes on a link right after its condition was set.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct LinkSeen {
    /// Datagrams sent over it.
    pub sent: u32,
    /// Datagrams that arrived, duplicates not counted.
    pub arrived: u32,
    /// The shortest time that one took, in milliseconds; none when none arrived.
    pub fastest_ms: Option<f64>,
}

/// The counters of what a link did to packets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkCounts {
    /// Passed them on, no matter what else happened to them. Up to 64 KB of one stream count as one
    /// where they meet no trouble.
    pub passed: u64,
    /// Bytes of those, headers included.
    pub bytes: u64,
    /// Held them back.
    pub delayed: u64,
    /// For how long in all, in microseconds.
    pub delayed_us: u64,
    /// Lost them.
    pub lost: u64,
    /// Sent them twice.
    pub duplicated: u64,
    /// Let others overtake them.
    pub reordered: u64,
    /// Flipped a bit of them.
    pub corrupted: u64,
    /// Had no room for them, as a narrow link whose queue is full.
    pub overflowed: u64,
}

/// The observation of a process whose processor time was limited.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct CpuSeen {
    /// The number of times that the kernel held it back since the limit was set.
    pub throttled: u64,
    /// For how long in all, in milliseconds.
    pub throttled_ms: f64,
}

/// The clocks of a process, read back.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ClockSeen {
    /// The milliseconds by which its wall clock is ahead of the machine's.
    pub wall_offset_ms: f64,
    /// The milliseconds by which its monotonic clock is ahead of the machine's.
    pub monotonic_offset_ms: f64,
    /// Seconds that pass on them in a second.
    pub rate: f64,
}

/// The counters of one kind of operation on a disk, the time in it measured from request to reply.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct OpSeen {
    /// Operations that were answered.
    pub count: u64,
    /// Those answered with an error of a fault.
    pub errors: u64,
    /// The shortest time, in milliseconds.
    pub fastest_ms: f64,
    /// The mean time, in milliseconds.
    pub mean_ms: f64,
    /// The longest time, in milliseconds.
    pub slowest_ms: f64,
}

/// The counters of a disk since its condition was last changed.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct DiskSeen {
    /// Reads of files.
    pub read: OpSeen,
    /// Writes to files.
    pub write: OpSeen,
    /// fsync and fdatasync.
    pub fsync: OpSeen,
    /// Operations that change names, sizes or attributes.
    pub metadata: OpSeen,
    /// fsyncs that are stalled now, or were released when the condition changed.
    pub stalled: u64,
}

/// The losses of a node by a power failure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PowerSeen {
    /// Unsynced sectors that survived.
    pub sectors_kept: u64,
    /// Unsynced sectors that are gone.
    pub sectors_lost: u64,
    /// Unsynced changes of names that survived.
    pub names_kept: u64,
    /// Unsynced changes of names that are gone.
    pub names_lost: u64,
}

/// The reason for which the world did not do what was asked of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// This host cannot do it at all, and did not try.
    #[error("{0}")]
    Unavailable(String),
    /// It was tried and failed, or was not seen to succeed.
    #[error("{0}")]
    Failed(String),
}

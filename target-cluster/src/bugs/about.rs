//! The things that are said about a bug.

use std::fmt;

/// An entry of the list.
pub(super) struct Description {
    /// The name used on the command line and in `/status`.
    pub(super) name: &'static str,
    /// The part of the protocol that it breaks.
    pub(super) group: Group,
    /// The kind of property that it breaks.
    pub(super) kind: Kind,
    /// The mistake, in one sentence.
    pub(super) summary: &'static str,
    /// The real systems in which it was found.
    pub(super) source: &'static str,
    /// The faults that can reach it.
    pub(super) reach: Reach,
}

/// The part of the protocol that a bug breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Group {
    /// At most one leader in a term, whose log has all that was committed.
    Election,
    /// Logs that agree, and the rule by which entries are committed.
    Log,
    /// Records that are durable before others hear of them.
    Persistence,
    /// Snapshots, and logs that are cut behind them.
    Snapshots,
    /// Members that come and go.
    Members,
    /// Reads that see everything acknowledged before.
    Reads,
    /// Reads that trust a clock.
    Leases,
    /// Retries, and what a client is answered.
    Clients,
    /// Leadership that is handed over.
    Transfer,
    /// Elections that disturb no leader, and leaders that give up.
    PreVote,
    /// A restart with the log that is on the disk.
    Recovery,
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Group::Election => "election safety",
            Group::Log => "log matching and commit",
            Group::Persistence => "persistence",
            Group::Snapshots => "snapshots",
            Group::Members => "members",
            Group::Reads => "reads",
            Group::Leases => "leases and time",
            Group::Clients => "client tokens and answers",
            Group::Transfer => "leadership transfer",
            Group::PreVote => "pre-vote and disruption",
            Group::Recovery => "recovery",
        })
    }
}

/// The kind of property that a bug breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Something wrong happens.
    Safety,
    /// Something right does not happen, such as an answer.
    Liveness,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Kind::Safety => "safety",
            Kind::Liveness => "liveness",
        })
    }
}

/// The faults that can reach a bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reach {
    /// Those that are done to real nodes, in a run with these flags.
    Faults(&'static str),
    /// Only those of the simulated world: messages that are repeated, late or overtaken, which the
    /// connections between real nodes do not let through, or a moment too short to be met.
    Simulator,
}

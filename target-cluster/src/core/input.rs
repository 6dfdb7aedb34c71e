//! The inputs and effects of the core.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    BadChange, ClockOff, Configuration, Entry, MemberChange, NodeId, Request, Response, RoleName,
    Snapshot, Stamp, Time,
};
use crate::kv::{Answer, EncodedCommand, Query};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Input {
    /// Time passed; due no later than [`super::Node::next_deadline`].
    Tick,
    /// Another voter asks.
    Request {
        /// The driver's number for this call; its answer carries it.
        call: u64,
        /// The incarnations of the two nodes.
        stamp: Stamp,
        /// The question.
        request: Request,
    },
    /// Another voter answered a request of this node, of now or of long ago.
    Response {
        /// The voter that answered.
        from: NodeId,
        /// The time at which the request was sent, by this node's clock. The answer may be late, but
        /// proves that the voter heard this node no earlier than that.
        sent: Time,
        /// The incarnations of the two nodes.
        stamp: Stamp,
        /// The answer.
        response: Response,
    },
    /// Clients want commands applied; several at once are replicated together.
    Propose(Vec<Proposal>),
    /// A client asks for something that changes nothing.
    Query {
        /// The driver's number for this request; its reply carries it.
        request: u64,
        /// The question.
        query: Query,
    },
    /// Another voter is asked to lead.
    Transfer {
        /// The driver's number for this request; its reply carries it.
        request: u64,
        /// The node that is to lead.
        to: NodeId,
    },
    /// The members of the cluster are to change.
    ChangeMembers {
        /// The driver's number for this request; its reply carries it.
        request: u64,
        /// The change.
        change: MemberChange,
    },
    /// Every record with a sequence number up to `through` is durable.
    Persisted {
        /// The sequence number of the last durable record.
        through: u64,
    },
    /// The snapshot of [`Effect::SaveSnapshot`] is durable.
    SnapshotSaved {
        /// The index of the last entry in it.
        index: u64,
    },
    /// A snapshot is to be taken, also if none is due.
    TakeSnapshot {
        /// The driver's number for this request; its reply carries it.
        request: u64,
    },
    /// The time that the wall clock shows. Only a node with the planted bug `wall-clock-lease` gets
    /// this, or cares: wall clocks are set, forwards and back.
    WallClock(Time),
}

/// One command of a client.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Proposal {
    /// The driver's number for this request; its reply carries it.
    pub request: u64,
    /// The command.
    pub command: EncodedCommand,
}

/// Something to be done by the driver.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Append the record to the write-ahead log; report [`Input::Persisted`] once it is durable.
    Persist {
        /// Counts the records of this node since it started, from 1.
        sequence: u64,
        /// The record to write.
        record: Record,
    },
    /// Write the snapshot beside the log; report [`Input::SnapshotSaved`] once it is durable. There is
    /// never more than one that was not reported. Nothing else waits for it.
    SaveSnapshot(Arc<Snapshot>),
    /// Ask another node.
    Call {
        /// The node to ask.
        to: NodeId,
        /// The question.
        request: Request,
    },
    /// Answer a call of another node.
    Respond {
        /// The number under which the call came in.
        call: u64,
        /// The answer.
        response: Response,
    },
    /// Answer a client.
    Reply {
        /// The number under which the request came in.
        request: u64,
        /// The answer or refusal.
        reply: Reply,
    },
    /// Report to those who watch: role, term or leader changed.
    Role(RoleChange),
    /// End this node: its clock cannot be trusted.
    Stop(ClockOff),
}

/// One record of the write-ahead log. Replayed in order, records give the durable state.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Record {
    /// Term and vote, always both at once: the one without the other would allow a second vote in
    /// the term (hashicorp/raft#661).
    Vote {
        /// The current term.
        term: u64,
        /// The candidate that this node voted for in it.
        vote: Option<NodeId>,
    },
    /// The entry behind the last one.
    Entry(Arc<Entry>),
    /// All entries from this index on are gone.
    Truncate {
        /// The first one removed.
        from: u64,
    },
    /// A snapshot is durable. What follows goes into a file of its own, so that those before can be
    /// removed one day.
    Base {
        /// The entry behind which the log goes on: its last one, or the last one of a snapshot that
        /// takes the place of the log.
        index: u64,
        /// The term of that entry.
        term: u64,
        /// The index through which entries are needed no more.
        dropped: u64,
    },
}

/// The reply to a client.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Reply {
    /// The answer of the state machine.
    Answer(Answer),
    /// Leadership is where it was wanted.
    Transferred {
        /// The new leader.
        leader: NodeId,
        /// The term that it leads.
        term: u64,
    },
    /// The members are those that were wanted.
    Configured {
        /// They, in force and committed.
        configuration: Configuration,
    },
    /// There is a durable snapshot.
    SnapshotTaken {
        /// The index of the last entry in it.
        index: u64,
    },
    /// There is no answer.
    Refused(Refusal),
}

/// The reason for which there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// This node does not lead. The command was not appended here.
    NotLeader {
        /// The leader, if known.
        leader: Option<NodeId>,
    },
    /// This node led when the command was appended, and leads no more. It may be committed yet.
    LeadershipLost,
    /// This node stopped leading before a majority confirmed the read.
    NoQuorumForRead,
    /// Too many commands wait to be committed. This one was not appended.
    Overloaded,
    /// Another command was applied under this token. This one was not, and never will be.
    TokenReused,
    /// A later command of the token's session was applied; of this one nothing is known.
    StaleToken,
    /// This leader hands over. The command was not appended, nor a read; another transfer was not begun.
    Transferring,
    /// Nothing is applied yet that a snapshot could hold.
    NothingApplied,
    /// No node was seen to take over in time, or another one was. The successor may lead yet.
    TransferFailed,
    /// The successor lacks too much of the log. It was not asked to stand.
    SuccessorBehind,
    /// The node that is to lead is no voter.
    NotAVoter(NodeId),
    /// No entry of this leader's term is committed yet, so it does not know which members there are.
    TermNotCommitted,
    /// The members are changing already.
    ChangeUnderWay,
    /// The members cannot change so.
    BadChange(BadChange),
    /// The node was too slow or silent to vote. It stays a learner.
    NotCaughtUp {
        /// The node.
        node: NodeId,
    },
}

impl Refusal {
    /// The name in the JSON answer.
    pub fn name(&self) -> &'static str {
        match self {
            Refusal::NotLeader { .. } => "not_leader",
            Refusal::LeadershipLost => "leadership_lost",
            Refusal::NoQuorumForRead => "no_quorum_for_read",
            Refusal::Overloaded => "overloaded",
            Refusal::TokenReused => "token_reused",
            Refusal::StaleToken => "stale_token",
            Refusal::Transferring => "transferring",
            Refusal::TransferFailed => "transfer_failed",
            Refusal::SuccessorBehind => "successor_behind",
            Refusal::NothingApplied => "nothing_applied",
            Refusal::NotAVoter(_) => "not_a_voter",
            Refusal::TermNotCommitted => "term_not_committed",
            Refusal::ChangeUnderWay => "change_under_way",
            Refusal::BadChange(_) => "bad_change",
            Refusal::NotCaughtUp { .. } => "not_caught_up",
        }
    }

    /// True if it proves that this attempt had no effect and never will (redisraft#23 is what
    /// happens when that is claimed of an entry that commits).
    pub fn is_definite(&self) -> bool {
        match self {
            Refusal::NotLeader { .. }
            | Refusal::NoQuorumForRead
            | Refusal::Overloaded
            | Refusal::TokenReused
            | Refusal::NothingApplied
            | Refusal::SuccessorBehind
            | Refusal::NotAVoter(_)
            | Refusal::TermNotCommitted
            | Refusal::ChangeUnderWay
            | Refusal::BadChange(_)
            | Refusal::Transferring => true,
            Refusal::LeadershipLost
            | Refusal::StaleToken
            | Refusal::TransferFailed
            | Refusal::NotCaughtUp { .. } => false,
        }
    }
}

/// A node's role, term and leader after a change of one of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RoleChange {
    /// Its role.
    pub role: RoleName,
    /// Its term.
    pub term: u64,
    /// The node that it believes to lead.
    pub leader: Option<NodeId>,
}

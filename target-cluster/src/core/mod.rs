//! The Raft core: inputs in, effects out. It does no IO and has no clock, threads or randomness of
//! its own, so a server, a simulated world and a model checker can all drive the same code.
//!
//! `Node::step` takes what happened and when, and returns one ordered list of `Effect`s. The
//! driver executes them in that order; a crash may fall between any two of them.
//!
//! **Durability.** An `Effect::Persist` asks for a record to be written. The driver makes records
//! durable in their order, many with one barrier if it can, and reports `Input::Persisted`. What
//! rests on a record is emitted only after that: the request for votes, the own vote, a vote
//! granted, entries accepted, the leader's count of its own entries. What rests on none does not
//! wait for the disk: heartbeats, their answers, refusals, the replication of entries to others
//! (thesis §10.2.1: a leader may replicate an entry while it still writes it).
//!
//! **Messages** are requests and responses, as in figure 2 of the paper. A request may be lost,
//! duplicated, delayed or overtaken, and so may its response; a response that no longer fits is
//! recognised by its term, its round, or the position it speaks of.
//!
//! Sources: Ongaro and Ousterhout, "In search of an understandable consensus algorithm" (the
//! paper); Ongaro's thesis "Consensus: bridging theory and practice"; the practice of etcd's raft.
//!
//! **Snapshots** (paper, §7) are taken of the applied state, which a copy shares, and saved beside the
//! log; a log is cut only behind the snapshot before the newest, so that a node whose newest is damaged
//! can start from the other. A follower that lacks what was dropped gets the state in parts.
//!
//! **Members** change by joint consensus (paper, §6), new ones as learners first; the configuration is
//! an entry of the log, in force once it is appended.
//!
//! **Incarnations** tell a member from one that lost its disk and comes back under the same name.
//!
//! **Reads** are answered in one of the ways of [`ReadMode`]. Leases are the only thing that rests on clocks.

mod applied;
mod clock_guard;
mod configuration;
mod configurations;
mod disbelief;
mod durability;
mod election;
mod forwarded;
mod incarnation;
mod input;
mod lease;
mod log;
mod member_change;
mod membership;
mod message;
mod node;
mod planted;
mod progress;
mod reads;
mod relative;
mod replication;
mod role;
mod settings;
mod snapshot;
mod snapshots;
mod timing;
mod transfer;
mod vote_refusal;

pub use applied::APPLY_ENTRIES_MAX;
pub use clock_guard::ClockOff;
pub use configuration::Configuration;
pub use incarnation::{Displaced, Incarnation, NoIncarnation, Stamp};
pub use input::{Effect, Input, Proposal, Record, Refusal, Reply, RoleChange};
pub use log::Log;
pub use member_change::{BadChange, MemberChange};
pub use message::{
    AppendRequest, AppendResponse, AppendResult, ClockRequest, ClockResponse, Entry,
    InstallSnapshotRequest, InstallSnapshotResponse, NodeId, Payload, ReadIndexRequest,
    ReadIndexResponse, Request, Response, TimeoutNowRequest, TimeoutNowResponse, VoteRequest,
    VoteResponse,
};
pub use node::{Node, Options, Recovered, Status};
pub use role::RoleName;
pub use settings::{
    APPEND_ENTRIES, DRIFT_PERCENT, ReadMode, Settings, Switch, UnknownReadMode, UnknownSwitch,
};
pub use snapshot::Snapshot;
pub use snapshots::SnapshotOptions;
pub use timing::{Time, Timings};

pub(crate) use applied::{AppliedCommand, ApplyResult, Forgotten};
pub(crate) use disbelief::Disbelief;
pub(crate) use node::APPEND_BYTES_MAX;
pub(crate) use progress::APPENDS_MAX;
pub(crate) use role::{Leader, Role};
pub(crate) use snapshot::{Piece, SnapshotCursor, SnapshotReader};
pub(crate) use vote_refusal::VoteRefusal;

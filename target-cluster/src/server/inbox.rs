//! The inbox of the loop: everything that happens outside the core, in the order in which it came.

use std::io;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::memory::Reserved;
use crate::core::{
    AppliedCommand, Forgotten, MemberChange, NodeId, Reply, Request, Response, Stamp, Status,
};
use crate::kv::{ContentsPage, EncodedCommand, Query};

/// The most events that may wait for the loop; beyond that, clients are refused. A few milliseconds
/// of work for the core. The bytes of what clients send are bounded as well.
const INBOX_CAPACITY: usize = 8_192;

/// Something that happened outside the core.
pub(super) enum Incoming {
    /// A client wants a command applied.
    Command { command: EncodedCommand, reply: oneshot::Sender<Reply>, _memory: Reserved },
    /// A client asks for something that changes nothing.
    Query { query: Query, reply: oneshot::Sender<Reply>, _memory: Reserved },
    /// A voter is asked to lead.
    Transfer { to: NodeId, reply: oneshot::Sender<Reply> },
    /// The members are to change.
    ChangeMembers { change: MemberChange, reply: oneshot::Sender<Reply> },
    /// A snapshot is to be taken.
    TakeSnapshot { reply: oneshot::Sender<Reply> },
    /// This node is to end, so another one should lead; there is no reply if there is nothing to do.
    HandOver { reply: oneshot::Sender<Reply> },
    /// Another node asks.
    Called { request: Request, stamp: Stamp, reply: oneshot::Sender<(Stamp, Response)> },
    /// Another node answered what was sent at that time of the core.
    Answered { from: NodeId, sent: Duration, stamp: Stamp, response: Response },
    /// The status of the node is asked for.
    Status { reply: oneshot::Sender<Status> },
    /// The ability of the node to serve is asked for.
    Health { reply: oneshot::Sender<Health> },
    /// The results of up to `limit` commands behind an index are asked for.
    Applied { after: u64, limit: usize, reply: oneshot::Sender<AppliedPage> },
    /// The items behind a key are asked for, about so many bytes of them.
    Contents { after: Option<String>, bytes_max: usize, reply: oneshot::Sender<ContentsPage> },
    /// Records are durable.
    Persisted { through: u64 },
    /// A snapshot through that index is durable.
    SnapshotSaved { index: u64 },
    /// The disk failed; nothing more can be promised.
    DiskFailed(io::Error),
}

/// The ability of a node to serve.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Health {
    /// The node that it believes to lead.
    pub(super) leader: Option<NodeId>,
    /// True if a command that it takes is committed.
    pub(super) can_commit: bool,
    /// True if it answers reads.
    pub(super) can_read: bool,
}

/// Some commands with their results, or the index from which on these are known.
pub(super) type AppliedPage = Result<Vec<AppliedCommand>, Forgotten>;

/// The end into which events are put.
pub(super) type Inbox = mpsc::Sender<Incoming>;

/// A new inbox, and the end that the loop reads.
pub(super) fn inbox() -> (Inbox, mpsc::Receiver<Incoming>) {
    mpsc::channel(INBOX_CAPACITY)
}

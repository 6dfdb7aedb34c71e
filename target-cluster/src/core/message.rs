//! The messages between nodes, and the log entries that they carry. The JSON forms of these types
//! are the bodies of the `/raft/…` endpoints and the records of the write-ahead log; the fields have
//! the names of the paper's figure 2.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Configuration, Time};
use crate::kv::EncodedCommand;

/// The name of a node, such as `n1`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeId(Arc<str>);

impl NodeId {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for NodeId {
    fn from(name: &str) -> NodeId {
        NodeId(name.into())
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One entry of the replicated log.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Entry {
    /// Its position; the first entry has 1.
    pub index: u64,
    /// The term of the leader that created it.
    pub term: u64,
    /// Its content.
    pub payload: Payload,
}

impl Entry {
    /// About how many bytes it takes as JSON; never 0.
    pub(super) fn bytes(&self) -> usize {
        let payload = match &self.payload {
            Payload::Noop => 0,
            Payload::Command(command) => command.text().len(),
            // A name, an address and an incarnation each.
            Payload::Configuration(configuration) => 100 * configuration.members().len(),
        };
        100 + payload
    }
}

/// The content of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Payload {
    /// Nothing: a new leader's first entry, with which it commits what it took over (paper, §8).
    Noop,
    /// A client's command.
    Command(EncodedCommand),
    /// The members of the cluster from here on.
    Configuration(Configuration),
}

/// A question to another node.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Request {
    /// Would you vote for me? Changes nothing on either side (thesis, §9.6).
    PreVote(VoteRequest),
    /// Vote for me.
    Vote(VoteRequest),
    /// Append these entries; none of them: a heartbeat.
    Append(AppendRequest),
    /// Take this part of a snapshot (paper, §7).
    InstallSnapshot(InstallSnapshotRequest),
    /// Stand for election at once: the leader hands over (thesis, §3.10).
    TimeoutNow(TimeoutNowRequest),
    /// Which index do reads have to see that a follower has now? (thesis, §6.4)
    ReadIndex(ReadIndexRequest),
    /// Tell what your clock shows.
    Clock(ClockRequest),
}

impl Request {
    /// The node that asks.
    pub fn sender(&self) -> &NodeId {
        match self {
            Request::PreVote(request) | Request::Vote(request) => &request.candidate,
            Request::Append(request) => &request.leader,
            Request::InstallSnapshot(request) => &request.leader,
            Request::TimeoutNow(request) => &request.leader,
            Request::ReadIndex(request) => &request.node,
            Request::Clock(request) => &request.node,
        }
    }

    /// The term of which it speaks.
    pub fn term(&self) -> u64 {
        match self {
            Request::PreVote(request) | Request::Vote(request) => request.term,
            Request::Append(request) => request.term,
            Request::InstallSnapshot(request) => request.term,
            Request::TimeoutNow(request) => request.term,
            Request::ReadIndex(request) => request.term,
            Request::Clock(request) => request.term,
        }
    }

    /// The answer of a node in that term which does not heed it.
    pub(super) fn refusal(&self, term: u64) -> Response {
        let vote = |asked| VoteResponse { term, asked, granted: false };
        match self {
            Request::PreVote(request) => Response::PreVote(vote(request.term)),
            Request::Vote(request) => Response::Vote(vote(request.term)),
            Request::Append(AppendRequest { round, .. }) => {
                Response::Append(AppendResponse::refusal(term, *round))
            }
            Request::InstallSnapshot(request) => {
                let (index, offset, installed) = (request.index, 0, false);
                Response::InstallSnapshot(InstallSnapshotResponse {
                    term,
                    index,
                    offset,
                    installed,
                })
            }
            Request::TimeoutNow(_) => Response::TimeoutNow(TimeoutNowResponse { term }),
            Request::ReadIndex(ReadIndexRequest { number, .. }) => {
                Response::ReadIndex(ReadIndexResponse { term, number: *number, index: None })
            }
            Request::Clock(_) => {
                Response::Clock(ClockResponse { term, life: 0, shown: Time::ZERO })
            }
        }
    }
}

/// The answer to a [`Request`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Response {
    /// To a pre-vote.
    PreVote(VoteResponse),
    /// To a request for a vote.
    Vote(VoteResponse),
    /// To an append or heartbeat.
    Append(AppendResponse),
    /// To a part of a snapshot.
    InstallSnapshot(InstallSnapshotResponse),
    /// To a request to stand at once.
    TimeoutNow(TimeoutNowResponse),
    /// To a question for the index that reads have to see.
    ReadIndex(ReadIndexResponse),
    /// To a question for the time.
    Clock(ClockResponse),
}

impl Response {
    /// The current term of the node that answers.
    pub fn term(&self) -> u64 {
        match self {
            Response::PreVote(response) | Response::Vote(response) => response.term,
            Response::Append(response) => response.term,
            Response::InstallSnapshot(response) => response.term,
            Response::TimeoutNow(response) => response.term,
            Response::ReadIndex(response) => response.term,
            Response::Clock(response) => response.term,
        }
    }
}

/// Asks for a vote or pre-vote.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct VoteRequest {
    /// The term in which the candidate wants to lead; of a pre-vote, the one it would begin.
    pub term: u64,
    /// The node that asks.
    #[serde(rename = "candidateId")]
    pub candidate: NodeId,
    /// The index of the last entry of its log.
    #[serde(rename = "lastLogIndex")]
    pub last_index: u64,
    /// The term of that entry.
    #[serde(rename = "lastLogTerm")]
    pub last_term: u64,
    /// True if the leader asked the candidate to stand, so that voters need not protect its lease
    /// (thesis, §4.2.3). Without leases this is never set or looked at.
    #[serde(rename = "disruptsLeader", default, skip_serializing_if = "std::ops::Not::not")]
    pub disrupts_leader: bool,
}

/// Answers a request for a vote or pre-vote.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct VoteResponse {
    /// The voter's current term, for the candidate to catch up with.
    pub term: u64,
    /// The term that was asked for; distinguishes an answer to an earlier candidacy.
    #[serde(rename = "askedTerm")]
    pub asked: u64,
    /// True if the vote was given.
    #[serde(rename = "voteGranted")]
    pub granted: bool,
}

/// Replicates entries, or without any shows that the leader is alive.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AppendRequest {
    /// The leader's term.
    pub term: u64,
    /// The leader.
    #[serde(rename = "leaderId")]
    pub leader: NodeId,
    /// The index of the entry before the first one sent. Of a heartbeat, the last entry that the
    /// receiver is known to share.
    #[serde(rename = "prevLogIndex")]
    pub previous_index: u64,
    /// The term of that entry.
    #[serde(rename = "prevLogTerm")]
    pub previous_term: u64,
    /// The entries, in order; empty for a heartbeat.
    pub entries: Vec<Arc<Entry>>,
    /// The index through which the leader's log is committed.
    #[serde(rename = "leaderCommit")]
    pub commit: u64,
    /// The leader's latest round of confirming reads (thesis, §6.4); sent back in the answer, which
    /// confirms it.
    #[serde(rename = "readRound", default)]
    pub round: u64,
}

impl VoteRequest {
    /// True if the candidate's log can end there: before the term in which it wants to lead.
    pub(crate) fn is_well_formed(&self) -> bool {
        is_position(self.last_index, self.last_term) && self.last_term < self.term
    }
}

/// True if an entry of that term can have that index: all are of a term that someone won, but for
/// the one that is thought to be before the first.
fn is_position(index: u64, term: u64) -> bool {
    (index == 0) == (term == 0)
}

impl AppendRequest {
    /// True if the entries follow each other from the previous one on, in terms that never fall nor
    /// pass the leader's. Those of a leader do; a driver refuses what a stranger made up.
    pub(crate) fn is_well_formed(&self) -> bool {
        if !is_position(self.previous_index, self.previous_term) || self.previous_term > self.term {
            return false;
        }
        let mut previous = (self.previous_index, self.previous_term.max(1));
        self.entries.iter().all(|entry| {
            let (index, term) = std::mem::replace(&mut previous, (entry.index, entry.term));
            Some(entry.index) == index.checked_add(1) && (term..=self.term).contains(&entry.term)
        })
    }
}

/// Sends a part of the text of a snapshot to a follower that lacks what the leader's log has dropped.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct InstallSnapshotRequest {
    /// The leader's term.
    pub term: u64,
    /// The leader.
    #[serde(rename = "leaderId")]
    pub leader: NodeId,
    /// The index of the last entry in the snapshot.
    #[serde(rename = "lastIncludedIndex")]
    pub index: u64,
    /// The term of that entry.
    #[serde(rename = "lastIncludedTerm")]
    pub last_term: u64,
    /// The number of bytes of the text before this part.
    pub offset: u64,
    /// The part: whole lines. Nothing, where all was sent and the leader asks if it is installed.
    pub data: Arc<str>,
    /// True if nothing comes behind it.
    pub done: bool,
}

impl InstallSnapshotRequest {
    /// True if there can be such a snapshot.
    pub(crate) fn is_well_formed(&self) -> bool {
        let Self { term, index, last_term, offset, data, .. } = self;
        *index > 0
            && is_position(*index, *last_term)
            && last_term <= term
            && offset.checked_add(data.len() as u64).is_some()
    }
}

/// Answers a part of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct InstallSnapshotResponse {
    /// The receiver's current term.
    pub term: u64,
    /// The index of the last entry in the snapshot that was asked about.
    #[serde(rename = "lastIncludedIndex")]
    pub index: u64,
    /// The number of bytes of its text that the receiver has.
    pub offset: u64,
    /// True if the receiver holds, durably, what the snapshot does.
    pub installed: bool,
}

/// Asks a follower that holds the whole log to stand for election at once.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TimeoutNowRequest {
    /// The leader's term. The receiver stands in the next one, and so heeds a copy no more.
    pub term: u64,
    /// The leader, which hands over.
    #[serde(rename = "leaderId")]
    pub leader: NodeId,
}

/// Says that a [`TimeoutNowRequest`] came. The receiver's appends show whether it won.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TimeoutNowResponse {
    /// The receiver's term when the request came.
    pub term: u64,
}

/// Asks the leader for the index that reads have to see which this node has now.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ReadIndexRequest {
    /// The term of the node that asks.
    pub term: u64,
    /// The node that asks.
    #[serde(rename = "nodeId")]
    pub node: NodeId,
    /// Its number for the question; sent back in the answer.
    pub number: u64,
}

/// Answers a [`ReadIndexRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ReadIndexResponse {
    /// The term of the node that answers.
    pub term: u64,
    /// The number of the question.
    pub number: u64,
    /// The index through which the log was committed after the question came, or a higher one. None
    /// of a node that does not lead, or does not any more.
    #[serde(rename = "readIndex", default, skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
}

/// Asks another node what its clock shows.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ClockRequest {
    /// The term of the node that asks; says nothing here.
    pub term: u64,
    /// The node that asks.
    #[serde(rename = "nodeId")]
    pub node: NodeId,
}

/// Answers a [`ClockRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ClockResponse {
    /// The term of the node that answers; says nothing here.
    pub term: u64,
    /// The life of that node, in which its clock began.
    pub life: u32,
    /// The time that its clock, which never goes back, showed when it was asked.
    #[serde(rename = "clockNanos", with = "nanoseconds")]
    pub shown: Time,
}

/// A time as a number of nanoseconds: those of a century fit into a `u64`.
mod nanoseconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(time.as_nanos() as u64)
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_nanos)
    }
}

/// Answers an append or heartbeat.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "AppendResponseBody", from = "AppendResponseBody")]
pub struct AppendResponse {
    /// The receiver's current term.
    pub term: u64,
    /// The round of the request.
    pub round: u64,
    /// The result of the request.
    pub result: AppendResult,
    /// The time from now on, by its own clock, in which the receiver votes for no one else unless the
    /// leader allows it; zero if it promises nothing.
    pub promise: Time,
}

impl AppendResponse {
    /// The answer to a request that is not heeded.
    pub(super) fn refusal(term: u64, round: u64) -> AppendResponse {
        AppendResponse { term, round, result: AppendResult::StaleTerm, promise: Time::ZERO }
    }
}

/// The result of an append or heartbeat.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum AppendResult {
    /// The receiver's log is durable and the leader's own through this index.
    Accepted(u64),
    /// The heartbeat was heard. Says nothing about the log, so it does not wait for the disk.
    Heard,
    /// The receiver's entry at `previous` is missing or of another term.
    Conflict {
        /// The previous index of the request; distinguishes an answer to an earlier probe.
        previous: u64,
        /// The index to try next: the first of the conflicting term, or the one after the last.
        index: u64,
        /// The conflicting term; none if the receiver has no entry there.
        term: Option<u64>,
    },
    /// The sender's term is over.
    StaleTerm,
}

/// An [`AppendResponse`] on the wire: the paper's answer, and what makes repair and reads fast.
#[derive(Serialize, Deserialize)]
struct AppendResponseBody {
    term: u64,
    /// True if the receiver heeded the request: it heard the leader, and its log agreed.
    success: bool,
    /// Of entries that were accepted: [`AppendResult::Accepted`].
    #[serde(rename = "matchIndex", default, skip_serializing_if = "Option::is_none")]
    accepted: Option<u64>,
    /// Of entries that were not: [`AppendResult::Conflict`]. An answer without success and without
    /// this says that the sender's term is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    conflict: Option<Conflict>,
    #[serde(rename = "readRound", default)]
    round: u64,
    #[serde(
        rename = "promisedNanos",
        default,
        skip_serializing_if = "Time::is_zero",
        with = "nanoseconds"
    )]
    promise: Time,
}

/// The place at which logs differ.
#[derive(Serialize, Deserialize)]
struct Conflict {
    #[serde(rename = "prevLogIndex")]
    previous: u64,
    #[serde(rename = "conflictIndex")]
    index: u64,
    #[serde(rename = "conflictTerm", default, skip_serializing_if = "Option::is_none")]
    term: Option<u64>,
}

impl From<AppendResponse> for AppendResponseBody {
    fn from(response: AppendResponse) -> AppendResponseBody {
        let AppendResponse { term, round, result, promise } = response;
        let (success, accepted, conflict) = match result {
            AppendResult::Accepted(through) => (true, Some(through), None),
            AppendResult::Heard => (true, None, None),
            AppendResult::Conflict { previous, index, term } => {
                (false, None, Some(Conflict { previous, index, term }))
            }
            AppendResult::StaleTerm => (false, None, None),
        };
        AppendResponseBody { term, success, accepted, conflict, round, promise }
    }
}

impl From<AppendResponseBody> for AppendResponse {
    fn from(body: AppendResponseBody) -> AppendResponse {
        let AppendResponseBody { term, success, accepted, conflict, round, promise } = body;
        let result = match (success, accepted, conflict) {
            (true, Some(through), _) => AppendResult::Accepted(through),
            (true, None, _) => AppendResult::Heard,
            (false, _, Some(Conflict { previous, index, term })) => {
                AppendResult::Conflict { previous, index, term }
            }
            (false, _, None) => AppendResult::StaleTerm,
        };
        AppendResponse { term, round, result, promise }
    }
}

//! The one typed stream of everything that happens in a run. The progress bar, the saved history,
//! the report and what comes later are readers of it.

use checker::history::{Event, EventType, Process};
use faults::record::FaultRecord;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::summary::{EarlyEnd, Liveness};

/// Something that happened in a run.
#[derive(Debug, Clone, PartialEq)]
pub enum RunEvent {
    /// A client's invocation or completion; saved to `history.jsonl`.
    Operation(Event),
    /// Something that happened to a fault; saved to `history.jsonl`.
    Fault(FaultEvent),
    /// The beginning of a phase; saved to `history.jsonl`.
    Phase(PhaseEvent),
    /// A fact about the run as a whole; saved to `history.jsonl`.
    Mark(MarkEvent),
    /// A node's process or role changed; saved to `nodes/<name>/events.jsonl`.
    Node(NodeEvent),
    /// A sentence for the person who watches, such as which lab was chosen and why.
    Note(String),
}

/// Something that happened to a fault, with its place in the history.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultEvent {
    /// The place of its event in the history.
    pub index: u64,
    /// Nanoseconds of the controller's monotonic clock since the start of the run.
    pub time: u64,
    /// The record: the fault, and what happened to it.
    pub record: FaultRecord,
}

impl FaultEvent {
    /// The event of the history that stands for it.
    pub fn to_history(&self) -> Event {
        let record = &self.record;
        let kind = if record.what.is_intent() { EventType::Invoke } else { EventType::Info };
        let event = Event::new(Process::Nemesis, kind, record.family.name(), record.to_value());
        Event { index: self.index, time: self.time, ..event }
    }

    /// The fault that an event of a history is about; none when it is about none.
    pub fn of_history(event: &Event) -> Option<Self> {
        if event.process != Process::Nemesis {
            return None;
        }
        let is_intent = event.kind == EventType::Invoke;
        let record = FaultRecord::from_value(&event.f, is_intent, &event.value)?;
        Some(Self { index: event.index, time: event.time, record })
    }
}

/// The beginning of a phase, with its place in the history: an `info` event of process
/// `controller` with `f` = `phase` and the name as its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhaseEvent {
    /// The place of its event in the history.
    pub index: u64,
    /// Nanoseconds of the controller's monotonic clock since the start of the run.
    pub time: u64,
    /// The phase that began.
    pub phase: Phase,
}

impl PhaseEvent {
    /// The event of the history that stands for it.
    pub fn to_history(&self) -> Event {
        let name = self.phase.name().into();
        let event = Event::new(Process::Controller, EventType::Info, "phase", name);
        Event { index: self.index, time: self.time, ..event }
    }

    /// The beginning of a phase that an event of a history marks; none when it marks none.
    pub fn of_history(event: &Event) -> Option<Self> {
        if event.process != Process::Controller || event.f != "phase" {
            return None;
        }
        let phase = Phase::deserialize(&event.value).ok()?;
        Some(Self { index: event.index, time: event.time, phase })
    }
}

/// A fact about the run as a whole, with its place in the history: an `info` event of process
/// `controller` whose `f` and value are the [`Mark`].
#[derive(Debug, Clone, PartialEq)]
pub struct MarkEvent {
    /// The place of its event in the history.
    pub index: u64,
    /// Nanoseconds of the controller's monotonic clock since the start of the run.
    pub time: u64,
    /// The fact.
    pub mark: Mark,
}

/// A fact that is on record as soon as it is known, so that a run which is killed afterwards can be
/// judged by it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "f", content = "value", rename_all = "kebab-case")]
pub enum Mark {
    /// The load was cut short, for this reason.
    Cut(EarlyEnd),
    /// The answer to the question for liveness.
    Liveness(Liveness),
}

impl MarkEvent {
    /// The event of the history that stands for it.
    ///
    /// # Panics
    /// Never: a mark is plain data.
    pub fn to_history(&self) -> Event {
        let mut fields = serde_json::to_value(&self.mark).expect("a mark is plain data");
        let name = fields["f"].take();
        let name = name.as_str().expect("its name is text");
        let value = fields["value"].take();
        let event = Event::new(Process::Controller, EventType::Info, name, value);
        Event { index: self.index, time: self.time, ..event }
    }

    /// The fact that an event of a history marks; none when it marks none.
    pub fn of_history(event: &Event) -> Option<Self> {
        if event.process != Process::Controller {
            return None;
        }
        let fields = serde_json::json!({ "f": event.f, "value": event.value });
        let mark = serde_json::from_value(fields).ok()?;
        Some(Self { index: event.index, time: event.time, mark })
    }
}

/// The phases of a run, in order.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// The lab and the nodes are started.
    Setup,
    /// Waiting until the cluster serves.
    Healthy,
    /// Clients and faults.
    Load,
    /// Every fault is undone, every stopped node is started.
    Recover,
    /// All nodes must agree on a leader and answer in time.
    Converge,
    /// One last read of every key.
    FinalReads,
    /// The history is judged.
    Check,
    /// The page is written.
    Report,
}

impl Phase {
    /// The name used in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Healthy => "healthy",
            Self::Load => "load",
            Self::Recover => "recover",
            Self::Converge => "converge",
            Self::FinalReads => "final-reads",
            Self::Check => "check",
            Self::Report => "report",
        }
    }
}

/// A change of one node, stamped by the controller when it heard of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NodeEvent {
    /// Nanoseconds of the controller's monotonic clock since the start of the run.
    pub time: u64,
    /// The node.
    pub node: String,
    /// The change.
    #[serde(flatten)]
    pub change: NodeChange,
    /// Microseconds of the node's own monotonic clock since the start of its process, where it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<u64>,
}

/// A change that a node told of in a line of its output.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct NodeReport {
    /// The change.
    #[serde(flatten)]
    pub change: NodeChange,
    /// Microseconds of its own monotonic clock since the start of its process, where it says so.
    #[serde(default)]
    pub at: Option<u64>,
}

impl From<NodeChange> for NodeReport {
    fn from(change: NodeChange) -> Self {
        Self { change, at: None }
    }
}

/// A change at a node. One line of `nodes/<name>/events.jsonl` looks like
/// `{"time":1200,"node":"n1","event":"role","role":"leader","term":4,"leader":"n1"}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum NodeChange {
    /// Its process was started.
    Started {
        /// Process id as the controller sees it.
        pid: u32,
    },
    /// Its process ended, by itself or by a fault.
    Exited {
        /// `exit code 1`, `signal SIGKILL`…
        status: String,
    },
    /// It reported a new role, term or leader.
    Role {
        /// `follower`, `pre-candidate`, `candidate`, `leader`.
        role: String,
        /// Its current term.
        term: u64,
        /// The node that it believes to lead.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        leader: Option<String>,
    },
    /// It reported its commit index.
    Commit {
        /// The highest committed index.
        index: u64,
        /// The highest index that its state machine has applied, where it says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        applied: Option<u64>,
        /// The index of the last entry of its log, where it says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last: Option<u64>,
    },
    /// It asked another node for its vote.
    VoteAsked {
        /// The other node.
        of: String,
        /// The vote or pre-vote.
        #[serde(flatten)]
        vote: Vote,
    },
    /// It votes for another node.
    VoteGranted {
        /// The other node.
        to: String,
        /// The vote or pre-vote.
        #[serde(flatten)]
        vote: Vote,
        /// Microseconds since it was asked: the vote was made durable.
        after: u64,
    },
    /// It does not vote for another node.
    VoteRefused {
        /// The other node.
        to: String,
        /// The vote or pre-vote.
        #[serde(flatten)]
        vote: Vote,
        /// Microseconds since it was asked.
        after: u64,
        /// `stale-term`, `has-leader`, `lease`, `voted`, `log-behind`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// It heard that another node votes for it.
    VoteReceived {
        /// The other node.
        from: String,
        /// The vote or pre-vote.
        #[serde(flatten)]
        vote: Vote,
    },
    /// It heard that another node does not vote for it.
    VoteNotReceived {
        /// The other node.
        from: String,
        /// The vote or pre-vote.
        #[serde(flatten)]
        vote: Vote,
    },
    /// It sent or got appends and heartbeats, told as sums of some 100 ms.
    Append(AppendSums),
    /// It asked another node to stand for election at once, or was asked so.
    TimeoutNow {
        /// The node that it asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
        /// The node that asked it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<String>,
        /// The term of the leader that hands over.
        term: u64,
    },
    /// One of its logs had grown. They are looked at every 100 ms, so that each line of them has a
    /// time.
    Logged {
        /// The name of the file in its folder.
        file: String,
        /// The length of the file.
        bytes: u64,
    },
    /// Its clocks were read. They are read every 100 to 250 ms while a fault of clocks is on, and
    /// once when the run begins and ends.
    Clock {
        /// The distance of its wall clock from the controller's, in milliseconds; negative behind.
        wall_offset_ms: f64,
        /// The distance of its monotonic clock from the controller's, in milliseconds.
        monotonic_offset_ms: f64,
    },
}

/// A vote or pre-vote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    /// The term that it is for.
    pub term: u64,
    /// True for a pre-vote.
    pub pre: bool,
}

/// The appends and heartbeats that a leader sent another node, or got from a leader, for a while.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AppendSums {
    /// The node that they went to, told by the leader.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The leader that they came from, told by the other node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The first of them was so many microseconds before this was told.
    pub since: u64,
    /// The last of them was so many microseconds before this was told.
    pub until: u64,
    /// Appends with entries.
    #[serde(skip_serializing_if = "is_zero")]
    pub calls: u64,
    /// Their entries, those sent again included.
    #[serde(skip_serializing_if = "is_zero")]
    pub entries: u64,
    /// Appends without entries.
    #[serde(skip_serializing_if = "is_zero")]
    pub heartbeats: u64,
    /// Parts of snapshots.
    #[serde(skip_serializing_if = "is_zero")]
    pub parts: u64,
    /// Appends that the other node accepted.
    #[serde(skip_serializing_if = "is_zero")]
    pub answers: u64,
    /// The index through which the other node has the leader's log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<u64>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

//! The output of a node: the event stream on stdout, one JSON object a line, for the controller
//! that started it, and the log for people on stderr.

use std::fmt::Display;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;

use serde_json::{Value, json};

use crate::core::{NodeId, RoleChange};

/// Writes a line of the log for people to stderr, in one piece. A stderr that is closed is no
/// reason to stop.
pub(super) fn say(node: &dyn Display, what: impl Display) {
    let _ = io::stderr().write_all(format!("{node}: {what}\n").as_bytes());
}

/// The most lines that wait for a reader who is slow or stopped: minutes of them. Beyond that they are
/// left out, and the next line says how many.
const WAITING_MAX: usize = 8_192;

/// The writing end. A thread of its own writes, so that a reader that is slow or stopped never
/// keeps the node waiting.
pub(super) struct Events {
    /// None if there is no event stream.
    lines: Option<SyncSender<Value>>,
    /// The lines left out since the last one that was not.
    left_out: AtomicU64,
}

/// Starts the thread that writes, if events are `wanted`. It ends when [`Events`] is dropped or stdout
/// is closed.
pub(super) fn start(wanted: bool) -> io::Result<Events> {
    let (sender, lines) = sync_channel(WAITING_MAX);
    if wanted {
        thread::Builder::new().name("events".into()).spawn(move || write(&lines))?;
    }
    Ok(Events { lines: wanted.then_some(sender), left_out: AtomicU64::new(0) })
}

fn write(lines: &Receiver<Value>) {
    for line in lines {
        let mut out = io::stdout().lock();
        if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
            return;
        }
    }
}

impl Events {
    /// True if there is an event stream.
    pub(super) fn are_wanted(&self) -> bool {
        self.lines.is_some()
    }

    /// The node can be reached.
    pub(super) fn listening(&self, address: SocketAddr) {
        self.send(json!({"event": "listening", "address": address.to_string()}));
    }

    /// Role, term or leader changed.
    pub(super) fn role(&self, change: &RoleChange) {
        let RoleChange { role, term, leader } = change;
        self.send(json!({"event": "role", "role": role, "term": term, "leader": leader}));
    }

    /// The log is committed this far, and applied that far.
    pub(super) fn commit(&self, index: u64, applied: u64) {
        self.send(json!({"event": "commit", "index": index, "applied": applied}));
    }

    /// A vote was asked for, given, or got.
    pub(super) fn vote(&self, step: VoteStep, Vote { other, term, pre }: &Vote) {
        let (event, preposition) = match step {
            VoteStep::Asked => ("vote-asked", "of"),
            VoteStep::Granted => ("vote-granted", "to"),
            VoteStep::Refused => ("vote-refused", "to"),
            VoteStep::Received => ("vote-received", "from"),
            VoteStep::NotReceived => ("vote-not-received", "from"),
        };
        self.send(json!({"event": event, preposition: other, "term": term, "pre": pre}));
    }

    /// Entries went to or came from another node.
    pub(super) fn appends(&self, direction: Direction, other: &NodeId, appends: &Appends) {
        let preposition = match direction {
            Direction::To => "to",
            Direction::From => "from",
        };
        let Appends { calls, entries, accepted } = appends;
        let mut line =
            json!({"event": "append", preposition: other, "calls": calls, "entries": entries});
        if let Some(accepted) = accepted {
            line["accepted"] = json!(accepted);
        }
        self.send(line);
    }

    fn send(&self, mut line: Value) {
        let Some(lines) = &self.lines else { return };
        match self.left_out.swap(0, Ordering::Relaxed) {
            0 => {}
            count => line["left_out"] = count.into(),
        }
        if let Err(TrySendError::Full(line)) = lines.try_send(line) {
            let before = line["left_out"].as_u64().unwrap_or(0);
            self.left_out.fetch_add(before + 1, Ordering::Relaxed);
        }
        // Otherwise the thread has ended, since stdout is closed; the node goes on without being
        // watched.
    }
}

/// A vote or pre-vote, between this node and another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Vote {
    /// The other node.
    pub(super) other: NodeId,
    /// The term that it is for.
    pub(super) term: u64,
    /// True for a pre-vote.
    pub(super) pre: bool,
}

/// The step of a vote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum VoteStep {
    /// This node asks the other one.
    Asked,
    /// This node votes for the other one.
    Granted,
    /// This node does not vote for the other one.
    Refused,
    /// The other one voted for this node.
    Received,
    /// The other one did not vote for this node.
    NotReceived,
}

/// The direction of messages, seen from this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Direction {
    /// To the other node.
    To,
    /// From the other node.
    From,
}

/// Appends that carried entries, since they were reported last.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Appends {
    /// The number of appends.
    pub(super) calls: u64,
    /// The number of their entries, those sent again included.
    pub(super) entries: u64,
    /// The index through which the other node answered that it has the log, if it did since.
    pub(super) accepted: Option<u64>,
}

/// Events that a test reads instead of writing them.
#[cfg(test)]
pub(super) fn collected() -> (Events, Receiver<Value>) {
    let (sender, lines) = sync_channel(WAITING_MAX);
    (Events { lines: Some(sender), left_out: AtomicU64::new(0) }, lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_no_one_reads_are_counted_instead_of_kept() {
        let (events, lines) = collected();
        for index in 0..WAITING_MAX as u64 + 3 {
            events.commit(index, index);
        }
        assert_eq!(lines.try_iter().count(), WAITING_MAX);
        events.commit(0, 0);
        let left_out = json!({"event": "commit", "index": 0, "applied": 0, "left_out": 3});
        assert_eq!(lines.try_iter().collect::<Vec<_>>(), [left_out]);
    }
}

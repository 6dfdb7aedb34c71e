//! The output of a node: the event stream on stdout, one JSON object a line, for the controller
//! that started it, and the log for people on stderr.

use std::fmt::Display;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use serde_json::{Value, json};

use crate::core::RoleChange;

/// Writes a line of the log for people to stderr, in one piece. A stderr that is closed is no
/// reason to stop.
pub(super) fn say(node: &dyn Display, what: impl Display) {
    let _ = io::stderr().write_all(format!("{node}: {what}\n").as_bytes());
}

/// The writing end. A thread of its own writes, so that a reader that is slow or stopped never
/// keeps the node waiting.
pub(super) struct Events(Sender<Value>);

/// Starts the thread that writes. It ends when [`Events`] is dropped or stdout is closed.
pub(super) fn start() -> io::Result<Events> {
    let (sender, lines) = channel();
    thread::Builder::new().name("events".into()).spawn(move || write(&lines))?;
    Ok(Events(sender))
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

    fn send(&self, line: Value) {
        // The thread ends when stdout is closed; the node goes on without being watched.
        let _ = self.0.send(line);
    }
}

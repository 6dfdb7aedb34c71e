//! The output of a node: the event stream on stdout, one JSON object a line, for the controller
//! that started it, and the log for people on stderr.

use std::fmt::Display;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;

use serde_json::{Value, json};

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
    Ok(Events::to(wanted.then_some(sender)))
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
    fn to(lines: Option<SyncSender<Value>>) -> Events {
        Events { lines, left_out: AtomicU64::new(0) }
    }

    /// True if there is an event stream.
    pub(super) fn are_wanted(&self) -> bool {
        self.lines.is_some()
    }

    /// The node can be reached.
    pub(super) fn listening(&self, address: SocketAddr) {
        self.send(json!({"event": "listening", "address": address.to_string()}));
    }

    /// Sends a line.
    pub(super) fn send(&self, mut line: Value) {
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

/// Events that a test reads instead of writing them.
#[cfg(test)]
pub(super) fn collected() -> (Events, Receiver<Value>) {
    let (sender, lines) = sync_channel(WAITING_MAX);
    (Events::to(Some(sender)), lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_no_one_reads_are_counted_instead_of_kept() {
        let (events, lines) = collected();
        for number in 0..WAITING_MAX + 3 {
            events.send(json!({"number": number}));
        }
        assert_eq!(lines.try_iter().count(), WAITING_MAX);
        events.send(json!({"number": 0}));
        let left_out = json!({"number": 0, "left_out": 3});
        assert_eq!(lines.try_iter().collect::<Vec<_>>(), [left_out]);
    }
}

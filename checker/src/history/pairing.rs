//! From events to operations, one event at a time.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::history::datum::Datum;
use crate::history::operations::{Closed, Opened, Operations, Place};
use crate::history::{Event, EventType, History, HistoryError, Process};

/// An event whose texts are borrowed from the line that it stands on.
#[derive(Debug, Deserialize)]
pub(super) struct EventLine<'a> {
    pub(super) index: u64,
    pub(super) time: u64,
    pub(super) process: Process,
    #[serde(rename = "type")]
    pub(super) kind: EventType,
    #[serde(borrow)]
    pub(super) f: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) key: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) value: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) token: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) node: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(super) version: Option<u64>,
    #[serde(borrow, default)]
    pub(super) error: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) attempts: Option<&'a RawValue>,
}

/// Pairs every invocation with its completion. It takes any number of events and keeps of each
/// operation what is needed to judge and to show it.
#[derive(Debug, Default)]
pub struct Pairing {
    operations: Operations,
    /// By process: its number among those of the operations, and what it does.
    clients: HashMap<u64, (u32, Client)>,
    previous_index: Option<u64>,
    /// Room for a value that has to be written anew.
    buffer: String,
}

/// The activity of a process. Places in the file are lines or positions, as the caller counts.
#[derive(Debug, Clone, Copy)]
enum Client {
    Idle,
    Open { invoked: usize, operation: Place },
    Retired { since: usize },
}

/// The parts of an event that pairing looks at.
struct Parts<'a> {
    index: u64,
    time: u64,
    process: Process,
    kind: EventType,
    f: &'a str,
    key: Option<&'a str>,
    value: Datum<'a>,
    token: Option<&'a str>,
    node: Option<&'a str>,
    version: Option<u64>,
    error: Option<&'a str>,
    attempts: Option<&'a str>,
}

impl Operations {
    /// Pairs the events of a history.
    ///
    /// # Errors
    /// When they are not well formed; see [`Pairing::push_event`]. The error counts events from 0.
    pub fn of(history: &History) -> Result<Operations, HistoryError> {
        let mut pairing = Pairing::default();
        for (position, event) in history.events.iter().enumerate() {
            pairing.push_event(event, position)?;
        }
        Ok(pairing.finish())
    }
}

impl Pairing {
    /// Takes the next event, which stands at `place` in the caller's counting. Events of the
    /// nemesis and the controller are looked at for their index only.
    ///
    /// # Errors
    /// When the events are not a history: indices that do not rise, two open operations of one
    /// process, a process that acts after an operation of unknown outcome, a completion without
    /// invocation or of another operation.
    pub fn push_event(&mut self, event: &Event, place: usize) -> Result<(), HistoryError> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let attempts = match event.attempts.as_slice() {
            [] => None,
            attempts => serde_json::to_string(attempts).ok(),
        };
        let pushed = self.push(
            Parts {
                index: event.index,
                time: event.time,
                process: event.process,
                kind: event.kind,
                f: &event.f,
                key: event.key.as_deref(),
                value: Datum::of_value(&event.value, &mut buffer),
                token: event.token.as_deref(),
                node: event.node.as_deref(),
                version: event.version,
                error: event.error.as_deref(),
                attempts: attempts.as_deref(),
            },
            place,
        );
        self.buffer = buffer;
        pushed
    }

    /// Takes the next event of a file.
    pub(super) fn push_line(
        &mut self,
        event: &EventLine<'_>,
        place: usize,
    ) -> Result<(), HistoryError> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let value = event.value.map_or("null", RawValue::get);
        let pushed = self.push(
            Parts {
                index: event.index,
                time: event.time,
                process: event.process,
                kind: event.kind,
                f: &event.f,
                key: event.key.as_deref(),
                value: Datum::parse(value, &mut buffer).expect("serde found it well formed"),
                token: event.token.as_deref(),
                node: event.node.as_deref(),
                version: event.version,
                error: event.error.as_deref(),
                attempts: event.attempts.map(RawValue::get),
            },
            place,
        );
        self.buffer = buffer;
        pushed
    }

    fn push(&mut self, event: Parts<'_>, place: usize) -> Result<(), HistoryError> {
        if let Some(previous) = self.previous_index.replace(event.index)
            && event.index <= previous
        {
            return Err(HistoryError::IndexNotRising {
                event: place,
                index: event.index,
                previous,
            });
        }
        let Process::Client(id) = event.process else { return Ok(()) };
        let process = event.process;
        let unknown = || (self.operations.add_process(id), Client::Idle);
        let (number, client) = self.clients.entry(id).or_insert_with(unknown);
        *client = match (*client, event.kind) {
            (Client::Retired { since }, _) => {
                return Err(HistoryError::Retired { event: place, process, since });
            }
            (Client::Open { invoked, .. }, EventType::Invoke) => {
                return Err(HistoryError::StillOpen { event: place, process, since: invoked });
            }
            (Client::Idle, EventType::Invoke) => {
                let opened = Opened {
                    process: *number,
                    index: event.index,
                    time: event.time,
                    function: event.f,
                    key: event.key,
                    input: event.value,
                    token: event.token,
                };
                Client::Open { invoked: place, operation: self.operations.open(&opened, place) }
            }
            (Client::Idle, _) => {
                return Err(HistoryError::NotInvoked { event: place, process });
            }
            (Client::Open { invoked, operation }, kind) => {
                if let Some((invoked_as, completed_as)) =
                    differ(&self.operations, operation, &event)
                {
                    return Err(HistoryError::OtherOperation {
                        event: place,
                        invoked: invoked_as,
                        completed: completed_as,
                        since: invoked,
                    });
                }
                let closed = Closed {
                    outcome: kind,
                    index: event.index,
                    time: event.time,
                    key: event.key,
                    output: event.value,
                    node: event.node,
                    version: event.version,
                    error: event.error,
                    attempts: event.attempts,
                };
                self.operations.close(operation, &closed);
                match kind {
                    EventType::Info => Client::Retired { since: place },
                    _ => Client::Idle,
                }
            }
        };
        Ok(())
    }

    /// The operations paired so far. An invocation without completion counts as `info`.
    pub fn operations(&self) -> &Operations {
        &self.operations
    }

    /// Ends the history.
    pub fn finish(self) -> Operations {
        self.operations
    }
}

/// The names of the operation in invocation and completion, if they differ.
fn differ(
    operations: &Operations,
    operation: Place,
    completion: &Parts<'_>,
) -> Option<(String, String)> {
    let invocation = operations.get(operation);
    let (invoked, completed) = (invocation.f(), completion.f);
    if invoked != completed {
        return Some((invoked.to_string(), completed.to_string()));
    }
    match (invocation.key(), completion.key) {
        (Some(invoked_key), Some(completed_key)) if invoked_key != completed_key => {
            Some((format!("{invoked} {invoked_key}"), format!("{completed} {completed_key}")))
        }
        _ => None,
    }
}

//! From events to operations, one event at a time.

use std::collections::HashMap;

use crate::history::datum::{Datum, OwnedDatum};
use crate::history::operations::{Closed, Opened, Operations, Place};
use crate::history::transaction::{self, answers, is_transaction};
use crate::history::{Event, EventType, History, HistoryError, Process};
use crate::scrambler::Scrambled;

/// Pairs every invocation with its completion. It takes any number of events and keeps of each
/// operation what is needed to judge and to show it.
#[derive(Debug, Default)]
pub struct Pairing {
    operations: Operations,
    /// By process: its number among those of the operations, and what it does.
    clients: HashMap<u64, (u32, Client), Scrambled>,
    previous_index: Option<u64>,
    rules: Rules,
    /// Clients without a name.
    anonymous: Vec<Anonymous>,
    /// The place of the first completion without an invocation, if there are no invocations at all.
    only_completions: Option<usize>,
    /// The place of the first event whose index did not rise, if that is tolerated.
    repeated_index: Option<usize>,
    /// The place of the first invocation by a process whose last outcome is unknown, if that is
    /// tolerated: the operation stays open.
    revived_process: Option<usize>,
    setting: Option<(usize, OwnedDatum)>,
    /// Room for a value that has to be written anew.
    buffer: String,
}

/// The rules that events keep to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Rules {
    /// Those of stormproof's own histories; if they are broken, something is wrong.
    #[default]
    Strict,
    /// Indices may repeat, as where each process counts by itself: the order of the file counts. A
    /// process may go on after an operation of unknown outcome, which stays open. A file may hold
    /// nothing but completions.
    Tolerant,
}

/// The activity of a process. Places in the file are lines or positions, as the caller counts.
#[derive(Debug, Clone, Copy)]
enum Client {
    Idle,
    Open { invoked: usize, operation: Place },
    Retired { since: usize },
}

/// A client without a name. It does one thing at a time too: an operation begins a new one if all
/// are busy.
#[derive(Debug, Clone, Copy)]
struct Anonymous {
    number: u32,
    /// Its operation and the place of the invocation.
    open: Option<(Place, usize)>,
    retired: bool,
}

/// The actor of an event in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Actor {
    Client(u64),
    /// A client that the file does not name.
    #[default]
    Anonymous,
    Nemesis,
    Controller,
}

/// The parts of an event that pairing looks at. What the file leaves out is none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts<'a> {
    pub(super) index: Option<u64>,
    pub(super) time: u64,
    pub(super) actor: Actor,
    pub(super) kind: EventType,
    pub(super) f: Option<&'a str>,
    pub(super) key: Option<&'a str>,
    pub(super) value: Datum<'a>,
    pub(super) token: Option<&'a str>,
    pub(super) node: Option<&'a str>,
    pub(super) version: Option<u64>,
    pub(super) error: Option<&'a str>,
    /// As a JSON array.
    pub(super) attempts: Option<&'a str>,
}

/// The name of the controller's event that says how a history is to be judged.
pub(super) const SETTING: &str = "judging";

/// Indices beyond this are no counting.
const GREATEST_INDEX: u64 = i64::MAX as u64;

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
                index: Some(event.index),
                time: event.time,
                actor: event.process.into(),
                kind: event.kind,
                f: Some(&event.f),
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

    /// A pairing of a file that keeps to these rules.
    pub(super) fn with(rules: Rules) -> Pairing {
        Pairing { rules, ..Pairing::default() }
    }

    /// Takes the next event of a file.
    pub(super) fn push(&mut self, event: Parts<'_>, place: usize) -> Result<(), HistoryError> {
        if event.actor == Actor::Controller && event.f == Some(SETTING) {
            self.setting = Some((place, event.value.to_owned()));
            if event.index.is_none() {
                return Ok(());
            }
        }
        let index = self.index(&event, place)?;
        match (event.actor, event.kind) {
            (Actor::Nemesis | Actor::Controller, _) => Ok(()),
            (Actor::Client(process), _) => self.push_client(process, index, &event, place),
            (Actor::Anonymous, EventType::Invoke) => self.invoke_anonymous(index, &event, place),
            (Actor::Anonymous, _) => self.complete_anonymous(index, &event, place),
        }
    }

    /// The index of an event, which rises from event to event.
    fn index(&mut self, event: &Parts<'_>, place: usize) -> Result<u64, HistoryError> {
        let next = self.previous_index.map_or(0, |previous| previous + 1);
        let index = match (event.index, self.previous_index) {
            (Some(index), _) if index > GREATEST_INDEX => {
                return Err(HistoryError::IndexTooGreat { event: place, index });
            }
            (Some(index), _) if index >= next => index,
            (Some(index), Some(previous)) if self.rules == Rules::Strict => {
                return Err(HistoryError::IndexNotRising { event: place, index, previous });
            }
            (Some(_), _) => {
                self.repeated_index.get_or_insert(place);
                next
            }
            (None, _) => next,
        };
        self.previous_index = Some(index);
        Ok(index)
    }

    fn push_client(
        &mut self,
        id: u64,
        index: u64,
        event: &Parts<'_>,
        place: usize,
    ) -> Result<(), HistoryError> {
        let process = Process::Client(id);
        let unknown = || (self.operations.add_process(id), Client::Idle);
        let &mut (number, client) = self.clients.entry(id).or_insert_with(unknown);
        let after = match (client, event.kind) {
            (Client::Retired { since }, kind)
                if kind != EventType::Invoke || self.rules == Rules::Strict =>
            {
                return Err(HistoryError::Retired { event: place, process, since });
            }
            (Client::Open { invoked, .. }, EventType::Invoke) => {
                return Err(HistoryError::StillOpen { event: place, process, since: invoked });
            }
            (Client::Idle | Client::Retired { .. }, EventType::Invoke) => {
                if let Client::Retired { .. } = client {
                    self.revived_process.get_or_insert(place);
                }
                let operation = self.open(number, index, event, place)?;
                Client::Open { invoked: place, operation }
            }
            (Client::Idle, _) if self.may_complete_uninvoked(place) => {
                let operation = self.open(number, index, event, place)?;
                self.close(operation, index, event);
                Client::Idle
            }
            (Client::Idle | Client::Retired { .. }, _) => {
                return Err(HistoryError::NotInvoked { event: place, process });
            }
            (Client::Open { invoked, operation }, kind) => {
                if let Some((invoked_as, completed_as)) = differ(&self.operations, operation, event)
                {
                    return Err(HistoryError::OtherOperation {
                        event: place,
                        invoked: invoked_as,
                        completed: completed_as,
                        since: invoked,
                    });
                }
                self.close(operation, index, event);
                match kind {
                    EventType::Info => Client::Retired { since: place },
                    _ => Client::Idle,
                }
            }
        };
        self.clients.insert(id, (number, after));
        Ok(())
    }

    fn invoke_anonymous(
        &mut self,
        index: u64,
        event: &Parts<'_>,
        place: usize,
    ) -> Result<(), HistoryError> {
        let free = self.anonymous.iter().position(|it| it.open.is_none() && !it.retired);
        let at = free.unwrap_or_else(|| self.add_anonymous());
        let operation = self.open(self.anonymous[at].number, index, event, place)?;
        self.anonymous[at].open = Some((operation, place));
        Ok(())
    }

    /// Completes the operation that the event answers; of several that which began first.
    fn complete_anonymous(
        &mut self,
        index: u64,
        event: &Parts<'_>,
        place: usize,
    ) -> Result<(), HistoryError> {
        let candidates = || {
            self.anonymous.iter().enumerate().filter_map(|(at, it)| {
                let (operation, invoked) = it.open?;
                differ(&self.operations, operation, event)
                    .is_none()
                    .then_some((at, operation, invoked))
            })
        };
        let answered = candidates()
            .filter(|(_, operation, _)| {
                answers(self.operations.get(*operation).input(), event.value)
            })
            .min_by_key(|(_, operation, _)| *operation);
        let found = answered.or_else(|| candidates().min_by_key(|(_, operation, _)| *operation));
        match found {
            Some((at, operation, _)) => {
                self.close(operation, index, event);
                self.anonymous[at].open = None;
                self.anonymous[at].retired = event.kind == EventType::Info;
                Ok(())
            }
            None if self.may_complete_uninvoked(place) => {
                let at = match self.anonymous.is_empty() {
                    true => self.add_anonymous(),
                    false => 0,
                };
                let operation = self.open(self.anonymous[at].number, index, event, place)?;
                self.close(operation, index, event);
                Ok(())
            }
            None => Err(HistoryError::NoneInvoked { event: place }),
        }
    }

    fn add_anonymous(&mut self) -> usize {
        let number = self.operations.add_process(self.anonymous.len() as u64);
        self.anonymous.push(Anonymous { number, open: None, retired: false });
        self.anonymous.len() - 1
    }

    /// Returns whether this may be a file of completions only, as examples of Elle's are: nothing
    /// in it says when operations began.
    fn may_complete_uninvoked(&mut self, place: usize) -> bool {
        if self.rules == Rules::Tolerant && self.operations.is_empty() {
            self.only_completions = Some(place);
        }
        self.only_completions.is_some()
    }

    fn open(
        &mut self,
        process: u32,
        index: u64,
        event: &Parts<'_>,
        place: usize,
    ) -> Result<Place, HistoryError> {
        if event.kind == EventType::Invoke
            && let Some(event) = self.only_completions
        {
            return Err(HistoryError::NoneInvoked { event });
        }
        let function = match event.f {
            Some(function) => function,
            None if event.value.is_null() || is_transaction(event.value) => transaction::NAME,
            None => return Err(HistoryError::NoFunction { event: place }),
        };
        let opened = Opened {
            process,
            index,
            time: event.time,
            function,
            key: event.key,
            input: event.value,
            token: event.token,
        };
        Ok(self.operations.open(&opened, place))
    }

    fn close(&mut self, operation: Place, index: u64, event: &Parts<'_>) {
        let closed = Closed {
            outcome: event.kind,
            index,
            time: event.time,
            key: event.key,
            output: event.value,
            node: event.node,
            version: event.version,
            error: event.error,
            attempts: event.attempts,
        };
        self.operations.close(operation, &closed);
    }

    /// The operations paired so far. An invocation without completion counts as `info`.
    pub fn operations(&self) -> &Operations {
        &self.operations
    }

    /// Ends the history.
    pub fn finish(mut self) -> Operations {
        if self.only_completions.is_some() {
            self.operations.overlap_all();
        }
        self.operations
    }

    /// The place of the first event whose index did not rise, and was not believed therefore.
    pub(super) fn repeated_index(&self) -> Option<usize> {
        self.repeated_index
    }

    /// The place of the first invocation by a process whose last operation is still open.
    pub(super) fn revived_process(&self) -> Option<usize> {
        self.revived_process
    }

    /// The way in which the history is to be judged, if it says so, and the place where it does.
    pub(super) fn setting(&self) -> Option<(usize, Datum<'_>)> {
        self.setting.as_ref().map(|(place, setting)| (*place, setting.borrow()))
    }
}

/// The names of the operation in invocation and completion, if they differ.
fn differ(
    operations: &Operations,
    operation: Place,
    completion: &Parts<'_>,
) -> Option<(String, String)> {
    let invocation = operations.get(operation);
    let invoked = invocation.f();
    let completed = completion.f.unwrap_or(invoked);
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

impl From<Process> for Actor {
    fn from(process: Process) -> Actor {
        match process {
            Process::Client(id) => Actor::Client(id),
            Process::Nemesis => Actor::Nemesis,
            Process::Controller => Actor::Controller,
        }
    }
}

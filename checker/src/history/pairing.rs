//! From events to operations.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::history::{Event, EventType, History, HistoryError, Process};
use crate::verdict::Operation;

/// The operations of a history.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Paired {
    /// What took effect or may have, by invocation: outcome `ok` or `info`.
    pub operations: Vec<Operation>,
    /// What surely did not happen, by invocation: outcome `fail`. Not judged; it helps to explain.
    pub failed: Vec<Operation>,
}

/// The operations that a checker judges, by invocation: those that were `ok` and those of unknown
/// outcome. Events of the nemesis and the controller are skipped; an invocation without completion
/// counts as `info`.
///
/// # Errors
/// See [`pair`].
pub fn operations(history: &History) -> Result<Vec<Operation>, HistoryError> {
    Ok(pair(history)?.operations)
}

/// Pairs every invocation with its completion.
///
/// # Errors
/// When the events are not a history: indices that do not rise, two open operations of one
/// process, a process that acts after an operation of unknown outcome, a completion without
/// invocation or of another operation.
pub fn pair(history: &History) -> Result<Paired, HistoryError> {
    let mut clients: BTreeMap<u64, Client> = BTreeMap::new();
    let mut operations: Vec<Operation> = Vec::with_capacity(history.events.len() / 2);
    let mut previous_index = None;

    for (position, event) in history.events.iter().enumerate() {
        if let Some(previous) = previous_index.replace(event.index)
            && event.index <= previous
        {
            return Err(HistoryError::IndexNotRising {
                event: position,
                index: event.index,
                previous,
            });
        }
        let Process::Client(id) = event.process else { continue };
        let process = event.process;
        let client = clients.entry(id).or_insert(Client::Idle);
        match (&*client, event.kind) {
            (Client::Retired { since }, _) => {
                return Err(HistoryError::Retired { event: position, process, since: *since });
            }
            (Client::Open { invoked, .. }, EventType::Invoke) => {
                return Err(HistoryError::StillOpen { event: position, process, since: *invoked });
            }
            (Client::Idle, EventType::Invoke) => {
                *client = Client::Open { invoked: position, operation: operations.len() };
                operations.push(opened(event));
            }
            (Client::Idle, _) => {
                return Err(HistoryError::NotInvoked { event: position, process });
            }
            (Client::Open { invoked, operation }, kind) => {
                let operation = &mut operations[*operation];
                close(operation, event).map_err(|(invoked_as, completed_as)| {
                    HistoryError::OtherOperation {
                        event: position,
                        invoked: invoked_as,
                        completed: completed_as,
                        since: *invoked,
                    }
                })?;
                *client = match kind {
                    EventType::Info => Client::Retired { since: position },
                    _ => Client::Idle,
                };
            }
        }
    }

    let (failed, operations) =
        operations.into_iter().partition(|operation| operation.outcome == EventType::Fail);
    Ok(Paired { operations, failed })
}

/// What a process is doing; positions are those of events.
enum Client {
    Idle,
    Open { invoked: usize, operation: usize },
    Retired { since: usize },
}

/// The operation that an invocation opens. Until it completes, its outcome is unknown.
fn opened(event: &Event) -> Operation {
    Operation {
        process: event.process,
        f: event.f.clone(),
        key: event.key.clone(),
        input: event.value.clone(),
        output: Value::Null,
        outcome: EventType::Info,
        invoked: event.index,
        completed: None,
        start: event.time,
        end: None,
        node: None,
    }
}

/// Completes an operation, or tells how invocation and completion differ.
fn close(operation: &mut Operation, event: &Event) -> Result<(), (String, String)> {
    if event.f != operation.f {
        return Err((operation.f.clone(), event.f.clone()));
    }
    match (&operation.key, &event.key) {
        (Some(invoked), Some(completed)) if invoked != completed => {
            return Err((format!("{} {invoked}", operation.f), format!("{} {completed}", event.f)));
        }
        // Some recorders name the key only in the answer.
        (None, Some(_)) => operation.key = event.key.clone(),
        _ => {}
    }
    operation.outcome = event.kind;
    operation.node = event.node.clone();
    // An unknown outcome never ends: the operation may take effect at any later time.
    if event.kind != EventType::Info {
        operation.completed = Some(event.index);
        operation.end = Some(event.time);
    }
    if event.kind == EventType::Ok {
        operation.output = event.value.clone();
    }
    Ok(())
}

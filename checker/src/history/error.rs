//! Errors in histories, said so that their authors find the place.

use std::fmt;

use crate::history::Process;

/// A history that cannot be judged. Positions are lines of the file that the history was read
/// from, counted from 1 (see [`HistoryError::in_file`]); of a history that was never in a file,
/// those of its events, counted from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HistoryError {
    /// A process invoked while an earlier operation of its own had not completed.
    StillOpen {
        /// The position of the second invocation.
        event: usize,
        /// The process, single-threaded by definition.
        process: Process,
        /// The position of the first invocation.
        since: usize,
    },
    /// A process acted again after an operation of unknown outcome. That operation may still be
    /// running, so the process would have two open operations.
    Retired {
        /// The position of the later event.
        event: usize,
        /// The process.
        process: Process,
        /// The position of the `info` completion.
        since: usize,
    },
    /// A completion whose process has no open operation.
    NotInvoked {
        /// The position of the completion.
        event: usize,
        /// The process.
        process: Process,
    },
    /// A completion by a client without a name that answers no open operation of such a client.
    NoneInvoked {
        /// The position of the completion.
        event: usize,
    },
    /// An operation that the file does not name, and that is no transaction.
    NoFunction {
        /// The position of the invocation.
        event: usize,
    },
    /// A completion that names another operation or key than its invocation.
    OtherOperation {
        /// The position of the completion.
        event: usize,
        /// The request of the invocation.
        invoked: String,
        /// The answer of the completion.
        completed: String,
        /// The position of the invocation.
        since: usize,
    },
    /// The index of an event is not greater than that of the event before it.
    IndexNotRising {
        /// The position of the event.
        event: usize,
        /// Its index.
        index: u64,
        /// The index of the event before.
        previous: u64,
    },
    /// An index that is too great to be one.
    IndexTooGreat {
        /// The position of the event.
        event: usize,
        /// Its index.
        index: u64,
    },
    /// An operation that the model does not have, or whose argument or result it cannot read.
    Unfit {
        /// The position of the operation's invocation.
        event: usize,
        /// The model's name.
        model: &'static str,
        /// The misfit.
        reason: String,
    },
    /// The caller named a model that does not exist.
    UnknownModel(String),
    /// No model was named, and the operations do not tell which one to take.
    NoModelFits(String),
    /// The initial value that the caller gave makes no sense for the model.
    Initial {
        /// The model's name.
        model: &'static str,
        /// The misfit.
        reason: String,
    },
}

impl HistoryError {
    /// The error of a history that was read from a file: places are lines.
    pub fn in_file(&self) -> String {
        self.render(&|line| format!("line {line}"))
    }

    /// The position of the event that is wrong; none when the error is about the whole history.
    pub fn event(&self) -> Option<usize> {
        match self {
            HistoryError::StillOpen { event, .. }
            | HistoryError::Retired { event, .. }
            | HistoryError::NotInvoked { event, .. }
            | HistoryError::OtherOperation { event, .. }
            | HistoryError::IndexNotRising { event, .. }
            | HistoryError::IndexTooGreat { event, .. }
            | HistoryError::NoneInvoked { event }
            | HistoryError::NoFunction { event }
            | HistoryError::Unfit { event, .. } => Some(*event),
            HistoryError::UnknownModel(_)
            | HistoryError::NoModelFits(_)
            | HistoryError::Initial { .. } => None,
        }
    }

    /// The error without its place. `place` names the position of another event.
    pub(crate) fn reason(&self, place: &dyn Fn(usize) -> String) -> String {
        match self {
            HistoryError::StillOpen { process, since, .. } => format!(
                "process {process} invokes while its operation from {} is still open",
                place(*since)
            ),
            HistoryError::Retired { process, since, .. } => format!(
                "process {process} acts again, although the outcome of its operation is unknown \
                 since {}",
                place(*since)
            ),
            HistoryError::NotInvoked { process, .. } => {
                format!("process {process} completes an operation that it never invoked")
            }
            HistoryError::NoneInvoked { .. } => {
                "completes an operation that was never invoked, and names no process".to_string()
            }
            HistoryError::NoFunction { .. } => {
                "the operation has no f, and its value is no transaction".to_string()
            }
            HistoryError::IndexTooGreat { index, .. } => format!("index {index} is too great"),
            HistoryError::OtherOperation { invoked, completed, since, .. } => {
                format!("completes `{completed}`, but {} invoked `{invoked}`", place(*since))
            }
            HistoryError::IndexNotRising { index, previous, .. } => {
                format!("index {index} comes after index {previous}")
            }
            HistoryError::Unfit { model, reason, .. } => {
                format!("does not fit the {model} model: {reason}")
            }
            HistoryError::UnknownModel(name) => format!("there is no model `{name}`"),
            HistoryError::NoModelFits(reason) => {
                format!("{reason}; name the model that shall judge")
            }
            HistoryError::Initial { model, reason } => {
                format!("the initial value does not fit the {model} model: {reason}")
            }
        }
    }

    fn render(&self, place: &dyn Fn(usize) -> String) -> String {
        match self.event() {
            Some(event) => format!("{}: {}", place(event), self.reason(place)),
            None => self.reason(place),
        }
    }
}

impl fmt::Display for HistoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(&|event| format!("event {event}")))
    }
}

impl std::error::Error for HistoryError {}

/// Bytes that are not a history: where, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}{}: {reason}", .column.map_or_else(String::new, |at| format!(", column {at}")))]
#[non_exhaustive]
pub struct ReadError {
    /// The line, counted from 1.
    pub line: usize,
    /// The column, counted from 1 in bytes, where one can be named.
    pub column: Option<usize>,
    /// The error in words.
    pub reason: String,
}

impl ReadError {
    /// An error that concerns a whole line.
    pub(crate) fn on_line(line: usize, reason: impl Into<String>) -> ReadError {
        ReadError { line, column: None, reason: reason.into() }
    }
}

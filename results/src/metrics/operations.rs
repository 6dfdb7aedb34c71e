//! Invocations joined with their completions, without their values: an hour of a fast run has ten
//! millions of them, and all are looked at when a page is made.

use std::collections::HashMap;

use checker::history::{Event, EventType};

use super::names::Names;

/// The operations of all clients, by invocation.
#[derive(Debug, Clone, Default)]
pub struct RunOperations {
    rows: Vec<Row>,
    attempts: Vec<AttemptRow>,
    /// The place of the operation that each process has not completed.
    open: HashMap<u64, usize>,
    functions: Names,
    keys: Names,
    nodes: Names,
    errors: Names,
}

#[derive(Debug, Clone)]
struct Row {
    invoked: u64,
    start: u64,
    /// [`NEVER`] when the run ended before the operation did; so is `end`.
    completed: u64,
    end: u64,
    process: u64,
    /// The place of the first attempt.
    first_attempt: u32,
    attempts: u32,
    key: u32,
    function: u32,
    node: u32,
    error: u32,
    outcome: EventType,
}

#[derive(Debug, Clone)]
struct AttemptRow {
    start: u64,
    end: u64,
    node: u32,
    error: u32,
    definite: Option<bool>,
}

/// The index and the time of a completion that never came.
const NEVER: u64 = u64::MAX;

/// An operation of a client as the run recorded it, failed ones included.
#[derive(Debug, Clone, Copy)]
pub struct RunOperation<'a> {
    all: &'a RunOperations,
    row: &'a Row,
}

/// A request that was made for an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunAttempt<'a> {
    /// The node that was asked.
    pub node: &'a str,
    /// When it was sent, in nanoseconds since the start of the run.
    pub start: u64,
    /// When it was answered or given up.
    pub end: u64,
    /// The error that it met.
    pub error: Option<&'a str>,
    /// True if the error proves that it had no effect; none when the client did not say.
    pub definite: Option<bool>,
}

impl RunOperations {
    /// Takes in an event of a client. A completion without an invocation is left out.
    pub(super) fn push(&mut self, process: u64, event: &Event) {
        if event.kind == EventType::Invoke {
            self.open.insert(process, self.rows.len());
            self.rows.push(Row {
                invoked: event.index,
                start: event.time,
                completed: NEVER,
                end: NEVER,
                process,
                first_attempt: 0,
                attempts: 0,
                key: self.keys.number_or_none(event.key.as_deref()),
                function: self.functions.number(&event.f),
                node: Names::NONE,
                error: Names::NONE,
                outcome: EventType::Info,
            });
        } else if let Some(place) = self.open.remove(&process) {
            let row = &mut self.rows[place];
            row.completed = event.index;
            row.end = event.time;
            row.outcome = event.kind;
            row.node = self.nodes.number_or_none(event.node.as_deref());
            row.error = self.errors.number_or_none(event.error.as_deref());
            row.first_attempt = number(self.attempts.len());
            row.attempts = number(event.attempts.len());
            for attempt in &event.attempts {
                self.attempts.push(AttemptRow {
                    start: attempt.start,
                    end: attempt.end,
                    node: self.nodes.number(&attempt.node),
                    error: self.errors.number_or_none(attempt.error.as_deref()),
                    definite: attempt.definite,
                });
            }
        }
    }

    /// All of them, by invocation.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = RunOperation<'_>> + Clone {
        self.rows.iter().map(|row| RunOperation { all: self, row })
    }
}

fn number(length: usize) -> u32 {
    u32::try_from(length).expect("a run has fewer than 2^32 attempts")
}

impl<'a> RunOperation<'a> {
    /// Its name, such as `read`.
    pub fn f(self) -> &'a str {
        self.all.functions.name(self.row.function).unwrap_or_default()
    }

    /// The number of the process that invoked it.
    pub fn process(self) -> u64 {
        self.row.process
    }

    /// The key it acted on.
    pub fn key(self) -> Option<&'a str> {
        self.all.keys.name(self.row.key)
    }

    /// Index of the invocation in the history.
    pub fn invoked(self) -> u64 {
        self.row.invoked
    }

    /// When it was invoked, in nanoseconds since the start of the run.
    pub fn start(self) -> u64 {
        self.row.start
    }

    /// Index of the completion; none when the run ended before the operation did.
    pub fn completed(self) -> Option<u64> {
        (self.row.completed != NEVER).then_some(self.row.completed)
    }

    /// When it was completed, also as `info`; none when the run ended before it did.
    pub fn end(self) -> Option<u64> {
        (self.row.completed != NEVER).then_some(self.row.end)
    }

    /// `ok`, `fail` or `info`; an operation that never ended is `info`.
    pub fn outcome(self) -> EventType {
        self.row.outcome
    }

    /// Nanoseconds from invocation to completion; none when it never ended.
    pub fn latency(self) -> Option<u64> {
        Some(self.end()?.saturating_sub(self.row.start))
    }

    /// The error with which it ended.
    pub fn error(self) -> Option<&'a str> {
        self.all.errors.name(self.row.error)
    }

    /// The requests that were made for it; known only once it has ended.
    pub fn attempts(self) -> impl ExactSizeIterator<Item = RunAttempt<'a>> {
        let all = self.all;
        let first = self.row.first_attempt as usize;
        let rows = &all.attempts[first..first + self.row.attempts as usize];
        rows.iter().map(|row| RunAttempt {
            node: all.nodes.name(row.node).unwrap_or_default(),
            start: row.start,
            end: row.end,
            error: all.errors.name(row.error),
            definite: row.definite,
        })
    }

    /// The node that answered or, when none did, the last one asked.
    pub fn node(self) -> Option<&'a str> {
        let answered = self.all.nodes.name(self.row.node);
        answered.or_else(|| self.attempts().last().map(|attempt| attempt.node))
    }
}

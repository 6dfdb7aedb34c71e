//! Invocations joined with their completions.

use std::collections::BTreeMap;

use checker::history::{Attempt, Event, EventType, History, Process};

/// An operation of a client as the run recorded it, failed ones included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RunOperation<'a> {
    /// Its first event.
    pub invocation: &'a Event,
    /// Its last event; none when the run ended before it did.
    pub completion: Option<&'a Event>,
}

impl RunOperation<'_> {
    /// `ok`, `fail` or `info`; an operation that never ended is `info`.
    pub fn outcome(&self) -> EventType {
        self.completion.map_or(EventType::Info, |completion| completion.kind)
    }

    /// Nanoseconds from invocation to completion; none when it never ended.
    pub fn latency(&self) -> Option<u64> {
        let completion = self.completion?;
        Some(completion.time.saturating_sub(self.invocation.time))
    }

    /// The requests that were made for it; known only once it has ended.
    pub fn attempts(&self) -> &[Attempt] {
        self.completion.map_or(&[], |completion| &completion.attempts)
    }

    /// The node that answered or, when none did, the last one asked.
    pub fn node(&self) -> Option<&str> {
        let answered = self.completion.and_then(|completion| completion.node.as_deref());
        answered.or_else(|| self.attempts().last().map(|attempt| attempt.node.as_str()))
    }
}

/// The operations of all clients, by invocation. A completion without an invocation is left out.
pub fn operations(history: &History) -> Vec<RunOperation<'_>> {
    let mut operations: Vec<RunOperation<'_>> = Vec::new();
    let mut open: BTreeMap<u64, usize> = BTreeMap::new();
    for event in &history.events {
        let Process::Client(process) = event.process else { continue };
        if event.kind == EventType::Invoke {
            open.insert(process, operations.len());
            operations.push(RunOperation { invocation: event, completion: None });
        } else if let Some(position) = open.remove(&process) {
            operations[position].completion = Some(event);
        }
    }
    operations
}

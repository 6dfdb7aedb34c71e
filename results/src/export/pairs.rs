//! Invocations with their completions.

use std::collections::BTreeMap;

use checker::history::{Event, EventType, Process};

/// The operations that have begun, by process.
#[derive(Debug, Default)]
pub struct Pairs {
    open: BTreeMap<u64, Event>,
}

impl Pairs {
    /// Takes the next event; returns invocation and completion of an operation that it completes.
    pub fn take(&mut self, event: &Event) -> Option<(Event, Event)> {
        let Process::Client(process) = event.process else { return None };
        match event.kind {
            EventType::Invoke => {
                self.open.insert(process, event.clone());
                None
            }
            _ => self.open.remove(&process).map(|invocation| (invocation, event.clone())),
        }
    }

    /// The invocations that nothing completed, in their order.
    pub fn left(&mut self) -> Vec<Event> {
        let mut left: Vec<Event> = std::mem::take(&mut self.open).into_values().collect();
        left.sort_by_key(|event| event.index);
        left
    }
}

//! An operation before it is carried out.

use checker::history::{Event, EventType, Process};
use serde_json::Value;

/// An operation that a process is about to invoke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// Its name: `read`, `write`, `cas`…
    pub f: &'static str,
    /// The object it acts on.
    pub key: String,
    /// Its argument; null for a read.
    pub value: Value,
    /// True if it could change anything. An operation that could not may always be tried again.
    pub mutates: bool,
}

impl Invocation {
    /// A `read`.
    pub fn read(key: impl Into<String>) -> Self {
        Invocation { f: "read", key: key.into(), value: Value::Null, mutates: false }
    }

    /// An operation that could change the object.
    pub fn mutation(f: &'static str, key: impl Into<String>, value: Value) -> Self {
        Invocation { f, key: key.into(), value, mutates: true }
    }

    /// The event of its invocation, not yet in any history.
    pub fn event(&self, process: u64) -> Event {
        let process = Process::Client(process);
        let mut event = Event::new(process, EventType::Invoke, self.f, self.value.clone());
        event.key = Some(self.key.clone());
        event
    }
}

//! The history of a run, in the form from which figures and pages are made.

use checker::history::{Event, History, Process};

use super::RunOperations;

/// The history of a run. Its operations are without their values, which the checker alone needs.
#[derive(Debug, Clone, Default)]
pub struct RunHistory {
    /// The operations of all clients.
    pub operations: RunOperations,
    /// The events of nemesis and controller, in order.
    pub events: Vec<Event>,
    end: u64,
}

impl RunHistory {
    /// Takes in the next event.
    pub fn push(&mut self, event: Event) {
        self.end = self.end.max(event.time);
        match event.process {
            Process::Client(process) => self.operations.push(process, &event),
            Process::Nemesis | Process::Controller => self.events.push(event),
        }
    }

    /// The latest time in it, in nanoseconds since the start of the run; 0 when it is empty.
    pub fn end(&self) -> u64 {
        self.end
    }
}

impl FromIterator<Event> for RunHistory {
    fn from_iter<I: IntoIterator<Item = Event>>(events: I) -> Self {
        let mut history = Self::default();
        events.into_iter().for_each(|event| history.push(event));
        history
    }
}

impl From<&History> for RunHistory {
    fn from(history: &History) -> Self {
        history.events.iter().cloned().collect()
    }
}

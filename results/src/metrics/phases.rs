//! The phases of a run in time.

use checker::history::{History, Process};

/// One phase of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhaseInterval {
    /// The phase's name, such as `load`.
    pub name: String,
    /// When it began, in nanoseconds since the start of the run.
    pub start: u64,
    /// When the next phase began, or the history ended.
    pub end: u64,
}

/// The phases that the controller marked in the history, in order.
pub fn phases(history: &History) -> Vec<PhaseInterval> {
    let mut phases: Vec<PhaseInterval> = Vec::new();
    let marks = history
        .events
        .iter()
        .filter(|event| event.process == Process::Controller && event.f == "phase");
    for mark in marks {
        if let Some(before) = phases.last_mut() {
            before.end = mark.time.max(before.start);
        }
        let name = mark.value.as_str().map_or_else(|| mark.value.to_string(), str::to_owned);
        phases.push(PhaseInterval { name, start: mark.time, end: mark.time });
    }
    if let Some(last) = phases.last_mut() {
        last.end = last.end.max(end_of_history(history));
    }
    phases
}

/// The latest time in the history, in nanoseconds since the start of the run; 0 when it is empty.
pub fn end_of_history(history: &History) -> u64 {
    history.events.iter().map(|event| event.time).max().unwrap_or(0)
}

//! The phases of a run in time.

use super::RunHistory;
use crate::event::{Phase, PhaseEvent};

/// One phase of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhaseInterval {
    /// The phase.
    pub phase: Phase,
    /// When it began, in nanoseconds since the start of the run.
    pub start: u64,
    /// When the next phase began, or the history ended.
    pub end: u64,
}

impl PhaseInterval {
    /// The length of the phase in seconds.
    pub fn seconds(&self) -> f64 {
        (self.end - self.start) as f64 / 1e9
    }
}

/// The phases that the controller marked in the history, in order.
pub fn phases(history: &RunHistory) -> Vec<PhaseInterval> {
    let mut phases: Vec<PhaseInterval> = Vec::new();
    for PhaseEvent { time, phase, .. } in history.events.iter().filter_map(PhaseEvent::of_history) {
        if let Some(before) = phases.last_mut() {
            before.end = time.max(before.start);
        }
        phases.push(PhaseInterval { phase, start: time, end: time });
    }
    if let Some(last) = phases.last_mut() {
        last.end = last.end.max(history.end());
    }
    phases
}

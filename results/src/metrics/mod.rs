//! Intervals and figures, each a pure function of a run's events.
//!
//! The page, and every later report, draws these; none of them reads the history on its own.

mod calls;
mod clock_offsets;
mod commit_indices;
mod elections;
mod ending;
mod fault_intervals;
mod fault_service;
mod flows;
mod names;
mod node_spans;
mod operation_figures;
mod operations;
mod owing;
mod phases;
mod recovery;
mod run_history;
mod told_times;

pub use calls::{Ballot, Call, CallKind, calls};
pub use clock_offsets::{ClockOffset, ClockTrack, clock_tracks};
pub use commit_indices::{CommitReading, CommitTrack, commit_tracks};
pub use elections::{Election, elections};
pub use ending::{Planned, ended_early, recorded_liveness};
pub use fault_intervals::{FaultInterval, FaultIntervals, FaultStep, fault_intervals};
pub use fault_service::availability;
pub use flows::{Flow, flows};
pub(crate) use names::Names;
pub use node_spans::{NodeSpan, NodeState, node_spans};
pub use operation_figures::{
    AttemptError, OperationFigures, attempt_errors, latency, operation_figures,
};
pub use operations::{RunAttempt, RunOperation, RunOperations};
pub use owing::{Stretch, free_of, majorities, parts};
pub use phases::{PhaseInterval, phases};
pub use recovery::{FirstError, Recovery, Service, recoveries};
pub use run_history::RunHistory;
pub use told_times::at_told_times;

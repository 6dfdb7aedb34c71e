//! The phases of a run.

use crate::event::Phase;

/// A phase as people read it while it goes on and afterwards.
pub fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Setup => "setup",
        Phase::Healthy => "waiting for health",
        Phase::Load => "load",
        Phase::Recover => "recovering",
        Phase::Converge => "converging",
        Phase::FinalReads => "final reads",
        Phase::Check => "checking",
        Phase::Report => "writing the report",
    }
}

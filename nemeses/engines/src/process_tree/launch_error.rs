//! The failure to start a lab.

use std::fmt;

/// No controller could be started in a lab. Nothing was started then, and another lab may be tried.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct LaunchError {
    /// The step that failed, and the reason.
    pub reason: String,
}

/// A step that failed, and why.
pub(super) fn failed(what: &str, error: impl fmt::Display) -> LaunchError {
    LaunchError { reason: format!("cannot {what}: {error}") }
}

/// The result of a step, its error with the name of the step.
pub(super) fn step<T, E: std::fmt::Display>(what: &str, result: Result<T, E>) -> Result<T, String> {
    result.map_err(|error| format!("cannot {what}: {error}"))
}

//! The result of a trial.

use serde::{Deserialize, Serialize};

/// The result of one trial, with its meaning for the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// The thing that was tried.
    pub name: String,
    /// True when it did what it should.
    pub works: bool,
    /// The effect that was seen, or the reason of the failure.
    pub detail: String,
    /// The faults or functions that are lost without it.
    pub costs: String,
    /// The package to install, or the right to give.
    pub remedy: String,
    /// The name of the trial whose failure is the cause of this one's, if it is another's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<String>,
}

/// The effect that a trial saw, or the reason of its failure. A helper writes one a line, as JSON.
pub(super) type TrialResult = Result<String, String>;

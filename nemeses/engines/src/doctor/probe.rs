//! What came of a trial.

use serde::{Deserialize, Serialize};

/// What came of trying one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// What was tried.
    pub name: String,
    /// Whether it did what it should.
    pub works: bool,
    /// What was seen, or why it failed.
    pub detail: String,
    /// What is lost without it.
    pub costs: String,
    /// What to install or allow.
    pub remedy: String,
}

/// What came of a trial: what was seen, or why it failed. A helper writes one a line, as JSON.
pub(super) type TrialResult = Result<String, String>;

//! The findings of the version oracle, in a form that is saved, printed and drawn.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::terms::{Effect, Rule, VersionSemantics};
use crate::history::Process;
use crate::lattice::Verdict;
use crate::words::counted;

/// The number of violations that are shown to people at once.
const MAX_SHOWN: usize = 3;

/// An answer of a [`Violation`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Witness {
    /// The process that invoked it.
    pub process: Process,
    /// The operation's name.
    pub f: String,
    /// The key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Its effect.
    pub effect: Effect,
    /// The version that it was answered.
    pub version: u64,
    /// The node that answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// Index of the invocation in the history.
    pub invoked: u64,
    /// Index of the completion in the history.
    pub completed: u64,
    /// Time of the invocation, in nanoseconds since the start.
    pub start: u64,
    /// Time of the completion, in nanoseconds since the start.
    pub end: u64,
}

/// Two answers that cannot both be right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Violation {
    /// The rule that they break.
    pub rule: Rule,
    /// That in one sentence, which names processes, versions and times.
    pub sentence: String,
    /// The answer that completed first: of all that it could be held against, the one with the
    /// highest version.
    pub earlier: Witness,
    /// The answer that contradicts it.
    pub later: Witness,
}

/// Versions that began again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Era {
    /// The owner of the versions: `the store`, `stream s`, `key k3`.
    pub of: String,
    /// The highest version that was answered before.
    pub highest_before: u64,
    /// The lowest version that was answered after.
    pub lowest_after: u64,
    /// The reset with its time, and that versions began again, in one sentence.
    pub sentence: String,
}

/// The findings about the versions of a history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct VersionReport {
    /// The promises of the service.
    pub claims: VersionSemantics,
    /// Answers that were judged.
    pub answers: u64,
    /// Sequences of versions that they belong to.
    pub sequences: u64,
    /// Answers not judged: stale by request, or without the key that the scope asks for.
    pub left_out: u64,
    /// Answers not judged because they may belong to the era before or after a reset.
    pub between_eras: u64,
    /// The number of times that versions began again.
    pub new_eras: u64,
    /// The first of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub eras: Vec<Era>,
    /// The number of answers that contradict an earlier one, for each rule that they violate.
    pub contradictions: u64,
    /// The first of these by completion.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub violations: Vec<Violation>,
}

impl VersionReport {
    /// Invalid if two answers contradict one another.
    pub fn verdict(&self) -> Verdict {
        if self.contradictions == 0 { Verdict::Valid } else { Verdict::Invalid }
    }
}

impl fmt::Display for VersionReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let answers = counted(self.answers, "answer");
        match (self.answers, self.contradictions) {
            (0, _) => f.write_str("versions: no answer had one, nothing was compared")?,
            (_, 0) => write!(f, "versions: {answers}, none contradicts another")?,
            (_, count) => write!(f, "versions: {answers}, {}", counted(count, "contradiction"))?,
        }
        if let Some(era) = self.eras.first() {
            write!(f, "\n  {}", era.sentence)?;
            if self.new_eras > 1 {
                write!(f, " (one of {} new eras)", self.new_eras)?;
            }
        }
        for violation in self.violations.iter().take(MAX_SHOWN) {
            write!(f, "\n  {}", violation.sentence)?;
        }
        Ok(())
    }
}

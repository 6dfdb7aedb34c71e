//! The findings of the audit, in a form that is saved, printed and drawn.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::terms::{Outcome, Reason};
use crate::history::{Attempt, Process};
use crate::lattice::Verdict;
use crate::words::{counted, tried};

/// The number of violations that are shown to people at once.
const MAX_SHOWN: usize = 3;

/// The number of tokens by their number of effects, of those whose clients got the same answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Row {
    /// The outcome for the clients.
    pub told: Outcome,
    /// Surely never.
    pub never: u64,
    /// Exactly once.
    pub once: u64,
    /// At least twice.
    pub repeatedly: u64,
    /// Once, or more often: the evidence does not show repeats, or is not complete.
    pub at_least_once: u64,
    /// Not known.
    pub unobservable: u64,
}

/// The number of tokens of which the effects are not known exactly, and the reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Unobservable {
    /// The reason.
    pub reason: Reason,
    /// The number of tokens.
    pub tokens: u64,
    /// One of them.
    pub example: String,
}

/// The way in which an operation broke the promise of its token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Wrong {
    /// It was acknowledged and took no effect, or its effect was lost.
    Lost,
    /// It was said to have failed and took effect.
    FalseFailure,
    /// It took effect more than once.
    Repeated,
    /// One node has it at an index at which another has it not.
    Disagreement,
}

impl Wrong {
    /// All of them.
    pub(super) const ALL: [Wrong; 4] =
        [Wrong::Lost, Wrong::FalseFailure, Wrong::Repeated, Wrong::Disagreement];

    /// The finding, after what the client was told.
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            Wrong::Lost => "but has no effect",
            Wrong::FalseFailure => "but took effect",
            Wrong::Repeated => "and took effect more than once",
            Wrong::Disagreement => "and the nodes disagree about it",
        }
    }
}

/// The number of tokens that broke their promise in one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct BrokenOf {
    /// The way.
    pub wrong: Wrong,
    /// The number of tokens.
    pub tokens: u64,
}

/// An operation that broke the promise of its token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct AuditViolation {
    /// The way.
    pub wrong: Wrong,
    /// The token.
    pub token: String,
    /// The process that invoked it.
    pub process: Process,
    /// The operation's name.
    pub f: String,
    /// Its object.
    pub object: String,
    /// The outcome for its client.
    pub told: Outcome,
    /// The number of effects that the evidence shows.
    pub effects: u64,
    /// The evidence in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub evidence: String,
    /// The broken promise and what shows it, in one sentence, with the attempts if they are known.
    pub sentence: String,
    /// Every request that was made for it, in order; see [`AuditReport::with_attempts`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
}

/// The findings of the audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct AuditReport {
    /// Mutations audited.
    pub tokens: u64,
    /// For `ok`, `fail` and `info`, in that order.
    pub table: [Row; 3],
    /// The tokens of which the effects are not known, by reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unobservable: Vec<Unobservable>,
    /// The number of tokens that broke their promise.
    pub broken: u64,
    /// The same by the way in which they did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub broken_by_kind: Vec<BrokenOf>,
    /// The first hundred of these by completion, and those of the operations of the counterexample.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub violations: Vec<AuditViolation>,
}

impl AuditReport {
    /// Invalid if a token broke its promise. What is unobservable says nothing either way.
    pub fn verdict(&self) -> Verdict {
        if self.broken == 0 { Verdict::Valid } else { Verdict::Invalid }
    }

    /// The same with the requests that were made for the operation of each token that broke its
    /// promise and is among the `violations`.
    pub fn with_attempts(mut self, attempts: impl Fn(&str) -> Vec<Attempt>) -> AuditReport {
        for violation in &mut self.violations {
            violation.attempts = attempts(&violation.token);
            violation.sentence.push_str(&tried(&violation.attempts));
        }
        self
    }
}

impl fmt::Display for AuditReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tokens = counted(self.tokens, "token");
        match self.broken {
            0 => write!(f, "idempotency: {tokens}, none seen to break its promise")?,
            broken => write!(f, "idempotency: {tokens}, {broken} broke their promise")?,
        }
        for row in &self.table {
            let told = match row.told {
                Outcome::Ok => "ok",
                Outcome::Fail => "fail",
                Outcome::Info => "info",
            };
            let columns = [
                (row.never, "never"),
                (row.once, "once"),
                (row.repeatedly, "repeatedly"),
                (row.at_least_once, "at least once"),
                (row.unobservable, "unobservable"),
            ];
            let cells: Vec<String> = columns
                .iter()
                .filter(|(count, _)| *count > 0)
                .map(|(count, column)| format!("{count} {column}"))
                .collect();
            if !cells.is_empty() {
                write!(f, "\n  told {told}: took effect {}", cells.join(", "))?;
            }
        }
        for unobservable in &self.unobservable {
            write!(f, "\n  not known exactly: {} ({})", unobservable.tokens, unobservable.reason)?;
        }
        for violation in self.violations.iter().take(MAX_SHOWN) {
            write!(f, "\n  {}", violation.sentence)?;
        }
        Ok(())
    }
}

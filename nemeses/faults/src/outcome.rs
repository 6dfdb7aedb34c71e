//! The outcome of a fault: it took effect, or not, and why.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The outcome of a fault. In JSON a field `outcome` with a field `reason` where there is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// Its effect was seen.
    Installed,
    /// It was not attempted.
    Skipped {
        /// The reason.
        #[serde(default)]
        reason: String,
    },
    /// It was attempted, but its effect was not seen, or not all of it.
    Indeterminate {
        /// The effect that was not seen, or the failure.
        #[serde(default)]
        reason: String,
    },
}

impl Outcome {
    /// The name used in files.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Installed => "installed",
            Self::Skipped { .. } => "skipped",
            Self::Indeterminate { .. } => "indeterminate",
        }
    }

    /// The reason for which no effect was seen; none where it was, or where nothing was said.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Installed => None,
            Self::Skipped { reason } | Self::Indeterminate { reason } => {
                (!reason.is_empty()).then_some(reason)
            }
        }
    }

    /// The outcome of a fault that this was said of when it began, and `later` when it ended: what
    /// was seen stays seen, and what was not seen at once may be seen over time.
    pub fn better(self, later: Self) -> Self {
        let rank = |outcome: &Self| match outcome {
            Self::Installed => 2,
            Self::Indeterminate { .. } => 1,
            Self::Skipped { .. } => 0,
        };
        match rank(&later).cmp(&rank(&self)) {
            std::cmp::Ordering::Less => self,
            // The later reason knows more, if it says anything.
            std::cmp::Ordering::Equal if later.reason().is_none() => self,
            _ => later,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason() {
            Some(reason) => write!(out, "{}: {reason}", self.name()),
            None => out.write_str(self.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_outcomes_the_one_that_shows_more_counts() {
        let skipped = || Outcome::Skipped { reason: "down".to_owned() };
        let indeterminate = |reason: &str| Outcome::Indeterminate { reason: reason.to_owned() };
        assert_eq!(indeterminate("a").better(Outcome::Installed), Outcome::Installed);
        assert_eq!(Outcome::Installed.better(indeterminate("a")), Outcome::Installed);
        assert_eq!(skipped().better(indeterminate("a")), indeterminate("a"));
        assert_eq!(indeterminate("a").better(indeterminate("b")), indeterminate("b"));
        assert_eq!(indeterminate("a").better(indeterminate("")), indeterminate("a"));
    }
}

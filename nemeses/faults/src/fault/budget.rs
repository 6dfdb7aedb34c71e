//! The number of nodes that may be down at once.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The number of nodes that may be down at once: killed, paused, without power, with a disk that
/// takes no writes. In files and on the command line a number, `minority` or `all`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "Written", try_from = "Written")]
pub enum Budget {
    /// So many.
    Nodes(usize),
    /// As many as a majority can do without, but at least one: else the faults of a small cluster
    /// would be none.
    Minority,
    /// Every one.
    All,
}

impl Budget {
    /// The number that this means of `nodes`.
    pub fn limit(self, nodes: usize) -> usize {
        match self {
            Self::Nodes(count) => count.min(nodes),
            Self::Minority => (nodes.saturating_sub(1) / 2).max(1).min(nodes),
            Self::All => nodes,
        }
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nodes(count) => count.fmt(out),
            Self::Minority => out.pad("minority"),
            Self::All => out.pad("all"),
        }
    }
}

impl FromStr for Budget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "minority" => Ok(Self::Minority),
            "all" => Ok(Self::All),
            _ => text.parse().map(Self::Nodes).map_err(|_| {
                format!("{text:?} is no budget: it is a number of nodes, minority or all")
            }),
        }
    }
}

/// A budget in a file.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Count(usize),
    Word(String),
}

impl From<Budget> for Written {
    fn from(budget: Budget) -> Self {
        match budget {
            Budget::Nodes(count) => Self::Count(count),
            word => Self::Word(word.to_string()),
        }
    }
}

impl TryFrom<Written> for Budget {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        match written {
            Written::Count(count) => Ok(Self::Nodes(count)),
            Written::Word(word) => word.parse(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minority_is_what_a_majority_can_do_without_but_never_nobody() {
        let limits = [0, 1, 2, 3, 4, 5, 7].map(|nodes| Budget::Minority.limit(nodes));
        assert_eq!(limits, [0, 1, 1, 1, 1, 2, 3]);
        assert_eq!(Budget::Nodes(9).limit(5), 5);
    }

    #[test]
    fn a_budget_is_written_as_people_say_it() {
        for (budget, text) in
            [(Budget::Nodes(2), "2"), (Budget::Minority, "\"minority\""), (Budget::All, "\"all\"")]
        {
            assert_eq!(serde_json::to_string(&budget).unwrap(), text);
            assert_eq!(serde_json::from_str::<Budget>(text).unwrap(), budget);
            assert_eq!(budget.to_string().parse(), Ok(budget));
        }
        assert!("some".parse::<Budget>().unwrap_err().contains("minority or all"));
    }
}

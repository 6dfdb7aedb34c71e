//! One bug: what is known of it, and its name as text.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use super::{Bug, Group, Kind, Reach};

/// The planted bugs that are switched on.
pub type Bugs = BTreeSet<Bug>;

impl Bug {
    /// The name used on the command line and in `/status`.
    pub fn name(self) -> &'static str {
        self.description().name
    }

    /// The part of the protocol that it breaks.
    pub fn group(self) -> Group {
        self.description().group
    }

    /// The kind of property that it breaks.
    pub fn kind(self) -> Kind {
        self.description().kind
    }

    /// The mistake, in one sentence.
    pub fn summary(self) -> &'static str {
        self.description().summary
    }

    /// The real systems in which it was found.
    pub fn source(self) -> &'static str {
        self.description().source
    }

    /// The faults that can reach it.
    pub fn reach(self) -> Reach {
        self.description().reach
    }
}

impl fmt::Display for Bug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that no bug has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no bug '{0}'; the bugs are {known}", known = Bug::ALL.map(Bug::name).join(", "))]
pub struct UnknownBug(pub String);

impl FromStr for Bug {
    type Err = UnknownBug;

    fn from_str(name: &str) -> Result<Self, UnknownBug> {
        let found = Bug::ALL.into_iter().find(|bug| bug.name() == name);
        found.ok_or_else(|| UnknownBug(name.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bug_is_found_by_its_name_and_shown_by_it() {
        for bug in Bug::ALL {
            assert_eq!(bug.name().parse(), Ok(bug));
            assert_eq!(serde_json::to_value(bug).unwrap(), bug.name());
        }
    }

    #[test]
    fn the_list_is_in_the_order_of_its_groups() {
        assert!(Bug::ALL.is_sorted_by_key(|bug| bug.group()));
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_names_that_exist() {
        let error = "stale-reads".parse::<Bug>().unwrap_err().to_string();
        assert!(error.contains("'stale-reads'") && error.contains("stale-read,"), "{error}");
    }
}

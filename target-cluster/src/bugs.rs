//! Planted bugs: faults of real Raft implementations, each behind a run-time switch that is off by
//! default. They measure the harness: a bug that it does not find is a fault of the harness.
//!
//! Everything that is said about a bug stands in one entry of the list below; its switch stands
//! where it acts, as `bugs.contains(&Bug::…)`. A test asks for a golden script named after each.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// The planted bugs that are switched on.
pub type Bugs = BTreeSet<Bug>;

/// An entry of the list.
struct Description {
    /// The name used on the command line and in `/status`.
    name: &'static str,
    /// The mistake, in one sentence.
    summary: &'static str,
    /// The real systems in which it was found.
    source: &'static str,
    /// The families of faults that expose it.
    exposed_by: &'static [&'static str],
}

/// Makes [`Bug`] of the list.
macro_rules! bugs {
    ($(
        $(#[$doc:meta])*
        $bug:ident {
            name: $name:literal,
            summary: $summary:literal,
            source: $source:literal,
            exposed_by: [$($family:literal),*],
        }
    )*) => {
        /// One planted bug.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[non_exhaustive]
        pub enum Bug {
            $($(#[$doc])* #[serde(rename = $name)] $bug,)*
        }

        impl Bug {
            /// Every bug, in the order in which they are listed.
            pub const ALL: [Bug; [$($name),*].len()] = [$(Bug::$bug),*];

            fn description(self) -> Description {
                match self {
                    $(Bug::$bug => Description {
                        name: $name,
                        summary: $summary,
                        source: $source,
                        exposed_by: &[$($family),*],
                    },)*
                }
            }
        }
    };
}

bugs! {
    /// A leader answers reads from its own state without asking a majority, and stays leader
    /// although it hears no other node.
    StaleRead {
        name: "stale-read",
        summary: "a leader answers reads without asking a majority, and does not step down when it \
                  hears nobody",
        source: "etcd 0.4.1 (Jepsen); RedisLabs/raft#24",
        exposed_by: ["partition"],
    }

    /// A command whose token was seen before is applied again.
    IgnoreTokens {
        name: "ignore-tokens",
        summary: "a retried command is applied a second time",
        source: "jetcd 0.8.2 (Jepsen)",
        exposed_by: ["kill"],
    }

    /// A restarted node remembers its term but not for whom it voted.
    VoteForgotten {
        name: "vote-forgotten",
        summary: "a node forgets at a restart whom it voted for, and votes again in the same term",
        source: "akka-raft#47, akka-raft#62",
        // Pre-votes leave this a moment of a millisecond: only scripted tests have found it.
        exposed_by: [],
    }

    /// A leader commits entries of earlier terms by counting replicas.
    CommitEarlierTerm {
        name: "commit-earlier-term",
        summary: "entries of an earlier term are committed by counting replicas (Raft paper, \
                  figure 8)",
        source: "logcabin#44",
        // The entry that follows every election leaves this a moment of a millisecond: only
        // scripted tests have found it.
        exposed_by: [],
    }

    /// Records count as durable once they are written, before they are synced, with leaders and
    /// followers alike; the barrier is made once a second.
    AckBeforeFsync {
        name: "ack-before-fsync",
        summary: "writes are acknowledged, by leader and followers, before they are synced to disk",
        source: "nats-server#7564, yugabyte#32875, d-engine#447",
        exposed_by: ["power"],
    }

    /// A barrier is made for entries only: term and vote become durable with the next entries, but
    /// the vote is sent at once.
    VoteNotDurable {
        name: "vote-not-durable",
        summary: "a vote is given before it is synced to disk; only entries are waited for",
        source: "ahnlich#387",
        // Slow barriers keep a vote volatile for long enough; the leader elected by it must not be
        // heard when the others vote again.
        exposed_by: ["partition", "disk", "power"],
    }

    /// A restart takes the first bad record for the end of the log, leaves it there and appends
    /// behind it: the next restart finds nothing of that.
    AppendAfterTornTail {
        name: "append-after-torn-tail",
        summary: "a restart leaves a torn record in the log and appends behind it, where the next \
                  restart does not look",
        source: "cqlite#1390",
        // Slow barriers leave something to tear. The first power failure tears the log, the next
        // finds the end of it.
        exposed_by: ["disk", "power"],
    }

    /// A leader measures by the wall clock how long ago it heard a majority. While that was within
    /// the shortest election timeout it stays leader, and answers reads without asking.
    WallClockLease {
        name: "wall-clock-lease",
        summary: "a leader trusts its last contact with a majority, and answers reads without \
                  asking one, for as long as it is young by the wall clock",
        source: "nebula#2723",
        exposed_by: ["clock", "partition"],
    }
}

impl Bug {
    /// The name used on the command line and in `/status`.
    pub fn name(self) -> &'static str {
        self.description().name
    }

    /// The mistake, in one sentence.
    pub fn summary(self) -> &'static str {
        self.description().summary
    }

    /// The real systems in which it was found.
    pub fn source(self) -> &'static str {
        self.description().source
    }

    /// The families of faults to run with to find it, by the names that the command line has for
    /// them. Those that stand together are needed together. None when no run is known to find it.
    pub fn exposed_by(self) -> &'static [&'static str] {
        self.description().exposed_by
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
    fn an_unknown_name_is_answered_with_the_names_that_exist() {
        let error = "stale-reads".parse::<Bug>().unwrap_err().to_string();
        assert!(error.contains("'stale-reads'") && error.contains("stale-read,"), "{error}");
    }
}

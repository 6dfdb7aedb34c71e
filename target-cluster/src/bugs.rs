//! Planted bugs: faults of real Raft implementations, each behind a run-time switch that is off by
//! default. They measure the harness: a bug that it does not find is a fault of the harness.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// The planted bugs that are switched on.
pub type Bugs = BTreeSet<Bug>;

/// One planted bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bug {
    /// A leader answers reads from its own state without asking a majority, and stays leader
    /// although it hears nobody.
    StaleRead,
    /// A command whose token was seen before is applied again.
    IgnoreTokens,
    /// A restarted node remembers its term but not whom it voted for.
    VoteForgotten,
    /// A leader commits entries of earlier terms by counting replicas.
    CommitEarlierTerm,
    /// What was written counts as durable before it is synced, with leaders and followers alike;
    /// the barrier is made once a second.
    AckBeforeFsync,
    /// A barrier is made for entries only: term and vote become durable with the next entries, but
    /// the vote is told at once.
    VoteNotDurable,
    /// A restart takes the first bad record for the end of the log, leaves it there and appends
    /// behind it: the next restart finds nothing of that.
    AppendAfterTornTail,
    /// A leader measures by the wall clock how long ago it heard a majority. While that was within
    /// the shortest election timeout it stays leader, and answers reads without asking.
    WallClockLease,
}

impl Bug {
    /// Every bug, in the order in which they are listed.
    pub const ALL: [Bug; 8] = [
        Bug::StaleRead,
        Bug::IgnoreTokens,
        Bug::VoteForgotten,
        Bug::CommitEarlierTerm,
        Bug::AckBeforeFsync,
        Bug::VoteNotDurable,
        Bug::AppendAfterTornTail,
        Bug::WallClockLease,
    ];

    /// The name used on the command line and in `/status`.
    pub fn name(self) -> &'static str {
        match self {
            Bug::StaleRead => "stale-read",
            Bug::IgnoreTokens => "ignore-tokens",
            Bug::VoteForgotten => "vote-forgotten",
            Bug::CommitEarlierTerm => "commit-earlier-term",
            Bug::AckBeforeFsync => "ack-before-fsync",
            Bug::VoteNotDurable => "vote-not-durable",
            Bug::AppendAfterTornTail => "append-after-torn-tail",
            Bug::WallClockLease => "wall-clock-lease",
        }
    }

    /// What is wrong, in one sentence.
    pub fn summary(self) -> &'static str {
        match self {
            Bug::StaleRead => {
                "a leader answers reads without asking a majority, and does not step down when it \
                 hears nobody"
            }
            Bug::IgnoreTokens => "a retried command is applied a second time",
            Bug::VoteForgotten => {
                "a node forgets at a restart whom it voted for, and votes again in the same term"
            }
            Bug::CommitEarlierTerm => {
                "entries of an earlier term are committed by counting replicas (Raft paper, \
                 figure 8)"
            }
            Bug::AckBeforeFsync => {
                "writes are acknowledged, by leader and followers, before they are synced to disk"
            }
            Bug::VoteNotDurable => {
                "a vote is given before it is synced to disk; only entries are waited for"
            }
            Bug::AppendAfterTornTail => {
                "a restart leaves a torn record in the log and appends behind it, where the next \
                 restart does not look"
            }
            Bug::WallClockLease => {
                "a leader trusts its last contact with a majority, and answers reads without \
                 asking one, for as long as it is young by the wall clock"
            }
        }
    }

    /// Where it was found in a real system.
    pub fn source(self) -> &'static str {
        match self {
            Bug::StaleRead => "etcd 0.4.1 (Jepsen); RedisLabs/raft#24",
            Bug::IgnoreTokens => "jetcd 0.8.2 (Jepsen)",
            Bug::VoteForgotten => "akka-raft#47, akka-raft#62",
            Bug::CommitEarlierTerm => "logcabin#44",
            Bug::AckBeforeFsync => "nats-server#7564, yugabyte#32875, d-engine#447",
            Bug::VoteNotDurable => "ahnlich#387",
            Bug::AppendAfterTornTail => "cqlite#1390",
            Bug::WallClockLease => "nebula#2723",
        }
    }

    /// The families of faults to run with to find it, by the names that the command line has for
    /// them. Those that stand together are needed together. None when no run is known to find it.
    pub fn exposed_by(self) -> &'static [&'static str] {
        match self {
            Bug::StaleRead => &["partition"],
            Bug::IgnoreTokens => &["kill"],
            // Pre-votes and the entry that follows every election leave these two moments of a
            // millisecond: only scripted tests have found them.
            Bug::VoteForgotten | Bug::CommitEarlierTerm => &[],
            Bug::AckBeforeFsync => &["power"],
            // Slow barriers keep a vote volatile for long enough; whoever was elected by it must
            // not be heard when the others vote again.
            Bug::VoteNotDurable => &["partition", "disk", "power"],
            // Slow barriers leave something to tear. The first power failure tears the log, the
            // next finds the end of it.
            Bug::AppendAfterTornTail => &["disk", "power"],
            Bug::WallClockLease => &["clock", "partition"],
        }
    }
}

impl fmt::Display for Bug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that no bug has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownBug(pub String);

impl fmt::Display for UnknownBug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known: Vec<_> = Bug::ALL.iter().map(|bug| bug.name()).collect();
        write!(f, "there is no bug '{}'; the bugs are {}", self.0, known.join(", "))
    }
}

impl std::error::Error for UnknownBug {}

impl FromStr for Bug {
    type Err = UnknownBug;

    fn from_str(name: &str) -> Result<Self, UnknownBug> {
        Bug::ALL
            .into_iter()
            .find(|bug| bug.name() == name)
            .ok_or_else(|| UnknownBug(name.to_string()))
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

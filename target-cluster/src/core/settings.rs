//! The choices of how a node works, besides its times: how it answers reads, and which safeguards and
//! savings it does without, for experiments. They should be those of all nodes of a cluster; where they
//! differ no promise is broken but those that a choice gives up by itself.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::bugs::{Bug, Bugs};

/// The rate of a clock above that of another, in per cent, at most and by default: a hundred times of what
/// a machine does that is setting its clock right.
pub const DRIFT_PERCENT: u8 = 10;

/// The most entries that one append carries by default: enough to keep a follower busy for several
/// barriers.
pub const APPEND_ENTRIES: usize = 512;

/// The choices of a node; the same while it runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Settings {
    /// The way in which it answers reads.
    pub reads: ReadMode,
    /// The rate of a clock above that of another, in per cent, at most; leases are shorter by that.
    pub drift_percent: u8,
    /// The most entries that one append carries; one where batching is off.
    pub append_entries: usize,
    /// The switches that are off.
    pub off: BTreeSet<Switch>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            reads: ReadMode::ReadIndex,
            drift_percent: DRIFT_PERCENT,
            append_entries: APPEND_ENTRIES,
            off: BTreeSet::new(),
        }
    }
}

impl Settings {
    /// The same with what planted bugs choose: the feature that they break, the safeguard that they leave
    /// out.
    pub(crate) fn with(mut self, bugs: &Bugs) -> Settings {
        self.off.extend(bugs.iter().filter_map(|bug| bug.turns_off()));
        if let Some(reads) = bugs.iter().find_map(|bug| bug.reads()) {
            self.reads = reads;
        }
        self
    }

    /// True if it does without that.
    pub(crate) fn lacks(&self, switch: Switch) -> bool {
        self.off.contains(&switch)
    }
}

impl Bug {
    /// The way of answering reads that it is about, if it is about one.
    fn reads(self) -> Option<ReadMode> {
        match self {
            Bug::WallClockLease | Bug::LeaseByTicks | Bug::LeaseKeptInTransfer => {
                Some(ReadMode::Lease)
            }
            Bug::StaleReadIndex => Some(ReadMode::Follower),
            _ => None,
        }
    }

    /// The safeguard that it is to do without.
    fn turns_off(self) -> Option<Switch> {
        match self {
            Bug::NoCheckQuorum => Some(Switch::CheckQuorum),
            Bug::ChangeBeforeOwnTerm => Some(Switch::JointConsensus),
            _ => None,
        }
    }
}

/// Makes an enumeration of names with a sentence each.
macro_rules! named {
    (
        $(#[$doc:meta])* $kind:ident, $unknown:ident, $one:literal;
        $($(#[$about:meta])* $variant:ident: $name:literal, $summary:literal;)*
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        pub enum $kind {
            $($(#[$about])* #[serde(rename = $name)] $variant,)*
        }

        impl $kind {
            /// Each of them.
            pub const ALL: [$kind; [$($name),*].len()] = [$($kind::$variant),*];

            /// The name used on the command line and in `/status`.
            pub fn name(self) -> &'static str {
                match self { $($kind::$variant => $name,)* }
            }

            /// Its meaning in a few words; of a switch, what comes of having it off.
            pub fn summary(self) -> &'static str {
                match self { $($kind::$variant => $summary,)* }
            }
        }

        impl fmt::Display for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        /// A name that none of them has.
        #[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
        #[error(
            "there is no {one} '{0}'; there are {known}",
            one = $one,
            known = $kind::ALL.map($kind::name).join(", ")
        )]
        pub struct $unknown(pub String);

        impl FromStr for $kind {
            type Err = $unknown;

            fn from_str(name: &str) -> Result<Self, $unknown> {
                let found = $kind::ALL.into_iter().find(|known| known.name() == name);
                found.ok_or_else(|| $unknown(name.to_string()))
            }
        }
    };
}

named! {
    /// The way in which a node answers reads.
    ReadMode, UnknownReadMode, "way of reading";
    /// A leader asks a majority if it still leads (thesis, §6.4).
    ReadIndex: "readindex", "the leader asks a majority if it still leads, with one round for many reads";
    /// A leader commits an entry for the read.
    Log: "log", "the leader commits an entry for them, as for a write";
    /// A leader trusts the clocks for as long as a majority promised it to elect no other.
    Lease: "lease", "the leader asks no one while a majority has promised to elect no other, by its clocks";
    /// A follower asks the leader how far it has to have applied the log.
    Follower: "follower", "each node answers, once it has applied as much as the leader had committed";
    /// A node answers from what it has applied.
    Stale: "stale", "each node answers from what it has applied, however long ago that was so";
}

named! {
    /// A safeguard or saving that a node can do without, for experiments.
    Switch, UnknownSwitch, "switch";
    /// Pre-votes (thesis, §9.6).
    PreVote: "pre-vote", "a node that comes back deposes a leader that all others hear";
    /// Leaders that step down when they hear no majority (thesis, §6.2).
    CheckQuorum: "check-quorum", "a leader that hears no majority stays leader";
    /// Election timeouts that differ (paper, §5.2).
    RandomTimeouts: "random-timeouts", "nodes stand for election at the same time, and none wins";
    /// Newcomers that get the log before they vote (thesis, §4.2.1).
    LearnerCatchUp: "learner-catch-up", "a newcomer votes before it has the log, and writes wait for it";
    /// Joint configurations where one voter comes or goes (paper, §6; without them: thesis, §4.1).
    JointConsensus: "joint-consensus", "one voter comes or goes in a single step, which is safe as well";
    /// Appends that follow each other before they are answered (thesis, §10.2.2).
    Pipelining: "pipelining", "an entry may wait for a round trip before its own";
    /// Entries that share appends, and records that share barriers.
    Batching: "batching", "each entry has an append and a barrier of its own";
    /// Barriers of the disk.
    Fsync: "fsync", "a power failure takes what was acknowledged";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_shown() {
        for mode in ReadMode::ALL {
            assert_eq!(mode.to_string().parse(), Ok(mode));
        }
        let error = "prevote".parse::<Switch>().unwrap_err().to_string();
        assert!(error.contains("no switch 'prevote'; there are pre-vote, check-quorum"), "{error}");
    }

    #[test]
    fn planted_bugs_choose_what_they_are_about() {
        let of = |bug| Settings::default().with(&Bugs::from([bug]));
        assert_eq!(of(Bug::WallClockLease).reads, ReadMode::Lease);
        assert!(of(Bug::NoCheckQuorum).lacks(Switch::CheckQuorum));
        assert!(of(Bug::ChangeBeforeOwnTerm).lacks(Switch::JointConsensus));
        assert_eq!(of(Bug::StaleRead), Settings::default());
    }
}

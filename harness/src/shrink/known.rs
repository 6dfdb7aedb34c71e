//! The results so far.

use std::collections::{BTreeMap, BTreeSet};

use super::Reduced;
use crate::repeats::{RunOutcome, Tally};

/// Every run of every candidate, and what follows from them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    tallies: BTreeMap<String, Tally>,
    /// Candidates that were kept and, by later runs of them, should not have been.
    pub(super) refused: BTreeSet<String>,
    /// The answers to the questions of a search, in order, as far as they are settled: so it need not
    /// work out again what it asked.
    pub(super) settled: Vec<bool>,
}

impl Known {
    /// Takes in a run.
    pub fn take(&mut self, of: &str, number: u64, outcome: RunOutcome) {
        self.tallies.entry(of.to_owned()).or_default().take(number, outcome);
    }

    /// The runs of a candidate.
    pub fn of(&self, candidate: &Reduced) -> Tally {
        self.tallies.get(&candidate.name()).cloned().unwrap_or_default()
    }

    /// The number of all runs.
    pub fn runs(&self) -> usize {
        self.tallies.values().map(|tally| tally.all().count()).sum()
    }
}

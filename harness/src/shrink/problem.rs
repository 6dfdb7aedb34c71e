//! The failure that is shrunk.

use std::collections::BTreeSet;
use std::time::Duration;

use super::Reduced;
use crate::repeats::Failing;

/// A plan that fails, and what is known of a run of it.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    /// The plan.
    pub original: Reduced,
    /// The failure that it showed; others do not count.
    pub failing: Failing,
    /// The faults that were attempted before it was known to have failed, by their numbers.
    pub reached: BTreeSet<u32>,
    /// The rate that is to be kept; none for half of the rate of the plan.
    pub at_least: Option<f64>,
    /// The time that the load goes on after the last fault.
    pub after: Duration,
}

//! The list of the properties of nodes.

use super::{ElectionSafety, Invariant, LeaderCompleteness, LogMatching, StateMachineSafety};

/// All properties of nodes.
pub fn all() -> Vec<Box<dyn Invariant>> {
    vec![
        Box::new(ElectionSafety::default()),
        Box::new(LogMatching),
        Box::new(LeaderCompleteness::default()),
        Box::new(StateMachineSafety::default()),
    ]
}

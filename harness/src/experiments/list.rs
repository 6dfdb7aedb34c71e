//! The list of experiments.

use super::experiment::Experiment;
use super::{fsync, leader_crash, pre_vote, quorum, retries};

/// Every experiment, in the order in which a course has them.
pub(crate) const ALL: &[Experiment] = &[
    leader_crash::EXPERIMENT,
    pre_vote::EXPERIMENT,
    quorum::EXPERIMENT,
    retries::EXPERIMENT,
    fsync::EXPERIMENT,
];

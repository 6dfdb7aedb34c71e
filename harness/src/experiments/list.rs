//! The list of experiments.

use super::experiment::Experiment;
use super::{
    batching, check_quorum, election_timeouts, figure_8, fsync, leader_crash, lease_drift,
    membership, pipelining, pre_vote, quorum, read_paths, retries, retry_storm, slow_disk_handoff,
    snapshot, split_vote, stale_leader, wan,
};

/// Every experiment, in the order in which a course has them.
pub(crate) const ALL: &[Experiment] = &[
    leader_crash::EXPERIMENT,
    election_timeouts::EXPERIMENT,
    split_vote::EXPERIMENT,
    pre_vote::EXPERIMENT,
    check_quorum::EXPERIMENT,
    quorum::EXPERIMENT,
    read_paths::EXPERIMENT,
    stale_leader::EXPERIMENT,
    lease_drift::EXPERIMENT,
    membership::EXPERIMENT,
    slow_disk_handoff::EXPERIMENT,
    snapshot::EXPERIMENT,
    figure_8::EXPERIMENT,
    retries::EXPERIMENT,
    retry_storm::EXPERIMENT,
    fsync::EXPERIMENT,
    batching::EXPERIMENT,
    pipelining::EXPERIMENT,
    wan::EXPERIMENT,
];

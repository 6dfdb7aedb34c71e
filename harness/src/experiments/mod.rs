//! Experiments: claims about Raft, each measured on real processes of the bundled cluster in runs with
//! and without the cause or the cure that it names. An experiment is one file here and one line in
//! [`list`].

mod answered_reads;
mod arm;
mod batching;
mod carry_out;
mod check_quorum;
mod checks;
mod election_timeouts;
mod elections;
mod experiment;
mod figure;
mod figure_8;
mod fsync;
mod leader_crash;
mod lease_drift;
mod list;
mod load;
mod membership;
mod observed;
mod pipelining;
mod pre_vote;
mod quorum;
mod read_paths;
mod retries;
mod retry_storm;
mod run_plan;
mod slow_disk_handoff;
mod snapshot;
mod split_vote;
mod stale_leader;
mod wan;

pub(crate) use carry_out::carry_out;
pub(crate) use experiment::{Experiment, Extent, figures};
pub(crate) use list::ALL;

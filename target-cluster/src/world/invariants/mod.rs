//! Properties of every state of every simulation, one file each: the five of the Raft paper (figure
//! 3), one of its configurations, and two of the state machine. The promises to clients are judged by
//! the checker, from what clients saw.
//!
//! After each turn of a node they look at what that changed, never at a whole log.

mod change;
mod configurations;
mod election_safety;
mod exactly_once;
mod invariant;
mod leader_append_only;
mod leader_completeness;
mod log_matching;
mod state_equality;
mod state_machine_safety;
mod watch;

pub use invariant::Violation;

pub(crate) use watch::Watch;

use change::Change;
use configurations::Configurations;
use election_safety::ElectionSafety;
use exactly_once::ExactlyOnce;
use invariant::Invariant;
use leader_append_only::LeaderAppendOnly;
use leader_completeness::LeaderCompleteness;
use log_matching::LogMatching;
use state_equality::StateEquality;
use state_machine_safety::StateMachineSafety;

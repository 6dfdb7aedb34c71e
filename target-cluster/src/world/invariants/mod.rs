//! Properties of every state of every run: the four safety properties of the Raft paper (figure 3),
//! and the promises to clients. One file each.

mod all;
mod client_promises;
mod election_safety;
mod invariant;
mod leader_completeness;
mod log_matching;
mod state_machine_safety;

pub use all::all;
pub use invariant::Invariant;

pub(crate) use client_promises::{ClientPromises, Floor};
use election_safety::ElectionSafety;
use leader_completeness::LeaderCompleteness;
use log_matching::LogMatching;
use state_machine_safety::StateMachineSafety;

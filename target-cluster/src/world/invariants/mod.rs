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
pub use client_promises::{ClientPromises, Floor};
pub use election_safety::ElectionSafety;
pub use invariant::Invariant;
pub use leader_completeness::LeaderCompleteness;
pub use log_matching::LogMatching;
pub use state_machine_safety::StateMachineSafety;

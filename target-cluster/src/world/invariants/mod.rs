//! What must hold in every state of every run: the four safety properties of the Raft paper (figure
//! 3), and what clients were promised. One file each.

mod client_promises;
mod election_safety;
mod leader_completeness;
mod log_matching;
mod state_machine_safety;

pub use client_promises::{ClientPromises, Floor};
pub use election_safety::ElectionSafety;
pub use leader_completeness::LeaderCompleteness;
pub use log_matching::LogMatching;
pub use state_machine_safety::StateMachineSafety;

use crate::core::Node;

/// A property of the nodes of a world, with what it must remember of earlier states.
pub trait Invariant {
    /// Its name in the Raft paper.
    fn name(&self) -> &'static str;

    /// Looks at the nodes that run; tells what is wrong.
    fn check(&mut self, nodes: &[&Node]) -> Result<(), String>;
}

/// All properties of nodes.
pub fn all() -> Vec<Box<dyn Invariant>> {
    vec![
        Box::new(ElectionSafety::default()),
        Box::new(LogMatching),
        Box::new(LeaderCompleteness::default()),
        Box::new(StateMachineSafety::default()),
    ]
}

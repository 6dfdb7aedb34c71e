//! The interface of a property.

use crate::core::Node;

/// A property of the nodes of a world, with what it must remember of earlier states.
pub trait Invariant {
    /// Its name in the Raft paper.
    fn name(&self) -> &'static str;

    /// Looks at the nodes that run; the error is a sentence about what is wrong.
    fn check(&mut self, nodes: &[&Node]) -> Result<(), String>;
}

//! The interface of a property.

use std::fmt;

use super::Change;
use crate::core::Node;

/// A property of the nodes of a world, with what it must remember of earlier states.
pub(super) trait Invariant {
    /// Its name in the Raft paper, and the section that states it.
    fn name(&self) -> (&'static str, &'static str);

    /// Looks at what a turn changed; the error is a sentence about what is wrong.
    fn check(&mut self, change: &Change<'_>) -> Result<(), String>;

    /// A node starts with what is on its disk.
    fn started(&mut self, _position: usize, _node: &Node) -> Result<(), String> {
        Ok(())
    }
}

/// A broken property.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// Its name.
    pub property: &'static str,
    /// The place that states it, such as a section of the Raft paper.
    pub source: &'static str,
    /// A sentence about what was seen.
    pub detail: String,
}

impl Violation {
    /// A broken property.
    pub fn new(property: &'static str, source: &'static str, detail: String) -> Violation {
        Violation { property, source, detail }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.property, self.source, self.detail)
    }
}

//! Where operations come from.

use checker::history::Event;
use serde_json::Value;

/// An operation that a process is about to invoke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// Its name: `read`, `write`, `cas`…
    pub f: &'static str,
    /// The key it acts on.
    pub key: String,
    /// Its argument; null for a read.
    pub value: Value,
}

/// A stream of operations that learns from what came of them.
///
/// The runner calls [`next`](Generator::next) whenever a process is free and
/// [`update`](Generator::update) with every completion. A generator is a function of its options
/// and of these calls alone.
pub trait Generator: Send {
    /// The next operation.
    fn next(&mut self) -> Invocation;

    /// Learns of a completion.
    fn update(&mut self, completion: &Event);

    /// The operations that close the run once the cluster has healed: one last look at everything
    /// the run wrote.
    fn final_reads(&self) -> Vec<Invocation>;
}

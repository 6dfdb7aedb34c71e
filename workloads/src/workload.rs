//! A workload, its generator and the options of that.

use crate::{Generator, Invocation, ValueSizes};

/// The error of an operation that failed because the service's state did not allow it: a cas of
/// another value, the dequeue of an empty queue, the acquisition of a lock that is held.
pub const PRECONDITION_FAILED: &str = "precondition_failed";

/// A kind of load with the model that judges it.
#[derive(Debug, Clone, Copy)]
pub struct Workload {
    /// The name that `--workload` has for it.
    pub name: &'static str,
    /// One line for `list workloads`.
    pub summary: &'static str,
    /// The name of the checker's model that judges it.
    pub model: &'static str,
    /// Every kind of operation it makes; a run in which one of them never succeeded is Unknown.
    pub kinds: &'static [&'static str],
    /// Makes its generator.
    pub generator: fn(&GeneratorOptions) -> Box<dyn Load>,
    /// Two operations that a healed service must serve on a fresh object of that name: a mutation,
    /// and then an operation that rests on it. Both are of the workload's kinds, so that its model
    /// can judge them.
    pub probe: fn(&str) -> [Invocation; 2],
}

/// A workload's generator. It never ends: its runner decides how long and how fast.
pub trait Load: Generator {
    /// The operations that close the run once the cluster has healed: one last look at everything
    /// that the run wrote.
    fn final_phase(&self) -> Box<dyn Generator>;
}

/// The options of a workload's generator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GeneratorOptions {
    /// The run's seed.
    pub seed: u64,
    /// The number of objects in use at a time: keys, queues, locks.
    pub hot_keys: usize,
    /// The sizes of written values, in workloads that can write any value.
    pub values: ValueSizes,
}

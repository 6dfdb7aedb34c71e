//! What clients do.
//!
//! A [`Workload`] names a [`Generator`] of operations and the model that judges them. Beside it
//! stand the other choices a client makes: how it retries ([`retry`]), whom it asks ([`route`])
//! and when it acts ([`pace`]). All of it is pure: time and randomness are passed in, so a seed
//! gives the same stream of operations every time.

pub mod generator;
pub mod pace;
pub mod register;
pub mod retry;
pub mod route;
mod stream;

pub use generator::{Generator, Invocation};
pub use stream::stream;

/// A kind of load with the model that judges it.
#[derive(Debug, Clone, Copy)]
pub struct Workload {
    /// What `--workload` calls it.
    pub name: &'static str,
    /// One line for `list workloads`.
    pub summary: &'static str,
    /// The name of the checker's model that judges it.
    pub model: &'static str,
    /// Every kind of operation it makes; a run in which one of them never succeeded is Unknown.
    pub kinds: &'static [&'static str],
    /// Makes its generator.
    pub generator: fn(&GeneratorOptions) -> Box<dyn Generator>,
}

/// What a generator is made from.
#[derive(Debug, Clone, Copy)]
pub struct GeneratorOptions {
    /// The run's seed.
    pub seed: u64,
    /// How many keys are in use at a time.
    pub hot_keys: usize,
}

/// Every workload, by name.
pub const ALL: &[Workload] = &[register::WORKLOAD];

/// The workload of that name.
pub fn find(name: &str) -> Option<&'static Workload> {
    ALL.iter().find(|workload| workload.name == name)
}

//! The settings of a simulation, and its record.

use checker::history::History;

/// A way in which a service breaks its promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    /// It answers a read from a state that had been replaced before the read began.
    StaleRead,
    /// It acknowledges a mutation that it never does.
    Forgotten,
    /// It does a mutation twice.
    Repeated,
}

/// The settings of a simulation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Simulation {
    /// The seed of everything random.
    pub seed: u64,
    /// The most operations that are open at a time.
    pub threads: usize,
    /// The share of requests that are lost, and of answers.
    pub lost: f64,
    /// The share of requests that arrive up to seconds later, when their clients may have given
    /// up.
    pub late: f64,
    /// True if the service is down now and then; it refuses requests or is silent.
    pub outages: bool,
    /// The lie that it tells, and the share of the operations in which it does if it can.
    pub lies: Option<(Lie, f64)>,
}

/// The record of a simulation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The history that the clients saw. Before the final phase stands an event `phase` of the
    /// controller.
    pub history: History,
    /// The number of lies. Not each of them can be noticed.
    pub lies: u64,
}

impl Simulation {
    /// A simulation in which nothing goes wrong: every operation is answered within 20 ms.
    pub fn reliable(seed: u64, threads: usize) -> Self {
        Simulation { seed, threads, lost: 0.0, late: 0.0, outages: false, lies: None }
    }

    /// A simulation in which everything goes wrong, and the service is honest.
    pub fn unreliable(seed: u64, threads: usize) -> Self {
        Simulation { lost: 0.02, late: 0.02, outages: true, ..Simulation::reliable(seed, threads) }
    }

    /// The same with a service that lies in that share of operations.
    pub fn with_lies(self, lie: Lie, share: f64) -> Self {
        Simulation { lies: Some((lie, share)), ..self }
    }
}

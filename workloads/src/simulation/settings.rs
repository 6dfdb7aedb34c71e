//! The settings of a simulation, and what it leaves.

use checker::history::History;

/// How a service breaks its promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lie {
    /// It answers a read from a state that had been replaced before the read began.
    StaleRead,
    /// It acknowledges a mutation that it never does.
    Forgotten,
    /// It does a mutation twice.
    Repeated,
}

/// How a simulation is made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Simulation {
    /// What everything random is drawn from.
    pub seed: u64,
    /// How many operations are open at most.
    pub threads: usize,
    /// The share of requests that are lost, and of answers.
    pub lost: f64,
    /// The share of requests that arrive up to seconds later, when their clients may have given
    /// up.
    pub late: f64,
    /// Whether the service is down now and then; it refuses requests or is silent.
    pub outages: bool,
    /// How it lies, and in what share of the operations in which it can.
    pub lies: Option<(Lie, f64)>,
}

/// What a simulation leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// What the clients saw. Before the final phase stands an event `phase` of the controller.
    pub history: History,
    /// How many lies were told. Not each of them can be noticed.
    pub lies: u64,
}

impl Simulation {
    /// Nothing goes wrong: every operation is answered within 20 ms.
    pub fn reliable(seed: u64, threads: usize) -> Self {
        Simulation { seed, threads, lost: 0.0, late: 0.0, outages: false, lies: None }
    }

    /// Everything goes wrong, and the service is honest.
    pub fn unreliable(seed: u64, threads: usize) -> Self {
        Simulation { lost: 0.02, late: 0.02, outages: true, ..Simulation::reliable(seed, threads) }
    }

    /// The same with a service that lies in that share of operations.
    pub fn with_lies(self, lie: Lie, share: f64) -> Self {
        Simulation { lies: Some((lie, share)), ..self }
    }
}

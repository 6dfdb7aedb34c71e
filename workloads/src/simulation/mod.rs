//! A service and its clients in simulated time: try a generator without a cluster.
//!
//! The service keeps its promises unless it is told to [lie](Lie). Between it and its clients
//! requests and answers are lost or late, and now and then it is down for a while. Clients try
//! again under the same token and give up after a deadline, so operations fail, succeed, and end
//! with unknown outcomes as they do in a real run. One thread, no clock: the seed decides
//! everything.
//!
//! ```
//! use checker::verdict::Verdict;
//! use workloads::simulation::Simulation;
//! use workloads::{GeneratorOptions, ValueSizes};
//!
//! let workload = workloads::find("counter").unwrap();
//! let options = GeneratorOptions { seed: 1, hot_keys: 5, values: ValueSizes::Numbers };
//! let recorded = Simulation::stormy(1, 10).run(workload, &options, 500);
//!
//! let operations = checker::history::Operations::of(&recorded.history)?;
//! let how = checker::Options { model: Some(workload.model.into()), ..Default::default() };
//! let analysis = checker::check(&operations, &how)?;
//! assert_eq!(analysis.verdict, Verdict::Valid);
//! # Ok::<(), checker::history::HistoryError>(())
//! ```
//!
//! Services are written by themselves: they share no code with the checker's models, so that a
//! mistake in one of the two shows.

mod service;
mod world;

use checker::history::History;

use self::world::World;
use crate::{Generator, GeneratorOptions, Object, Workload};

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
    pub fn calm(seed: u64, threads: usize) -> Self {
        Simulation { seed, threads, lost: 0.0, late: 0.0, outages: false, lies: None }
    }

    /// Everything goes wrong, and the service is honest.
    pub fn stormy(seed: u64, threads: usize) -> Self {
        Simulation { lost: 0.02, late: 0.02, outages: true, ..Simulation::calm(seed, threads) }
    }

    /// The same with a service that lies in that share of operations.
    pub fn with_lies(self, lie: Lie, share: f64) -> Self {
        Simulation { lies: Some((lie, share)), ..self }
    }

    /// So many operations of a workload; then nothing goes wrong any more, and its final phase.
    ///
    /// # Panics
    /// When there is no simulated service for the workload's model, and as
    /// [`run_generator`](Simulation::run_generator).
    pub fn run(
        &self,
        workload: &Workload,
        options: &GeneratorOptions,
        operations: u64,
    ) -> Recorded {
        let mut world = World::new(self, Object::of(workload.model).expect("no such model"));
        let mut load = (workload.generator)(options);
        world.drive(&mut (&mut *load).limit(operations));
        world.heal();
        world.drive(&mut *load.final_phase());
        world.into_recorded()
    }

    /// Everything that a generator has, against a service each of whose keys holds `object` in the
    /// beginning.
    ///
    /// # Panics
    /// When the generator asks for an operation that the object does not have or for a thread that
    /// is busy, or waits for what will never come.
    pub fn run_generator(&self, generator: &mut dyn Generator, object: Object) -> Recorded {
        let mut world = World::new(self, object);
        world.drive(generator);
        world.into_recorded()
    }
}

//! A service and its clients in simulated time: try a generator without a cluster.
//!
//! The service keeps its promises unless it is set to [lie](Lie). Between it and its clients
//! requests and answers are lost or late, and now and then it is down for a while. Clients try
//! again under the same token and give up after a deadline, so operations fail, succeed, and end
//! with unknown outcomes as they do in a real run. One thread, no clock: the seed decides
//! everything.
//!
//! ```
//! use checker::verdict::Verdict;
//! use stormproof_workloads::simulation::Simulation;
//! use stormproof_workloads::{GeneratorOptions, ValueSizes};
//!
//! let workload = stormproof_workloads::find("counter").unwrap();
//! let options = GeneratorOptions { seed: 1, hot_keys: 5, values: ValueSizes::Numbers };
//! let recorded = Simulation::unreliable(1, 10).run(workload, &options, 500);
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

mod run;
mod service;
mod settings;
mod world;

pub use settings::{Lie, Recorded, Simulation};

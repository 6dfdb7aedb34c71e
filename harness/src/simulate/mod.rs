//! The bundled cluster in simulated time, with the product's own workloads, clients and checker:
//! thousands of hours of faults in minutes, each of which its seed brings back to the letter.
//!
//! `cluster::world` has the cluster and its faults; `clients` act on it as those of a run do;
//! `seed_run` takes one seed through load, healing and final reads; `judging` asks the checker;
//! `sweep` runs many seeds on all cores; `shrinking` leaves out what a failure does not need;
//! `detection` measures how soon planted bugs are found.

mod assertions;
mod clients;
mod detection;
mod judging;
mod page;
mod report;
mod seed_run;
mod settings;
mod shrinking;
mod sweep;
#[cfg(test)]
mod tests;

pub use assertions::expect_assertions;
pub use detection::detect;
pub use page::page;
pub use report::{print_failure, print_situations};
pub use seed_run::{Ended, Only, run_seed};
pub use settings::Settings;
pub use sweep::{Swept, sweep};

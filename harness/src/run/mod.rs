//! A run: setup, health, load with faults, recovery, convergence, final reads, verdict, report.

mod agenda;
pub mod calibrate;
pub(crate) mod cluster;
mod conclude;
mod contents;
pub mod converge;
mod each_node;
pub(crate) mod environment;
mod execute;
mod expected_exits;
mod initial;
mod interrupt;
pub mod judge;
pub mod live;
mod liveness;
pub mod load;
mod log_watch;
mod machine_speed;
pub mod nemesis_runner;
pub mod online_check;
pub mod operation;
#[cfg(test)]
mod operation_tests;
pub(crate) mod order;
mod owed;
mod pace;
mod progress_watch;
mod reach;
mod ready_watch;
pub mod recorder;
mod role_watch;
mod standard_output;
mod summarise;
mod triggers;

pub use execute::{Ended, Setup, execute};
pub(crate) use judge::{Parts, merge};
pub(crate) use liveness::blame;
pub(crate) use owed::Owed;
pub(crate) use summarise::{Known, summarise};

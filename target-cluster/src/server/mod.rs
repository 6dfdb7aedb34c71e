//! The service: the core driven by real time, a real disk and HTTP.
//!
//! One thread runs everything that chooses or talks: the HTTP endpoints for clients and, on a port
//! of their own, for the other nodes (`peer_api`), the calls to these (`peers`), and `raft_loop`, which owns the core. A second thread owns the disk, so that a barrier
//! never keeps a heartbeat or a refusal waiting. A third writes the event stream to stdout.

mod addresses;
mod api;
mod config;
mod connections;
#[cfg(test)]
mod connections_tests;
mod contents;
mod disk_thread;
mod envelope;
mod events;
mod failure;
mod http;
mod inbox;
mod limits;
mod peer_api;
mod peers;
mod raft_loop;
mod run;

pub use config::Config;
pub use failure::Failure;
pub use limits::RequestLimits;
pub use run::{LOG_FILE, Listeners, run, run_until};

//! The service: the core driven by real time, a real disk and HTTP.
//!
//! One thread runs `raft_loop`, which owns the core, and what the nodes say to each other: `peers` asks,
//! `peer_api` answers on a port of its own. A second thread serves clients, and what is large it leaves
//! to some more threads: however much they send or ask for, no heartbeat waits behind it. A third owns
//! the log, so that a barrier never keeps a heartbeat or a refusal waiting; others write snapshots beside
//! it, and give back the room of large files that are removed. One more writes the event stream to stdout.

mod addresses;
mod api;
mod client_thread;
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
mod large;
mod limits;
mod members;
mod memory;
mod peer_api;
mod peers;
mod raft_loop;
mod run;

pub(crate) use api::body_of;
pub use config::Config;
pub use failure::Failure;
pub use limits::RequestLimits;
pub use run::{LOG_FILE, Listeners, run, run_until};

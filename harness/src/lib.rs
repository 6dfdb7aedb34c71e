//! stormproof, the library: it tests a replicated service of one's own from Rust.
//!
//! A service is a [`Target`](prelude::Target), and a run of it a [`Test`]. A test binary of several
//! runs is [`test_main`]. A program of either kind calls [`dispatch`] first in `main`: it is
//! started again as the controller of its lab. All that a target needs is in the [`prelude`];
//! `harness/tests/own_service` is a whole example.

#![warn(clippy::print_stdout, clippy::print_stderr)]

mod auditing;
mod bisect;
mod catalogue;
mod cli;
mod exercises;
mod exit;
mod experiments;
mod explain;
mod explore;
#[doc(hidden)]
pub mod internal;
mod lab;
mod names;
mod night;
mod plan;
pub mod prelude;
mod printing;
mod progress;
mod repeats;
mod run;
mod running;
mod serve;
mod shrink;
mod simulate;
mod slo;
mod statistics;
pub mod targets;
mod terminal;
mod testing;

#[doc(hidden)]
pub use cli::main;
pub use exit::Exit;
pub use testing::{Test, dispatch, test_main};
pub use {anyhow, serde_json, tokio};

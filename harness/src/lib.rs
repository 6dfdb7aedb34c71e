//! stormproof, the library: it tests a replicated service of one's own from Rust.
//!
//! A service is a [`Target`](prelude::Target), and a run of it a [`Test`]. A test binary of several
//! runs is [`test_main`]. A program of either kind calls [`dispatch`] first in `main`: it is started
//! again as the controller of its lab. All that a target needs is in the [`prelude`];
//! `harness/tests/own_service` is a whole example.

#![warn(clippy::print_stdout, clippy::print_stderr)]

mod auditing;
mod cli;
mod exit;
mod lab;
mod names;
mod plan;
pub mod prelude;
mod printing;
mod progress;
mod run;
pub mod targets;
mod testing;

#[doc(hidden)]
pub use cli::main;
pub use exit::Exit;
pub use testing::{Test, dispatch, test_main};
pub use {anyhow, serde_json, tokio};

/// Parts of stormproof for its own tests and benches. They change without notice.
#[doc(hidden)]
pub mod internal {
    use std::time::Duration;

    pub use crate::run::live::Live;
    pub use crate::run::load::{self, Clients};
    pub use crate::run::online_check;
    pub use crate::run::recorder::Recorder;
    pub use crate::targets::Bundled;

    /// The order in which the nodes of a plan are started, each with its time after the first one.
    ///
    /// # Errors
    /// When it is no plan.
    pub fn starts(plan: &str) -> anyhow::Result<Vec<(Duration, String)>> {
        Ok(crate::plan::Written::from_toml(plan)?.resolve()?.starts())
    }
}

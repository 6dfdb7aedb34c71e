//! stormproof, the library: lab, targets, runner and command line.
//!
//! A program that wants to be its own controller calls [`dispatch`] first in `main`; see
//! [`embedded`].

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
mod verdict_text;

pub use cli::main;
pub use engines::process_tree::Place;
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

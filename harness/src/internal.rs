//! Parts of stormproof for its own tests and benches. They change without notice.

use std::time::Duration;

pub use crate::cli::grammar;
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

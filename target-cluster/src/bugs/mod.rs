//! Planted bugs: faults of real Raft implementations, each behind a run-time switch that is off by
//! default. They measure the harness: a bug that it does not find is a fault of the harness.
//!
//! Everything that is said about a bug stands in one entry of the list; its switch stands where it
//! acts, as `has(Bug::…)` or `bugs.contains(&Bug::…)`, and what takes more than a line in a file
//! `planted.rs` beside that place. A test asks for a golden script named after each.

mod about;
mod agreement;
mod bug;
mod list;
mod listing;
mod service;

pub use about::{Group, Kind, Reach};
pub use bug::{Bugs, UnknownBug};
pub use list::Bug;

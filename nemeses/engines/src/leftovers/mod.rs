//! Finds and removes what runs left that are no more.
//!
//! Two things lead there: the [`journal`](super::journal)s of runs whose processes are all dead,
//! and names of an [`Owner`] which does not live, in case its journal is lost: cgroups called
//! `stormproof-PID-STARTED…`, mounts from a source called so, loop devices backed by a file called
//! so. What belongs to a run that goes on is never touched: its journal is locked, and its owner
//! lives.

mod clean;
mod leftover;
mod undo;

pub use clean::{Cleaned, Found, clean, find};
pub(crate) use clean::{clean_journals, settle};
pub(crate) use leftover::PREFIX;
pub use leftover::{Leftover, Owner};
pub(crate) use undo::remove_cgroup;

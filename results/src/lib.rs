//! What a run leaves behind, and how people look at it.
//!
//! A run's [`RunEvent`](event::RunEvent)s are recorded in a
//! [`RunDirectory`](run_directory::RunDirectory) while it goes on. Afterwards, or from a directory
//! that was [loaded](loaded_run::LoadedRun) again, [`metrics`] reads intervals and figures off the
//! events, and [`report`] draws them as one page. What terminals share with it stands in [`words`].

pub mod applied_log;
pub mod event;
mod event_log;
mod layout;
pub mod loaded_run;
pub mod member_contents;
pub mod metrics;
pub mod report;
pub mod run_directory;
pub mod summary;
pub mod words;

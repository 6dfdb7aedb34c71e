//! The remains of a run, and the ways to look at them.
//!
//! A run's [`RunEvent`](event::RunEvent)s are recorded in a
//! [`RunDirectory`](run_directory::RunDirectory) while it goes on. Afterwards, or from a directory
//! that was [loaded](loaded_run::LoadedRun) again, [`metrics`] reads intervals and figures off the
//! events, and [`report`] draws them as one page. Many runs are a [`night`], or of another [`ledger`].
//! [`verdict_text`] and [`counterexample_text`] are for terminals, [`ci`] is for CI systems, [`export`] for other tools; the words of
//! all stand in [`words`].

pub mod applied_log;
pub mod availability;
pub mod ci;
pub mod comparison;
pub mod compressed;
pub mod conclusion;
pub mod counterexample_text;
pub mod detection;
pub mod event;
mod event_log;
pub mod experiment;
pub mod export;
pub mod index;
mod layout;
pub mod ledger;
pub mod live;
pub mod loaded_run;
pub mod member_contents;
pub mod metrics;
pub mod night;
pub mod node_logs;
mod page;
pub mod report;
pub mod run_directory;
pub mod schema;
pub mod summary;
pub mod timed_logs;
pub mod verdict_text;
pub mod words;

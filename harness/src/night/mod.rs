//! A night: which runs, in which order, on which machine, until when, and what is kept of them.
//!
//! The runs of a night are one sequence that follows from its plan, its seed and the nights before it
//! (`agenda.rs`), and from nothing that happens in the night itself: so shards on several machines
//! share it out, and `merge` joins them to the night that one machine would have made. What
//! happens decides only how far the night comes, and which failures are repeated and shrunk
//! (`decide.rs`). `campaign.rs` carries that out; all that it learns is a line in the ledger first.

mod agenda;
mod campaign;
mod compare;
mod decide;
mod entry;
mod follow_up;
mod merge;
mod past;
mod plan;
mod plan_file;
mod promise;
mod recorded;
mod retention;
mod sentences;

pub(crate) use campaign::{Campaign, Orders};
pub(crate) use compare::{NIGHTS, compare, measured};
pub(crate) use follow_up::ShrinkEnded;
pub(crate) use merge::merge;
pub(crate) use past::{Past, whole_nights};
pub(crate) use plan::{NightPlan, SHIPPED};
pub(crate) use sentences::exit_of;

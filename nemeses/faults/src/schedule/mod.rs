//! When which fault happens: drawn from a seed before the run, printed by `stormproof plan`.

#[cfg(test)]
mod composed_tests;
mod compositions;
mod draw_schedule;
#[cfg(test)]
mod draw_tests;
mod drawn_triggers;
mod known;
mod named;
mod options;
mod planned;
mod profile;
mod resolve;
#[cfg(test)]
mod resolve_tests;
#[expect(clippy::module_inception, reason = "the schedule itself, beside how it is made")]
mod schedule;
pub(crate) mod seconds;
mod shuffle_bag;
mod written;

pub use compositions::{BadCompositions, Composition, Compositions};
pub use known::{BadKnownFailure, KnownFailure, Trigger};
pub use named::Named;
pub use options::ScheduleOptions;
pub use profile::Profile;
pub use resolve::Resolved;
pub use schedule::{Entry, Schedule};
pub use written::{InvalidSchedule, read_entries};

pub use crate::fault::{Budget, Roles, Step};

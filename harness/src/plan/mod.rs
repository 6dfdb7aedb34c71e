//! The plan of a run: everything that is decided before it begins.
//!
//! A flag of `run` is one field of [`Plan`] or [`Clients`] (`flags.rs`, `clients.rs`), with its
//! help, its default and its bounds beside it. All else follows from these fields: `plan.toml`
//! holds them under the same names, and the command that runs a plan again is printed from them.
//! The words of a person, in a file or on a command line, are [`Written`] until they are resolved.

mod clients;
mod command;
mod compositions;
mod derived;
mod flags;
mod known;
mod labs;
mod repeat;
mod resolve;
mod saved;
mod subset;
#[cfg(test)]
mod tests;
mod values;
mod written;

pub(crate) use command::{Again, FLAGS, quoted, split};
pub(crate) use derived::node_names;
pub(crate) use flags::{Plan, seed_of_the_moment};
pub(crate) use labs::{EngineChoice, LabChoice};
pub(crate) use saved::SavedPlan;
pub(crate) use subset::{ClusterFlags, PlanFlags, saved, saved_target};
pub(crate) use values::{Asked, Rate};
pub(crate) use written::Written;

//! Labs: where the nodes of a run live, and what can be done to them there.

mod commands;
mod enter;
mod fit;
mod lab_in_use;
mod links;

pub(crate) use commands::{Commands, ForeignNodes};
pub(crate) use enter::enter;
pub(crate) use fit::{Engines, Fitted, fit};
pub(crate) use lab_in_use::LabInUse;

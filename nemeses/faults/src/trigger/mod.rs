//! Triggers: the moments at which faults begin instead of at a time, and what is held meanwhile.
//!
//! A [`Trigger`] says what is waited for, in the words of a plan: an acknowledgement, a call to a
//! disk, a message, a role, a line of a log, another fault, the service. Once its roles are names it
//! is a [`Watch`], which is kept where such things are seen; what was seen is a [`Observation`].

mod glob;
mod kind;
mod place;
#[expect(clippy::module_inception, reason = "the trigger itself, beside what it is made of")]
mod trigger;
mod watch;

pub use glob::matches_glob;
pub use kind::TriggerKind;
pub use place::Place;
pub use trigger::{DiskCall, Edge, Observed, ServiceChange, Side, Trigger};
pub use watch::{DiskWatch, MessageWatch, Observation, Watch};

//! The things that runs which failed have in common and runs which did not have not, read from saved
//! runs alone.

mod ranking;
mod signs;
mod template;

pub(crate) use ranking::{Ranked, compare};
pub(crate) use signs::of_run;

//! The search for the version in which a failure came or went, where a version that has it may pass
//! all the same.
//!
//! One failure makes a version bad. Good it is only once it passed so often that one with the failure
//! would hardly have. Which version to run next follows from the results so far alone (`search.rs`).

mod build;
mod search;
#[cfg(test)]
mod search_tests;
mod versions;

pub(crate) use build::Build;
#[cfg(test)]
use search::Edge;
pub(crate) use search::{Ended, Known, Question, Wish, search};
pub(crate) use versions::Versions;

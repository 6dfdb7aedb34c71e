//! Shrinking the plan of a run that failed: to the few faults, on the smallest cluster, with which
//! it still fails about as often.
//!
//! Runs of real processes do not repeat themselves, so "still fails" is a statement about a rate,
//! tested run by run until enough is known. What to try next, and what is kept, follows from the
//! results so far and from nothing else (`search.rs`): that is tested against failures that are made
//! up, and it is what lets an interrupted shrink go on from a file of results.

mod known;
mod problem;
mod reduced;
mod search;
#[cfg(test)]
mod search_tests;

pub(crate) use known::Known;
pub(crate) use problem::Problem;
pub(crate) use reduced::Reduced;
pub(crate) use search::{Found, Wish, search};

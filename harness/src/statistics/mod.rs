//! The statistics of repeated runs: what a few of them say about the rate at which all would fail.
//! Pure, and no more than is needed.

mod beta;
mod rate;
mod sequential;

pub(crate) use rate::Rate;
pub(crate) use sequential::{Decision, SequentialTest};

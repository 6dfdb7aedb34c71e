//! The statistics of repeated runs: what a few of them say about the rate at which all would fail.
//! Pure, and no more than is needed.

mod beta;
mod difference;
mod false_discovery;
mod permutation;
mod ranks;
mod rate;
mod sequential;
mod survival;

pub(crate) use beta::ln_beta;
pub(crate) use difference::{Difference, difference};
pub(crate) use false_discovery::discoveries;
pub(crate) use permutation::{Unit, higher};
pub(crate) use ranks::ranks;
pub(crate) use rate::Rate;
pub(crate) use sequential::{Decision, SequentialTest};
pub(crate) use survival::{Watched, median};

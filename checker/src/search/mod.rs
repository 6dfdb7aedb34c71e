//! Searches for a legal order, one object at a time.
//!
//! [`Problem`] is what is left of the operations once everything that cannot matter is dropped;
//! [`wing_gong_lowe`] searches it, for any model. [`by_value::ByValue`] is the same for a
//! register; [`just_in_time`] searches that.

mod alike;
mod by_value;
mod call_list;
mod fingerprint;
pub(crate) mod just_in_time;
mod limits;
mod machine;
pub(crate) mod portfolio;
mod problem;
#[cfg(test)]
mod random_histories;
mod roles;
pub(crate) mod wing_gong_lowe;
pub(crate) mod zones;

pub(crate) use alike::grouped;
pub(crate) use by_value::{ByValue, Op, TimedOp};
pub(crate) use fingerprint::{Memo, Seed};
pub(crate) use limits::{Decision, Limits, Outcome};
pub(crate) use machine::{Chosen, Machine};
pub(crate) use problem::{Certain, MaybeApplied, Problem};
pub(crate) use roles::Roles;

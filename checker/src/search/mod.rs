//! Searches for a legal order, one object at a time.
//!
//! [`Problem`] is what is left of the operations once everything that cannot matter is dropped;
//! [`wing_gong_lowe`] searches it, whatever the model. [`by_value::ByValue`] is the same for a
//! register; [`just_in_time`] searches that.

mod alike;
mod by_value;
mod call_list;
mod fingerprint;
pub(crate) mod just_in_time;
mod machine;
pub(crate) mod portfolio;
mod problem;
#[cfg(test)]
mod random_histories;
pub(crate) mod wing_gong_lowe;
pub(crate) mod zones;

pub(crate) use alike::grouped;
pub(crate) use by_value::{ByValue, Deed, Step};
pub(crate) use fingerprint::Seed;
pub(crate) use machine::{Chosen, Machine};
pub(crate) use problem::{Optional, Problem, Settled};

/// The end of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A legal order was found.
    Valid,
    /// There is none.
    Invalid,
    /// The search spent its steps.
    OutOfSteps,
    /// The search spent its memory.
    OutOfMemory,
}

/// The limits of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Operations tried.
    pub(crate) steps: u64,
    /// Bytes that the memo may take.
    pub(crate) memory: usize,
}

/// The end of a search, and its cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decision {
    /// The end.
    pub(crate) outcome: Outcome,
    /// Operations tried.
    pub(crate) steps: u64,
}

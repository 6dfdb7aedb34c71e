//! Is there a legal order? One partition at a time.
//!
//! [`Problem`] is what is left of a partition once everything that cannot matter is dropped;
//! [`wing_gong_lowe`] searches it. [`by_value::ByValue`] is the same for a register;
//! [`just_in_time`] searches that, and [`portfolio`] lets the two take turns.

mod by_value;
mod call_list;
mod demand;
mod fingerprint;
pub(crate) mod just_in_time;
pub(crate) mod portfolio;
mod problem;
#[cfg(test)]
mod random_histories;
pub(crate) mod wing_gong_lowe;
pub(crate) mod zones;

pub(crate) use by_value::{ByValue, Deed, Step};
pub(crate) use problem::{Item, Problem};

/// How a search ended.
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

/// What a search may spend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Operations tried.
    pub(crate) steps: u64,
    /// Bytes that the memo may take.
    pub(crate) memory: usize,
}

/// How a search ended, by which algorithm, and what it cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decision {
    /// How it ended.
    pub(crate) outcome: Outcome,
    /// Operations tried.
    pub(crate) steps: u64,
}

//! Promises of services: sequential specifications, one file each.
//!
//! A [`Model`] is the behaviour of an object when operations come one after the other, and all that
//! a verdict needs. What else is known of one stands apart: [`Hints`] let a search skip orders
//! which cannot matter, a [`Solver`] needs no search, and [`Recorded`] reads operations from
//! histories.

pub mod append_list;
pub mod bank;
mod call;
mod choice;
pub mod counter;
#[cfg(test)]
mod direct_tests;
mod elements;
pub mod fenced_lock;
mod growing;
mod hints;
pub mod kv_append;
mod list;
mod lock_interval;
pub mod mutex;
mod positions;
pub mod queue;
mod recorded;
pub mod register;
#[cfg(feature = "stateright")]
pub mod sequential_spec;
pub mod set;
mod solver;
mod specification;
mod sums;
pub mod transactions;
mod unique_subset_sums;
mod values;

pub use append_list::AppendList;
pub use bank::Bank;
pub(crate) use call::Interval;
pub use call::{Call, CallOf};
pub use choice::{Choice, choose};
pub use counter::Counter;
pub use elements::{Collection, ElementEffect};
pub use fenced_lock::FencedLock;
pub use hints::{Growth, Hints, Transition};
pub use kv_append::KvAppend;
pub use list::{ALL, AnyModel, find};
pub use mutex::Mutex;
pub use queue::Queue;
pub use recorded::{Conventions, Description, Misfit, NilReads, Recorded};
pub use register::Register;
pub use set::Set;
pub use solver::{Attempt, Calls, Direct, Solver, TimedCall};
pub use specification::Model;
pub use transactions::Transactions;
pub use values::{ValueId, Values};

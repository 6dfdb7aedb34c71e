//! The outcomes of the elements of sets and queues.
//!
//! A counterexample shows one reason why a history has no legal order. How much was lost, and how
//! late the rest appeared, is told by counting. The counts are those of Jepsen's `set-full` and
//! `total-queue`, except that each element is counted once, by the worst that became of it, and
//! that nothing is called lost which may still be somewhere: what no legal order explains is
//! *wrong* ([`ElementOutcome::is_wrong`]) and makes the verdict Invalid, and nothing else is.

mod account;
mod count;
mod outcomes;
mod queue;
mod set;

pub(crate) use account::account;
pub use outcomes::{Accounting, ElementFinding, ElementOutcome};

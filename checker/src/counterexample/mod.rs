//! The reason why there is no legal order, in as few operations as possible.
//!
//! "Taking an operation away" means to stop believing it, not to pretend that it was never
//! invoked: a read that is taken away says nothing, a mutation that is taken away may have taken
//! effect at any time since its invocation, or never. Simply deleting a write would make every
//! read of its value a contradiction, and every counterexample would shrink to such a read. In the
//! weaker sense, what is left is true no matter what else happened: these operations alone
//! contradict each other, and without any one of them they do not.
//!
//! If that would take all writes that are over (few values, and locks), only a stretch of the
//! history is looked at, no matter what was there before; see [`window`].
//!
//! So that the operations can be understood by themselves, an operation that left a value which
//! one of them saw is shown beside them, and goes together with those that saw its value.

mod banks;
mod case;
mod collections;
mod contents;
mod core;
mod explain;
mod fewest;
mod first_seen;
mod locks;
mod lost;
mod make;
mod minimal;
mod questions;
mod reason;
mod registers;
mod relevance;
mod sequences;
mod sources;
mod sums;
mod transactions;
mod uncounted;
mod window;
mod witnesses;
mod words;

pub(crate) use first_seen::first_seen;
pub(crate) use make::{contradiction, make};
pub(crate) use words::told;

//! The thread of the faults: what it waits for, how each begins, goes on and ends, and how
//! everything is well again.

mod label;
mod recovery;
mod runner;
mod waits;

pub use runner::NemesisRunner;

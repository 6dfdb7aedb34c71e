//! The results of the checker, in a form that is saved, printed and drawn.

mod analysis;
mod counterexample;

pub use analysis::{Analysis, Contradiction};
pub use counterexample::Counterexample;

pub use crate::history::Operation;
pub use crate::lattice::Verdict;
pub use crate::words::{shortened, value_in_words};

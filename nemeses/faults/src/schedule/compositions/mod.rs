//! Faults that find more together than alone, as data.
//!
//! The file `compositions.toml` holds those that come along and says how one is written. A field of
//! a fault is drawn from what its text says, an [`expression`] mostly, and the fields of a fault
//! are read as those of a schedule are: a family needs nothing for compositions.

mod expression;
mod field;
mod library;
mod template;

pub use library::{BadCompositions, Compositions};
pub use template::Composition;

#[cfg(test)]
mod tests;

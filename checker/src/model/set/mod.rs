//! A set for each key that only grows: add an element, read them all.

pub(super) mod decide;
mod specification;

pub use specification::{Input, Output, Set};

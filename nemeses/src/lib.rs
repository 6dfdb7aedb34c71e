//! What goes wrong, and how it is undone.

pub mod fault;
pub mod grudge;
pub mod schedule;

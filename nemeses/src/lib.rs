//! What goes wrong, and how it is undone.

pub mod fault;
pub mod grudge;
pub mod host;
pub mod nemesis;
pub mod outcome;
pub mod schedule;
pub mod world;

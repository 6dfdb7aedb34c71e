//! The faults that are on, and what to do when one begins, changes or ends.
//!
//! Faults overlap. The links that drop packets are the union of all grudges that are on; the
//! conditions of a link, a disk or a clock add up; a processor gets the smallest share that any
//! fault leaves it. A node stays down until the last fault that killed it or cut its power ends,
//! and stays paused until the last that paused it ends. A pause ends with its process: a node that
//! is killed while it is paused comes back running.

#[expect(clippy::module_inception, reason = "the nemesis itself, beside its tests")]
mod nemesis;
#[cfg(test)]
mod nemesis_tests;
#[cfg(test)]
mod pretended;
#[cfg(test)]
mod script_tests;

pub use nemesis::Nemesis;

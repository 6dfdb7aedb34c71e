//! The simulated world: many nodes, a network that delays, drops, duplicates, reorders and cuts,
//! disks that lose what was not synced, crashes between any two effects. Everything is a function
//! of the calls made to it, so a script or a seed reproduces a run to the letter.
//!
//! Golden scripts drive a [`World`] by hand; [`simulate`] drives one by chance and judges it by the
//! [`invariants`].

mod clients;
mod describe;
pub mod invariants;
mod simulation;
#[expect(clippy::module_inception, reason = "the folder is the simulated world, this file is it")]
mod world;

pub use simulation::{Settings, Simulated, Violation, simulate};
pub use world::{Packet, World};

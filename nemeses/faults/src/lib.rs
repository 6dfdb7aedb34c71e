//! The faults and their undoing, as far as both can be decided without touching anything.
//!
//! A [`schedule`] of [`fault`]s is drawn from a seed before the run, who drops whom is a
//! [`grudge`], and a [`nemesis`] keeps account of which faults are on. It acts through the trait
//! [`host::Host`], which `stormproof-engines` implements.
//!
//! ```text
//! Schedule::draw(seed) ─▶ Entry ─ resolve(nodes, roles) ─▶ Resolved ─▶ Nemesis ─▶ Host
//!                                                         FaultRecord ◀─┘  (what was measured)
//! ```

pub mod coverage;
pub mod disk_image;
pub mod effect;
pub mod fault;
pub mod grudge;
pub mod host;
pub mod names;
pub mod nemesis;
pub mod order;
pub mod outcome;
pub mod record;
pub mod schedule;
pub mod shaping;
pub mod trigger;

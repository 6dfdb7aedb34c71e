//! The simulated world: nodes on machines with disks and clocks of their own, and a network between
//! them, all of which fail. Everything is a function of the plan, so a seed reproduces a run to the
//! letter.
//!
//! The nodes are the real core on the real write-ahead log, driven by the decisions that the
//! server's loop makes too (`driver`); what stands in for the machine is small: `disk` failures are
//! those of [`crate::storage::MemoryDisk`], clocks are `clock`, links are `network`.
//!
//! A [`Simulation`] runs a [`Plan`], which [`Plan::draw`] makes of a seed (`swarm`; `themes` are
//! faults that belong together), and is judged by the [`invariants`] after every turn of a node. Its
//! clients are elsewhere: it knows requests and replies. Golden scripts drive a [`World`] by hand,
//! one effect and one packet at a time.

mod accounts;
mod by_hand;
mod clock;
mod codec;
mod decisions;
mod describe;
mod dice;
mod disks_by_hand;
mod event_queue;
mod fault_injection;
mod faults;
mod host;
pub mod invariants;
mod members;
mod message;
mod network;
mod node_turns;
mod plan;
mod simulation;
mod situations;
mod swarm;
mod themes;

pub use accounts::NodeLine;
pub use by_hand::{Forged, Packet, World};
pub use decisions::Decision;
pub use dice::Purpose;
pub use faults::{Aim, AimedFault, ChangeKind, Damage, Fault, Kept};
pub use invariants::Violation;
pub use network::NetworkPlan;
pub use plan::{DiskPlan, LastingFault, Plan, Trigger};
pub use simulation::{ClientReply, Received, Simulation};
pub use situations::{Situation, Situations};
pub use swarm::Fixed;

//! Bounded exploration: the core of the bundled cluster, its disks, its network and its clients as a
//! model of stateright's, which looks at every state that they can reach within [`Bounds`].
//!
//! It is the core that serves, [`cluster::core::Node`], and not a model of it. Clients are judged by
//! the checker's own register ([`checker::model::sequential_spec`]) and stateright's
//! `LinearizabilityTester`, nodes by the five promises of the Raft paper's figure 3. Situations that
//! some state must show say that the bounds were not too narrow to break anything.
//!
//! # What is left out of a state, and why that hides nothing
//!
//! * **Time.** A timer may fire at any moment, so nothing of a clock is kept
//!   ([`cluster::core::Node::make_relative`]). A follower heard its leader so long ago that it grants
//!   pre-votes; a refusal for the time's sake would be like the loss of its answer. A leader either
//!   hears a majority or, as a step of its own, does not.
//! * **Pre-votes** are asked and answered in the step in which the election timeout passes, by those
//!   who would grant them first. They change no voter. One whose answer came late would meanwhile
//!   have done what a candidate does whose requests come late.
//! * **Barriers.** All that a step writes is durable behind it, or the disk stalls from one of its
//!   records on until the node crashes. A barrier that comes late, but before a crash, delays
//!   messages, and the network does that too. So a crash loses just what was written behind the
//!   stall, and no other choice is left to it.
//! * **The network** holds every message that was sent. One that has arrived stays, for it may be
//!   repeated; one that never arrives is lost; order means nothing. Those are taken out which neither
//!   change a node nor are answered by what would: of terms that both ends know to be over, from
//!   candidates that stand no more, and, once no crash is left, what changes nothing now. Taking them
//!   out is to lose them, so nothing false is ever found. A planted bug may heed them, and
//!   `keeps_spent` keeps them.
//! * **A node that is down** is one to which nothing arrives: it starts again in the step in which
//!   it crashes.
//! * **Names.** Nodes to which nothing has happened yet are alike, and only the first of them acts.
//! * **Clients** begin their operation when it arrives, and have their answer when it is given: later
//!   or earlier would forbid them less. An answer that is lost is one for which they wait no longer.
//! * **Numbers** of records and calls.
//!
//! A step of one node is worked out once and remembered ([`member`]): a cluster has far more states
//! than its nodes.
//!
//! Deliberately absent: damage to disks, storage formats, the codec, the server's loop and its
//! limits, more keys than one, liveness. The simulated world has those.

mod action;
mod bounds;
mod clients;
mod exploration;
mod fingerprint;
mod member;
mod message;
mod panics;
mod properties;
mod run;
mod situation;
mod state;
#[cfg(test)]
mod tests;

pub(crate) use bounds::{Bounds, OperationKind};
pub(crate) use run::{Counts, Findings, explore, serve};

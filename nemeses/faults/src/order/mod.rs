//! The order of a run: the gates that messages, fsyncs, calls of clients and faults went through, and
//! another run that is held to it.
//!
//! A run that is asked to writes down every [`Crossing`] that something went through, in one sequence,
//! the [`OrderLog`]. A later one asks a [`Follower`] before it lets anything through. Two runs of
//! real processes never do the same for long, so nothing is compared over a whole run. A follower
//! looks at what came right before each fault and after it:
//!
//! - A fault whose time has come waits for its **moment**: until the gates that came last before it
//!   were gone through again, in their order.
//! - From a fault on, what comes too early **waits** until what came before it at the same node has
//!   gone through, or for a limit of time; then it goes on, and counts as not followed.
//! - The nodes are matched by what they do, not by their names ([`Likeness`](likeness)): by who sends
//!   what to whom before the fault, by whom the fault hits, and by who sends first afterwards.
//! - Messages that a clock sends over and over, such as heartbeats, are left out.
//!
//! No word about the service is needed for any of that.

mod before_fault;
mod codec;
mod crossing;
mod followed;
mod follower;
#[cfg(test)]
mod follower_tests;
mod likeness;
mod order_log;
mod regular;
mod steps;

pub use codec::Unreadable;
pub use crossing::{CLIENTS, Crossing, End, FaultPoint, Word};
pub use followed::{Followed, MomentFollowed};
pub use follower::{Follower, Ticket};
pub use order_log::{FaultOrder, MOST_GATES, OrderLog, Passed};

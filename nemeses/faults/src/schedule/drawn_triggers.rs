//! The moments at which a share of the drawn faults begin, in place of their times.

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use std::time::Duration;

use crate::fault::{Aim, Fault, between, weighted};
use crate::trigger::{DiskCall, Edge, Observed, Place, Trigger};

/// So often a fault that comes alone begins at a moment.
const AT_A_MOMENT: f64 = 0.43;

/// So often such a fault hits the node at which it was seen, where it is aimed at one node.
const ON_WHAT_WAS_SEEN: f64 = 0.6;

/// A service under load does what is waited for many times a second.
const WITHIN: Duration = Duration::from_secs(1);

/// An event is counted so often at most: the first few of a stretch are as likely as all later ones.
const MOST: f64 = 30.0;

/// The longest time that anything is held: many times what applying a fault takes, and less than
/// services take for a failure.
const HOLD_MS: f64 = 50.0;

/// So often what can be held is.
const HELD: f64 = 0.75;

/// A moment, and the nodes that the fault then hits by name.
pub(super) struct Drawn {
    pub trigger: Trigger,
    pub on: Option<String>,
}

/// Draws the moment of a fault that lasts so long; none where it begins at its time. `overlapping`
/// are those that come while another fault is on, in which roles and terms change.
pub(super) fn draw(fault: &Fault, overlapping: bool, random: &mut ChaCha8Rng) -> Option<Drawn> {
    // All is drawn at all times, so that no draw depends on what came of another.
    let at_a_moment = random.random_bool(AT_A_MOMENT);
    let on_what_was_seen = random.random_bool(ON_WHAT_WAS_SEEN);
    let held = random.random_bool(HELD);
    let nth = between(1.0, MOST, random).round() as u32;
    let node = weighted(&PLACES, |_| true, random).place();
    let observed = match weighted(&EVENTS, |event| overlapping || !event.is_a_change(), random) {
        // Followers of some services answer no client.
        Event::Acknowledged if node == Place::Follower => {
            Observed::Acknowledged { f: None, node: Place::Any }
        }
        Event::Acknowledged => Observed::Acknowledged { f: None, node },
        Event::Disk(call, edge) => Observed::Disk { call, files: None, node, edge },
        Event::FromLeader => {
            let (from, to, least_bytes, path) = (Place::Leader, Place::Follower, None, None);
            Observed::Message { from, to, least_bytes, path }
        }
        Event::ToLeader => {
            let (from, to, least_bytes, path) = (Place::Follower, Place::Leader, None, None);
            Observed::Message { from, to, least_bytes, path }
        }
        Event::NewLeader => Observed::Role { role: "leader".to_owned(), node: Place::Any },
        Event::NewTerm => Observed::Term { node: Place::Any },
    };
    let is_a_change = !observed.comes_often();
    let hold_ms = (held && observed.can_be_held()).then_some(HOLD_MS);
    let nth = if is_a_change { 1 } else { nth };
    let one = fault.aim().is_some_and(|aim| aim == Aim::One || aim.is_role());
    at_a_moment.then(|| Drawn {
        trigger: Trigger { observed, nth, within: WITHIN, hold_ms },
        on: (one && on_what_was_seen).then(|| "seen".to_owned()),
    })
}

/// An event that a single fault may wait for.
#[derive(Debug, Clone, Copy)]
enum Event {
    Acknowledged,
    Disk(DiskCall, Edge),
    FromLeader,
    ToLeader,
    NewLeader,
    NewTerm,
}

impl Event {
    /// Returns true if it hardly comes while nothing is wrong.
    fn is_a_change(self) -> bool {
        matches!(self, Self::NewLeader | Self::NewTerm)
    }
}

const EVENTS: [(Event, u32); 8] = [
    (Event::Acknowledged, 4),
    (Event::Disk(DiskCall::Fsync, Edge::Before), 3),
    (Event::Disk(DiskCall::Fsync, Edge::After), 3),
    (Event::Disk(DiskCall::Write, Edge::After), 2),
    (Event::FromLeader, 3),
    (Event::ToLeader, 3),
    (Event::NewLeader, 6),
    (Event::NewTerm, 3),
];

/// A node at which it may be seen.
#[derive(Debug, Clone, Copy)]
enum Where {
    Leader,
    Follower,
    Any,
}

impl Where {
    fn place(self) -> Place {
        match self {
            Self::Leader => Place::Leader,
            Self::Follower => Place::Follower,
            Self::Any => Place::Any,
        }
    }
}

const PLACES: [(Where, u32); 3] = [(Where::Leader, 4), (Where::Follower, 2), (Where::Any, 2)];

//! A node apart from the time, for a model checker: two nodes that differ only in what their clocks
//! show, and in how many records they wrote, become one.

use std::time::Duration;

use super::applied::ApplyWork;
use super::timing::Jitter;
use super::{Node, Role, Time};

/// The time at which a node stands after [`Node::make_relative`]; long after what it remembers.
const NOW: Time = Duration::from_secs(3600);

impl Node {
    /// Moves a node to one fixed time, the same for all nodes: what it heard was heard long ago, what
    /// it waits for lies ahead, and no election timeout is longer than another.
    ///
    /// A leader heard every follower just now. An append that is not answered is old enough for the
    /// leader to send another, and to give it up at its next heartbeat.
    ///
    /// Records are counted from 1 again. **What waits for records that are not durable is dropped**:
    /// it is for a driver whose disk stalls until the node crashes, or syncs at once.
    pub fn make_relative(&mut self) {
        let timings = self.options.timings;
        self.now = NOW;
        self.jitter = Jitter::new(0);
        self.durability.renumber();
        self.apply_work = ApplyWork::default();
        if let Some(transfer) = &mut self.transfer {
            transfer.deadline = NOW + timings.election_max;
        }
        match &mut self.role {
            Role::Follower { heard, deadline, .. } => {
                (*heard, *deadline) = (Time::ZERO, NOW + timings.election_max);
            }
            Role::PreCandidate { deadline, .. } | Role::Candidate { deadline, .. } => {
                *deadline = NOW + timings.election_max;
            }
            Role::Leader(leader) => {
                leader.heartbeat_due = NOW + timings.heartbeat;
                leader.peers.values_mut().for_each(|peer| peer.make_relative(NOW, &timings));
            }
        }
    }

    /// The time of a node that was made relative.
    pub fn now(&self) -> Time {
        self.now
    }
}

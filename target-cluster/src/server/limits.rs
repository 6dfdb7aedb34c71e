//! The limits of clients: how long a request may take to come and its answer to go, and how many
//! connections there may be.

use std::time::Duration;

use anyhow::{Result, ensure};
use nix::sys::resource::{Resource, getrlimit};

use super::connections::REFUSALS_MAX;
use super::peers::CONNECTIONS_MAX;

/// The descriptors that are kept for everything but connections: standard streams, log, runtimes.
const OWN_DESCRIPTORS: usize = 32;

/// The places for connections of each other node: those of its lanes, and some that it gave up and that
/// are not closed here yet, as after a cut.
const PLACES_A_PEER: usize = CONNECTIONS_MAX + 3;

/// The other nodes for which there are places if the descriptors suffice, however few there are at the
/// start: members come and go.
const MEMBERS_EXPECTED: usize = 6;

/// The descriptors that are kept for each other node: its places, and the connections to it.
const PEER_DESCRIPTORS: usize = PLACES_A_PEER + CONNECTIONS_MAX;

/// The most connections that a node takes at a time.
pub(super) struct Places {
    /// Those of clients.
    pub clients: usize,
    /// Those of other nodes.
    pub peers: usize,
}

/// The limits of the requests of clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestLimits {
    /// The longest time that a request waits for its answer, once it is here. Then it is refused.
    pub deadline: Duration,
    /// The longest time that the head of a request may take to come, and again its body.
    pub request: Duration,
    /// The longest time that a client may take to read a part of 256 KiB of its answer, or the rest.
    pub answer: Duration,
    /// The longest time that a connection is kept open without a request.
    pub idle: Duration,
    /// The most connections of clients at a time. There are fewer where the process may not open as
    /// many descriptors.
    pub connections: usize,
}

impl Default for RequestLimits {
    /// 3 s for the answer: longer than an election under the default timings and a commit after it,
    /// shorter than the patience of any client. 10 s for a request to come and for each part of its
    /// answer to go: at most a megabyte, which a line of 1 Mbit/s carries within that. 90 s without
    /// requests: as long as most clients keep a connection, so that mostly they are the ones to close
    /// it. 4096 connections: each costs some 20 kB.
    fn default() -> RequestLimits {
        RequestLimits {
            deadline: Duration::from_secs(3),
            request: Duration::from_secs(10),
            answer: Duration::from_secs(10),
            idle: Duration::from_secs(90),
            connections: 4_096,
        }
    }
}

impl RequestLimits {
    /// Refuses values that make no sense.
    pub(super) fn check(&self) -> Result<()> {
        let shortest = self.request.min(self.answer).min(self.idle).min(self.deadline);
        ensure!(!shortest.is_zero(), "a limit of no time at all lets no request through");
        ensure!(self.connections > 0, "a node needs at least one connection for clients");
        Ok(())
    }

    /// The time between two looks for connections beyond a limit: they may stay this much longer.
    pub(super) fn look_interval(&self) -> Duration {
        let shortest = self.request.min(self.answer).min(self.idle);
        (shortest / 8).clamp(Duration::from_millis(5), Duration::from_secs(1))
    }

    /// The places for connections beside so many other nodes: what is wanted, or what the descriptors of
    /// this process leave.
    pub(super) fn places(&self, others: usize) -> Result<Places> {
        let (descriptors, _) = getrlimit(Resource::RLIMIT_NOFILE)?;
        let descriptors = usize::try_from(descriptors).unwrap_or(usize::MAX);
        let kept_for = |others| OWN_DESCRIPTORS + 2 * REFUSALS_MAX + others * PEER_DESCRIPTORS;
        let expected = others.max(MEMBERS_EXPECTED);
        let others = if descriptors > kept_for(expected) { expected } else { others };
        let kept = kept_for(others);
        ensure!(
            descriptors > kept,
            "a limit of {descriptors} descriptors leaves none for clients: this node keeps {kept}; \
             raise it (ulimit -n)"
        );
        Ok(Places {
            clients: self.connections.min(descriptors - kept),
            // A cluster of one has no other node, which its listener does not know.
            peers: PLACES_A_PEER * others.max(1),
        })
    }
}

//! Leases (thesis, §6.4.1): reads that a leader answers without asking.
//!
//! A voter that hears its leader promises in the answer to vote for no other for as long as the
//! shortest election timeout, by its own clock. The leader counts that time from when it sent what was
//! answered, and takes it to be shorter by the bound that is set for how much faster one clock may run
//! than another. While a majority, itself included, is bound by such a promise, no other node can be
//! elected, and what it has committed is all there is.
//!
//! A majority is one of the configuration in force, of both sets of voters while two are joint. A learner
//! promises as others do, which counts from when it votes; a leader that votes no more does not count itself.
//!
//! * A voter that was restarted does not know whom it promised what, so it keeps the promise that it may
//!   have given: it waits as long after its start.
//! * The leader alone can release voters: the node that it asks to stand says so in its request for
//!   votes. From then on it trusts no lease of that term any more, since such a request may come late.
//! * Clocks count time and are never compared, so it does not matter what they show, only how fast they
//!   run; [`super::clock_guard`] watches over that.

use super::progress::Progress;
use super::{Node, ReadMode, Role, Time, VoteRequest};
use crate::bugs::Bug;

/// The memory of a node for leases; always the same while there are none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Lease {
    /// The time when this node last heard a leader, or started.
    heard_leader: Time,
    /// The term in which this node stood because its leader asked it to.
    asked_to_stand_in: Option<u64>,
    /// The term in which this leader asked another node to stand.
    given_up_in: Option<u64>,
}

impl Lease {
    /// The memory of a node that starts at the time `now`.
    pub(super) fn new(reads: ReadMode, now: Time) -> Lease {
        let heard_leader = if reads == ReadMode::Lease { now } else { Time::ZERO };
        Lease { heard_leader, ..Lease::default() }
    }
}

impl Node {
    /// True if this node takes part in leases.
    pub(super) fn has_leases(&self) -> bool {
        self.options.settings.reads == ReadMode::Lease
    }

    /// True if this node leads, knows how far its log is committed, and no other can be elected yet.
    pub(crate) fn holds_lease(&self) -> bool {
        let Role::Leader(leader) = &self.role else { return false };
        if !self.has_leases() || !self.knows_commit() || self.lease.given_up_in == Some(self.term) {
            return false;
        }
        if self.has(Bug::LeaseByTicks) {
            return true;
        }
        if self.has(Bug::WallClockLease) {
            return self.hears_majority();
        }
        let is_bound = |peer: &Progress| self.now < peer.promised_until;
        self.configuration
            .has_quorum(|id| *id == self.options.id || leader.peers.get(id).is_some_and(is_bound))
    }

    /// A leader that asked another node to stand can trust no lease of its term any more.
    pub(super) fn give_lease_up(&mut self) {
        if self.has_leases() && !self.has(Bug::LeaseKeptInTransfer) {
            self.lease.given_up_in = Some(self.term);
        }
    }

    /// A leader was heard: this node is bound from now on. Returns for how long.
    pub(super) fn promise(&mut self) -> Time {
        if !self.has_leases() {
            return Time::ZERO;
        }
        self.lease.heard_leader = self.now;
        self.options.timings.election_min
    }

    /// True if, at the time `now`, a leader may hold a lease that the vote asked for would break.
    pub(super) fn is_bound_against(&self, now: Time, request: &VoteRequest) -> bool {
        self.has_leases()
            && !request.disrupts_leader
            && now < self.lease.heard_leader + self.options.timings.election_min
    }

    /// This node stands because its leader asked it to.
    pub(super) fn note_that_leader_asked(&mut self) {
        if self.has_leases() {
            self.lease.asked_to_stand_in = Some(self.term);
        }
    }

    /// True if the leader asked this node to stand in that term.
    pub(super) fn was_asked_to_stand_in(&self, term: u64) -> bool {
        self.lease.asked_to_stand_in == Some(term)
    }

    /// The time for which a leader may count on a promise of that length.
    pub(super) fn shortened(&self, promise: Time) -> Time {
        promise * u32::from(100 - self.options.settings.drift_percent) / 100
    }
}

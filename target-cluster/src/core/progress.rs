//! The state of a follower, as its leader knows it, and the appends that are on their way to it.
//!
//! An append that is answered at once has the way for itself: while it is on its way, new entries
//! gather into the next, which makes few and large appends. One that is not answered for the time
//! between two heartbeats holds the next up no longer, so that on a long way no entry waits for a
//! round trip before its own. After a refusal, or when an answer does not come at all, appends go
//! one at a time again until one is accepted.

use std::collections::VecDeque;

use super::{Time, Timings};

/// The most appends on their way to one follower: as many as there are heartbeats in the shortest
/// election timeout, by default.
pub(crate) const APPENDS_MAX: usize = 8;

/// The state of another voter, as its leader knows it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Progress {
    /// Its log is durable and the same as the leader's through this index.
    pub(super) matched: u64,
    /// The next entry to send.
    pub(super) next: u64,
    /// The appends that are not answered yet; each begins where the one before it ends.
    in_flight: VecDeque<Flight>,
    /// True if it accepted the append that it answered last: the next ones fit as well.
    accepts: bool,
    /// The time at which the latest request was sent that it answered; at first, when the leader was
    /// elected.
    pub(super) contact: Time,
    /// The same by the wall clock, for a node with the planted bug `wall-clock-lease`.
    pub(super) wall_contact: Time,
    /// The latest read round that it confirmed.
    pub(super) round: u64,
}

/// An append on its way.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Flight {
    /// The index of the entry before its first.
    previous: u64,
    /// The index of its last entry.
    through: u64,
    /// The time when it was sent.
    sent: Time,
}

impl Progress {
    /// A follower of a leader that is elected now, with a log through `last_index`.
    pub(super) fn new(last_index: u64, now: Time, wall: Time) -> Progress {
        Progress {
            matched: 0,
            next: last_index + 1,
            in_flight: VecDeque::new(),
            accepts: false,
            contact: now,
            wall_contact: wall,
            round: 0,
        }
    }

    /// True if another append may be sent now.
    pub(super) fn takes_append(&self, now: Time, timings: &Timings) -> bool {
        self.in_flight.back().is_none_or(|last| {
            self.accepts
                && self.in_flight.len() < APPENDS_MAX
                && last.sent + timings.heartbeat <= now
        })
    }

    /// An append with the entries from the next one on was sent.
    pub(super) fn sent(&mut self, through: u64, now: Time) {
        assert!(through >= self.next, "an append has entries");
        let previous = self.next - 1;
        let follows = self.in_flight.back().is_none_or(|last| last.through == previous);
        assert!(follows, "appends on their way have no gap between them");
        self.in_flight.push_back(Flight { previous, through, sent: now });
        self.next = through + 1;
    }

    /// The follower holds the log through this index. A copy of an answer, or that to a copy, says
    /// nothing of what is on its way now: if it let the next append go, appends would multiply
    /// wherever messages do.
    pub(super) fn accepted(&mut self, through: u64) {
        if through > self.matched {
            self.matched = through;
            self.next = self.next.max(through + 1);
            self.in_flight.retain(|flight| flight.through > through);
            self.accepts = true;
        }
    }

    /// The follower's log differs from the leader's at `previous`; the first entry that it lacks may
    /// be the one at `next`.
    ///
    /// Only what is on its way counts; or one below what was matched: then the follower lost durable
    /// entries, and gets them again.
    pub(super) fn refused(&mut self, previous: u64, next: u64) {
        match self.in_flight.iter().position(|flight| flight.previous == previous) {
            // It came before others that were sent earlier. Those are answered yet, or given up.
            Some(at @ 1..) => self.go_back_to(at),
            Some(_) => self.begin_again(next.clamp(1, previous.max(1))),
            None if previous == self.matched => self.begin_again(next.clamp(1, previous.max(1))),
            None => {}
        }
    }

    /// Gives up the appends that were not answered in time, and what was sent behind them.
    pub(super) fn give_up(&mut self, now: Time, timings: &Timings) {
        if self.in_flight.front().is_some_and(|first| first.sent + timings.election_min <= now) {
            self.go_back_to(0);
        }
    }

    /// Sends from the append at that position on again.
    fn go_back_to(&mut self, at: usize) {
        self.next = self.in_flight[at].previous + 1;
        self.in_flight.truncate(at);
        self.accepts = false;
    }

    /// Sends from that entry on, behind which nothing is known to be shared.
    fn begin_again(&mut self, next: u64) {
        self.next = next;
        self.matched = self.matched.min(next - 1);
        self.in_flight.clear();
        self.accepts = false;
    }

    /// Moves all times to `now`, for a model checker; see [`super::Node::make_relative`].
    pub(super) fn make_relative(&mut self, now: Time, timings: &Timings) {
        for flight in &mut self.in_flight {
            flight.sent = now + timings.heartbeat - timings.election_min;
        }
        self.contact = now;
    }
}

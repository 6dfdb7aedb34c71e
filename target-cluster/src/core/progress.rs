//! The state of a follower, as its leader knows it, and the appends that are on their way to it.
//!
//! An append that is answered at once has the way for itself: while it is on its way, new entries
//! gather into the next, which makes few and large appends. One that is not answered for the time
//! between two heartbeats holds the next up no longer, so that on a long way no entry waits for a
//! round trip before its own. Together they carry no more bytes than one may alone, so that on a
//! narrow way they do not delay each other until all are given up. After a refusal, or when an answer
//! does not come at all, appends go one at a time again until one is accepted.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{APPEND_BYTES_MAX, Entry, Time, Timings};

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
    /// The way in which it is brought up to date.
    phase: Phase,
    /// The time at which the latest request was sent that it answered; at first, when the leader was
    /// elected.
    pub(super) contact: Time,
    /// The same by the wall clock, for a node with the planted bug `wall-clock-lease`.
    pub(super) wall_contact: Time,
    /// The latest read round that it confirmed.
    pub(super) round: u64,
}

/// The way in which a follower is brought up to date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Phase {
    /// It is not known where its log ends, or what was sent got lost: one append at a time.
    Probe,
    /// It accepted the append that it answered last: the next ones fit as well.
    Replicate,
}

/// An append on its way.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Flight {
    /// The index of the entry before its first.
    previous: u64,
    /// The index of its last entry.
    through: u64,
    /// About how many bytes its entries take.
    bytes: usize,
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
            phase: Phase::Probe,
            contact: now,
            wall_contact: wall,
            round: 0,
        }
    }

    /// About how many bytes of entries another append may carry now; none if it has to wait.
    pub(super) fn room(&self, now: Time, timings: &Timings) -> Option<usize> {
        let Some(last) = self.in_flight.back() else { return Some(APPEND_BYTES_MAX) };
        let may_follow = self.phase == Phase::Replicate
            && self.in_flight.len() < APPENDS_MAX
            && last.sent + timings.heartbeat <= now;
        let on_way: usize = self.in_flight.iter().map(|flight| flight.bytes).sum();
        APPEND_BYTES_MAX.checked_sub(on_way).filter(|room| may_follow && *room > 0)
    }

    /// An append with these entries, from the next one on, was sent.
    pub(super) fn sent(&mut self, entries: &[Arc<Entry>], now: Time) {
        assert!(!entries.is_empty(), "an append has entries");
        let previous = self.next - 1;
        let follows = self.in_flight.back().is_none_or(|last| last.through == previous);
        assert!(follows, "appends on their way have no gap between them");
        let through = previous + entries.len() as u64;
        let bytes = entries.iter().map(|entry| entry.bytes()).sum();
        self.in_flight.push_back(Flight { previous, through, bytes, sent: now });
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
            self.phase = Phase::Replicate;
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
        self.phase = Phase::Probe;
    }

    /// Sends from that entry on, behind which nothing is known to be shared.
    fn begin_again(&mut self, next: u64) {
        self.next = next;
        self.matched = self.matched.min(next - 1);
        self.in_flight.clear();
        self.phase = Phase::Probe;
    }

    /// Moves all times to `now`, for a model checker; see [`super::Node::make_relative`].
    pub(super) fn make_relative(&mut self, now: Time, timings: &Timings) {
        for flight in &mut self.in_flight {
            flight.sent = now + timings.heartbeat - timings.election_min;
        }
        self.contact = now;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::core::Payload;
    use crate::kv::{Command, EncodedCommand, Mutation};

    const KIB: usize = 1024;

    /// An entry that takes about so many bytes.
    fn entry(index: u64, bytes: usize) -> Arc<Entry> {
        let mutation = Mutation::Write { key: "k".into(), value: "x".repeat(bytes).into() };
        let command = EncodedCommand::new(&Command { mutation, token: None });
        Arc::new(Entry { index, term: 1, payload: Payload::Command(command) })
    }

    #[test]
    fn appends_on_their_way_carry_together_what_one_may_carry_alone() {
        let timings = Timings::default();
        let at = |number: u32| Duration::from_secs(1) + number * timings.heartbeat;
        let mut progress = Progress::new(0, at(0), at(0));
        progress.sent(&[entry(1, 10)], at(0));
        assert_eq!(progress.room(at(1), &timings), None, "nothing is known of its log yet");
        progress.accepted(1);
        assert_eq!(progress.room(at(1), &timings), Some(1024 * KIB));
        progress.sent(&[entry(2, 600 * KIB)], at(1));
        assert_eq!(progress.room(at(1), &timings), None, "it may be answered at once");
        let room = progress.room(at(2), &timings).expect("it is not, and there is room");
        assert!((423 * KIB..424 * KIB).contains(&room), "{room}");
        progress.sent(&[entry(3, 500 * KIB)], at(2));
        assert_eq!(progress.room(at(3), &timings), None);
        progress.accepted(2);
        let room = progress.room(at(3), &timings).expect("the first one has arrived");
        assert!((523 * KIB..524 * KIB).contains(&room), "{room}");
    }

    #[test]
    fn appends_on_their_way_are_bounded_in_number() {
        let timings = Timings::default();
        let at = |number: usize| Duration::from_secs(1) + number as u32 * timings.heartbeat;
        let mut progress = Progress::new(0, at(0), at(0));
        progress.accepted(1);
        for number in 0..8 {
            assert!(progress.room(at(number), &timings).is_some(), "{number} are on their way");
            progress.sent(&[entry(number as u64 + 2, 10)], at(number));
        }
        assert_eq!(progress.room(at(8), &timings), None);
        progress.give_up(at(7), &timings);
        assert_eq!(progress.next, 10, "none is too old");
        progress.give_up(at(8), &timings);
        assert_eq!(progress.next, 2, "the first is, and the others stand behind it");
        assert!(progress.room(at(8), &timings).is_some());
    }
}

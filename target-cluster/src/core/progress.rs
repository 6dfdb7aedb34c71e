//! The state of a follower, as its leader knows it, and the appends that are on their way to it.
//!
//! An append that is answered at once has the way for itself: while it is on its way, new entries
//! gather into the next, which makes few and large appends. On a longer way others follow it before it
//! is answered, so that no entry waits for a round trip before its own: evenly, as many as may be on
//! their way in the time that the last answer took, but none at once. Together they carry no more bytes
//! than one may alone, so that on a narrow way they do not delay each other until all are given up. After
//! a refusal, or when an answer does not come at all, appends go one at a time again until one is
//! accepted.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::{
    APPEND_BYTES_MAX, Entry, Incarnation, InstallSnapshotRequest, InstallSnapshotResponse, NodeId,
    Piece, Snapshot, SnapshotCursor, Time, Timings,
};

/// The most appends on their way to one follower: as many as there are heartbeats in the shortest
/// election timeout, by default.
pub(crate) const APPENDS_MAX: usize = 8;

/// The part of the time between two heartbeats for which an append has the way for itself: 3 ms by
/// default, which is longer than an answer takes within one site, but for a slow disk.
const ALONE_PART: u32 = 16;

/// The state of another voter, as its leader knows it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Progress {
    /// Its log is durable and the same as the leader's through this index.
    pub(super) matched: u64,
    /// The next entry to send.
    pub(super) next: u64,
    /// The appends that are not answered yet; each begins where the one before it ends.
    in_flight: VecDeque<Flight>,
    /// The time after which the append that was accepted last was answered; none before the first.
    round_trip: Option<Duration>,
    /// The way in which it is brought up to date.
    phase: Phase,
    /// The time before which no part of a snapshot goes, so that they keep to their rate.
    next_part: Time,
    /// The time at which the latest request was sent that it answered; at first, when the leader was
    /// elected.
    pub(super) contact: Time,
    /// The same by the wall clock, for a node with the planted bug `wall-clock-lease`.
    pub(super) wall_contact: Time,
    /// The time until which it is bound to elect no other leader.
    pub(super) promised_until: Time,
    /// The latest read round that it confirmed.
    pub(super) round: u64,
    /// The incarnation that it answered with first.
    pub(super) incarnation: Option<Incarnation>,
}

/// The way in which a follower is brought up to date.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Phase {
    /// It is not known where its log ends, or what was sent got lost: one append at a time.
    Probe,
    /// It accepted the append that it answered last: the next ones fit as well.
    Replicate,
    /// It lacks what the log has dropped, and gets the state.
    Snapshot(Sending),
}

/// A snapshot that is sent in parts, one at a time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Sending {
    snapshot: Arc<Snapshot>,
    /// The number of bytes before the part that is sent next or is on its way.
    offset: u64,
    /// That part; empty once the follower has all.
    part: Arc<str>,
    /// The place behind it; none at the end.
    next: Option<SnapshotCursor>,
    /// The time when it was sent; none if it is to be sent.
    sent: Option<Time>,
    /// True if it was not answered in time, and is sent again.
    retried: bool,
}

impl Sending {
    /// The part at an offset comes next.
    fn at(snapshot: Arc<Snapshot>, offset: u64, cursor: &SnapshotCursor, bytes: usize) -> Sending {
        let Piece { text, next } = snapshot.piece(cursor, bytes);
        Sending { snapshot, offset, part: text.into(), next, sent: None, retried: false }
    }

    /// Goes on with the part behind so many bytes of the text, if one begins there: parts of one
    /// snapshot are the same whenever they are made.
    fn go_on_at(&mut self, offset: u64, bytes: usize) {
        while self.offset < offset && !self.is_over() {
            let end = self.offset + self.part.len() as u64;
            let snapshot = Arc::clone(&self.snapshot);
            *self = match &self.next {
                Some(cursor) => Sending::at(snapshot, end, cursor, bytes),
                // It is asked with the next heartbeat if it has installed it.
                None => {
                    let (part, sent) = ("".into(), self.sent);
                    Sending { snapshot, offset: end, part, next: None, sent, retried: false }
                }
            };
        }
    }

    /// True if the follower has all of it, and has to install it.
    fn is_over(&self) -> bool {
        self.part.is_empty()
    }
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
            round_trip: None,
            phase: Phase::Probe,
            next_part: Time::ZERO,
            contact: now,
            wall_contact: wall,
            promised_until: Time::ZERO,
            round: 0,
            incarnation: None,
        }
    }

    /// About how many bytes of entries another append may carry now; none if it has to wait.
    pub(super) fn room(&self, now: Time, timings: &Timings) -> Option<usize> {
        self.follows_at(timings).filter(|at| *at <= now)?;
        APPEND_BYTES_MAX.checked_sub(self.bytes_on_way())
    }

    fn bytes_on_way(&self) -> usize {
        self.in_flight.iter().map(|flight| flight.bytes).sum()
    }

    /// The time from which on another append may follow; none if it has to wait for an answer.
    pub(super) fn follows_at(&self, timings: &Timings) -> Option<Time> {
        if self.gets_snapshot() {
            return None;
        }
        let Some(last) = self.in_flight.back() else { return Some(Time::ZERO) };
        let may_follow = self.phase == Phase::Replicate
            && self.in_flight.len() < APPENDS_MAX
            && self.bytes_on_way() < APPEND_BYTES_MAX;
        let evenly = self.round_trip.map_or(timings.heartbeat, |it| it / APPENDS_MAX as u32);
        let apart = evenly.clamp(timings.heartbeat / ALONE_PART, timings.heartbeat);
        may_follow.then_some(last.sent + apart)
    }

    /// True if nothing is on its way.
    pub(super) fn is_idle(&self) -> bool {
        self.in_flight.is_empty()
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

    /// The follower holds the log through this index, and said so after that time. A copy of an answer,
    /// or that to a copy, says nothing of what is on its way now: if it let the next append go, appends
    /// would multiply wherever messages do.
    pub(super) fn accepted(&mut self, through: u64, after: Duration) {
        if through > self.matched {
            self.matched = through;
            self.round_trip = Some(after);
            self.next = self.next.max(through + 1);
            self.in_flight.retain(|flight| flight.through > through);
            // One that gets a snapshot goes on to, whatever it took before.
            if !self.gets_snapshot() {
                self.phase = Phase::Replicate;
            }
        }
    }

    /// The follower's log differs from the leader's at `previous`; the first entry that it lacks may
    /// be the one at `next`.
    ///
    /// Only what is on its way counts; or one below what was matched: then the follower lost durable
    /// entries, and gets them again.
    pub(super) fn refused(&mut self, previous: u64, next: u64) {
        if self.gets_snapshot() {
            return;
        }
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
        let is_over = |sent: Time| sent + timings.election_min <= now;
        if self.in_flight.front().is_some_and(|first| is_over(first.sent)) {
            self.go_back_to(0);
        }
        if let Phase::Snapshot(sending) = &mut self.phase
            && sending.sent.is_some_and(is_over)
        {
            sending.sent = None;
            sending.retried = true;
        }
    }

    /// True if it gets a snapshot.
    pub(super) fn gets_snapshot(&self) -> bool {
        matches!(self.phase, Phase::Snapshot(_))
    }

    /// It gets this snapshot, from the beginning.
    pub(super) fn send_snapshot(&mut self, snapshot: Arc<Snapshot>, part_bytes: usize) {
        self.in_flight.clear();
        let start = SnapshotCursor::start();
        self.phase = Phase::Snapshot(Sending::at(snapshot, 0, &start, part_bytes));
    }

    /// The time from which on the next part of a snapshot may go; none if none is to.
    pub(super) fn part_due(&self) -> Option<Time> {
        let Phase::Snapshot(sending) = &self.phase else { return None };
        sending.sent.is_none().then_some(self.next_part)
    }

    /// The part of a snapshot that the leader of that term is to send now, if one is, at so many bytes a
    /// second.
    pub(super) fn part_to_send(
        &mut self,
        now: Time,
        term: u64,
        leader: &NodeId,
        rate: u64,
    ) -> Option<InstallSnapshotRequest> {
        self.part_due().filter(|due| *due <= now)?;
        let Phase::Snapshot(sending) = &mut self.phase else { return None };
        sending.sent = Some(now);
        let nanoseconds = sending.part.len() as u64 * 1_000_000_000 / rate.max(1);
        self.next_part = now + Duration::from_nanos(nanoseconds);
        Some(InstallSnapshotRequest {
            term,
            leader: leader.clone(),
            index: sending.snapshot.index(),
            last_term: sending.snapshot.term(),
            offset: sending.offset,
            data: Arc::clone(&sending.part),
            done: sending.next.is_none(),
        })
    }

    /// A heartbeat is due: one that has all of a snapshot is asked if it is installed.
    pub(super) fn ask_if_installed(&mut self) {
        if let Phase::Snapshot(sending) = &mut self.phase
            && sending.is_over()
        {
            sending.sent = None;
        }
    }

    /// The follower says how much it has of a snapshot. A copy of an answer lets nothing go: what is on
    /// its way is answered yet, or given up.
    pub(super) fn has_of_snapshot(&mut self, it: &InstallSnapshotResponse, part_bytes: usize) {
        let Phase::Snapshot(sending) = &mut self.phase else { return };
        if it.index != sending.snapshot.index() {
            return;
        }
        if it.installed {
            self.matched = self.matched.max(it.index);
            self.next = self.matched + 1;
            self.phase = Phase::Probe;
            return;
        }
        if it.offset > sending.offset {
            // As a rule it has this part. It may have more, of which the answers were lost.
            sending.go_on_at(it.offset, part_bytes);
        } else if it.offset < sending.offset
            && (it.offset == 0 || sending.retried || sending.is_over())
        {
            // It was restarted, or could not read what came, and has begun anew. If this is an old
            // answer, the next one says what it has.
            let (snapshot, start) = (Arc::clone(&sending.snapshot), SnapshotCursor::start());
            *sending = Sending::at(snapshot, 0, &start, part_bytes);
            sending.go_on_at(it.offset, part_bytes);
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
        if let Phase::Snapshot(sending) = &mut self.phase {
            sending.sent = sending.sent.map(|_| now + timings.heartbeat - timings.election_min);
        }
        self.round_trip = None;
        self.next_part = Time::ZERO;
        self.contact = now;
        self.promised_until = Time::ZERO;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::Payload;
    use crate::kv::{Command, EncodedCommand, Mutation};

    const KIB: usize = 1024;

    /// A round trip that is longer than any that counts.
    const LONG: Duration = Duration::from_secs(1);

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
        progress.accepted(1, LONG);
        assert_eq!(progress.room(at(1), &timings), Some(1024 * KIB));
        progress.sent(&[entry(2, 600 * KIB)], at(1));
        assert_eq!(progress.room(at(1), &timings), None, "it may be answered at once");
        let room = progress.room(at(2), &timings).expect("it is not, and there is room");
        assert!((423 * KIB..424 * KIB).contains(&room), "{room}");
        progress.sent(&[entry(3, 500 * KIB)], at(2));
        assert_eq!(progress.room(at(3), &timings), None);
        progress.accepted(2, LONG);
        let room = progress.room(at(3), &timings).expect("the first one has arrived");
        assert!((523 * KIB..524 * KIB).contains(&room), "{room}");
    }

    #[test]
    fn appends_follow_each_other_evenly_in_a_round_trip_but_none_at_once() {
        let timings = Timings::default();
        let at = Duration::from_millis;
        let mut progress = Progress::new(0, at(0), at(0));
        let mut follows = |index: u64, after: u64| {
            progress.accepted(index, at(after));
            progress.sent(&[entry(index + 1, 10)], at(1_000));
            progress.follows_at(&timings).expect("there is room") - at(1_000)
        };
        assert_eq!(follows(1, 1), timings.heartbeat / 16, "one that is answered at once is alone");
        assert_eq!(follows(2, 80), at(10));
        assert_eq!(follows(3, 3_000), timings.heartbeat);
    }

    #[test]
    fn appends_on_their_way_are_bounded_in_number() {
        let timings = Timings::default();
        let at = |number: usize| Duration::from_secs(1) + number as u32 * timings.heartbeat;
        let mut progress = Progress::new(0, at(0), at(0));
        progress.accepted(1, LONG);
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

    #[test]
    fn a_snapshot_goes_on_where_the_follower_says_that_it_is() {
        let (timings, id) = (Timings::default(), NodeId::from("n1"));
        let mut progress = Progress::new(9, Time::ZERO, Time::ZERO);
        progress.send_snapshot(Arc::new(Snapshot::without_items(9, 1)), 1);
        let part = |progress: &mut Progress, now: Time| {
            let part = progress.part_to_send(now, 1, &id, u64::MAX)?;
            Some((part.offset, part.offset + part.data.len() as u64))
        };
        let has = |progress: &mut Progress, offset: u64, installed: bool| {
            let answer = InstallSnapshotResponse { term: 1, index: 9, offset, installed };
            progress.has_of_snapshot(&answer, 1);
        };
        let (first, middle) = part(&mut progress, Time::ZERO).expect("the first one");
        assert_eq!((first, part(&mut progress, Time::ZERO)), (0, None), "one at a time");
        has(&mut progress, middle, false);
        let (second, end) = part(&mut progress, Time::ZERO).expect("the next one");
        assert_eq!(second, middle);
        has(&mut progress, middle, false);
        assert_eq!(part(&mut progress, Time::ZERO), None, "a copy of an answer lets nothing go");
        let late = timings.election_min;
        progress.give_up(late, &timings);
        assert_eq!(part(&mut progress, late), Some((middle, end)), "what was lost is sent again");
        has(&mut progress, 0, false);
        assert_eq!(part(&mut progress, late), Some((0, middle)), "it was restarted");
        has(&mut progress, end, false);
        let asked = part(&mut progress, late);
        assert_eq!(asked, Some((end, end)), "no, it has all of it: that was an old answer");
        has(&mut progress, middle, false);
        assert_eq!(part(&mut progress, late), Some((middle, end)), "it has begun anew");
        has(&mut progress, 0, true);
        assert_eq!((progress.matched, progress.next, progress.gets_snapshot()), (9, 10, false));
    }

    #[test]
    fn parts_of_a_snapshot_keep_to_their_rate() {
        let (start, id) = (Duration::from_secs(1), NodeId::from("n1"));
        let mut progress = Progress::new(0, start, start);
        progress.send_snapshot(Arc::new(Snapshot::without_items(9, 1)), 1);
        let first = progress.part_to_send(start, 1, &id, 1_000).expect("the first one");
        let offset = first.data.len() as u64;
        progress.has_of_snapshot(
            &InstallSnapshotResponse { term: 1, index: 9, offset, installed: false },
            1,
        );
        let due = start + Duration::from_millis(offset);
        assert_eq!(progress.part_due(), Some(due), "a byte in a millisecond");
        let early = due - Duration::from_millis(1);
        assert!(progress.part_to_send(early, 1, &id, 1_000).is_none(), "it is too early");
        assert!(progress.part_to_send(due, 1, &id, 1_000).is_some());
    }
}

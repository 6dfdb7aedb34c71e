//! Snapshots as they are taken, saved, sent and installed (paper, §7; thesis, chapter 5).
//!
//! One at a time is on its way to the disk, the own or one that was received, and nothing waits for
//! it but what it is for. Once it is durable, the log drops what the snapshot before it holds.
//!
//! A leader sends its state as it is when it finds that a follower lacks what the log dropped: what is
//! applied is committed, so it need not be durable here. The text goes in parts, one at a time; the
//! follower says how much of it has come, so that a part that is lost is sent again and nothing else. It
//! reads each part as it comes, and takes the state over when it is whole and durable.

use std::sync::Arc;
use std::time::Duration;

use super::configurations::Configurations;
use super::durability::Consequence;
use super::{
    Effect, Entry, InstallSnapshotRequest, InstallSnapshotResponse, Log, Node, NodeId, Record,
    Refusal, Reply, Response, Role, Snapshot, SnapshotReader, Time,
};
use crate::bugs::Bug;

/// The most entries that are freed in one turn.
const FREED_AT_ONCE: usize = 256;

/// The times at which a node takes snapshots, and the size of their parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SnapshotOptions {
    /// A snapshot is due once so many entries are applied behind the last one.
    pub entries: u64,
    /// Or once those take about so many bytes.
    pub bytes: u64,
    /// Or once so much time is over since the last one, or the start, if anything was applied.
    pub interval: Duration,
    /// About how many bytes of a snapshot one message carries, though always a whole line.
    pub part_bytes: usize,
    /// At most so many bytes of a snapshot go to one follower in a second, so that clients are served
    /// meanwhile.
    pub bytes_per_second: u64,
}

impl SnapshotOptions {
    /// Snapshots are taken on request only, and sent as fast as it goes.
    pub const NEVER: SnapshotOptions = SnapshotOptions {
        entries: u64::MAX,
        bytes: u64::MAX,
        interval: Duration::MAX,
        bytes_per_second: u64::MAX,
        ..SnapshotOptions::DEFAULT
    };

    /// Every 100,000 entries, 64 MiB or hour, in parts of 256 KiB, each of which a follower reads within
    /// some milliseconds, at 48 MiB a second, for which three nodes with their clients on two processors
    /// give up less than a third of their writes.
    pub const DEFAULT: SnapshotOptions = SnapshotOptions {
        entries: 100_000,
        bytes: 64 << 20,
        interval: Duration::from_secs(3600),
        part_bytes: 256 << 10,
        bytes_per_second: 48 << 20,
    };
}

impl Default for SnapshotOptions {
    fn default() -> SnapshotOptions {
        SnapshotOptions::DEFAULT
    }
}

/// The snapshots of a node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Snapshots {
    /// The index of the last entry in the newest one that is durable; 0 when none is.
    durable: u64,
    /// About how many bytes the entries take that were applied since one was taken.
    bytes: u64,
    /// The time when one was taken or installed; at first, when the node started.
    last: Time,
    /// The one that is on its way to the disk.
    saving: Option<Saving>,
    /// The one that is received.
    receiving: Option<Receiving>,
    /// The requests that wait for one to be durable.
    wanted: Vec<u64>,
    /// Entries that the log has dropped and that are not freed yet.
    dropped: Vec<Arc<Entry>>,
}

/// A snapshot on its way to the disk.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Saving {
    snapshot: Arc<Snapshot>,
    /// True if it is another node's.
    received: bool,
}

/// A snapshot that comes in parts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Receiving {
    /// The term of the leader that sends it.
    sent_in: u64,
    index: u64,
    term: u64,
    /// The number of bytes of its text that have come.
    offset: u64,
    reader: SnapshotReader,
    /// The whole, once it has come.
    whole: Option<Arc<Snapshot>>,
}

impl Snapshots {
    /// There is a durable one through that index; 0: none. The node starts now.
    pub(super) fn durable_through(index: u64, now: Time) -> Snapshots {
        Snapshots { durable: index, last: now, ..Snapshots::default() }
    }

    /// The index of the last entry in the newest one that is durable; 0 when none is.
    pub(super) fn durable(&self) -> u64 {
        self.durable
    }

    /// Frees a part of what the log has dropped: all at once would hold the node up, by 60 ms for a GB of
    /// entries.
    pub(super) fn free_dropped(&mut self) {
        self.dropped.truncate(self.dropped.len().saturating_sub(FREED_AT_ONCE));
    }

    /// An entry of about so many bytes was applied.
    pub(super) fn count(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }
}

impl Node {
    /// Takes a snapshot if enough was applied since the last one, or anything long enough after it, and
    /// none is on its way to the disk.
    pub(super) fn take_snapshot_if_due(&mut self) {
        let Snapshots { durable, bytes, last, saving, .. } = &self.snapshots;
        let due = &self.options.snapshots;
        let applied = self.store.applied().saturating_sub(*durable);
        let is_late = self.now.saturating_sub(*last) >= due.interval;
        let may = saving.is_none() && self.knows_configuration();
        if may && applied > 0 && (applied >= due.entries || *bytes >= due.bytes || is_late) {
            self.take_snapshot();
        }
    }

    /// An operator wants one.
    pub(super) fn snapshot_wanted(&mut self, request: u64) {
        let index = self.snapshots.durable;
        if index == self.store.applied() && index > 0 {
            let reply = Reply::SnapshotTaken { index };
            return self.effects.push(Effect::Reply { request, reply });
        }
        if self.store.applied() == 0 || !self.knows_configuration() {
            return self.refuse(request, Refusal::NothingApplied);
        }
        self.snapshots.wanted.push(request);
        if self.snapshots.saving.is_none() {
            self.take_snapshot();
        }
    }

    /// True if it is known who the members were when the entry was appended that was applied last. A node
    /// that joins gets entries before the one that tells it.
    pub(super) fn knows_configuration(&self) -> bool {
        self.configuration.at(self.store.applied()).is_known()
    }

    fn take_snapshot(&mut self) {
        let snapshot = Arc::new(self.state_as_snapshot());
        (self.snapshots.bytes, self.snapshots.last) = (0, self.now);
        self.save_later(Saving { snapshot, received: false });
    }

    /// The applied state.
    pub(super) fn state_as_snapshot(&self) -> Snapshot {
        let index = self.store.applied();
        let sessions_too = !self.has(Bug::SessionsLeftOut);
        Snapshot {
            index,
            term: self.log.term_at(index).expect("what is applied last is in the log"),
            configuration: self.members_in_snapshot(index),
            store: if sessions_too { self.store.clone() } else { self.store.without_sessions() },
            audit: self.apply_results.clone(),
        }
    }

    fn save_later(&mut self, saving: Saving) {
        assert!(self.snapshots.saving.is_none(), "one at a time goes to the disk");
        self.snapshots.saving = Some(saving);
        self.once_durable(Consequence::SaveSnapshot);
    }

    /// Saves the snapshot that waits: all that it rests on is durable.
    pub(super) fn save_snapshot(&mut self) {
        let saving = self.snapshots.saving.as_ref().expect("it waited for this");
        self.effects.push(Effect::SaveSnapshot(Arc::clone(&saving.snapshot)));
    }

    /// The snapshot is durable: a received one is installed, and the log cut.
    pub(super) fn snapshot_saved(&mut self, index: u64) {
        let Saving { snapshot, received } =
            self.snapshots.saving.take().expect("only what was asked for is saved");
        assert_eq!(snapshot.index, index, "what was asked for is saved");
        let replaces_log = received && self.install(&snapshot);
        if index > self.snapshots.durable {
            let before = std::mem::replace(&mut self.snapshots.durable, index);
            let dropped = if replaces_log { index } else { before.max(self.log.base()) };
            let (index, term) = (self.log.last_index(), self.log.last_term());
            self.persist(Record::Base { index, term, dropped });
            self.persist(Record::Vote { term: self.term, vote: self.vote.clone() });
            self.configuration.drop_through(dropped);
            self.snapshots.dropped.append(&mut self.log.drop_through(dropped));
        }
        for request in std::mem::take(&mut self.snapshots.wanted) {
            let reply = Reply::SnapshotTaken { index: self.snapshots.durable };
            self.effects.push(Effect::Reply { request, reply });
        }
        self.save_received();
    }

    /// Makes a received snapshot the state of this node, unless the log has what is in it. True if it
    /// takes the place of the log.
    fn install(&mut self, snapshot: &Snapshot) -> bool {
        self.snapshots.receiving = None;
        if snapshot.index <= self.commit {
            self.go_back_to(snapshot);
            return false;
        }
        if self.log.term_at(snapshot.index) == Some(snapshot.term) {
            // What follows it in the log is kept (paper, §7), and what leads to it applied.
            self.commit_through(snapshot.index);
            return false;
        }
        assert!(!matches!(self.role, Role::Leader(_)), "a leader has all that is committed");
        let mut replaced =
            std::mem::replace(&mut self.log, Log::behind(snapshot.index, snapshot.term));
        self.snapshots.dropped.append(&mut replaced.drop_through(replaced.last_index()));
        let configuration = snapshot.configuration.clone();
        self.configuration = Configurations::of(&self.log, snapshot.index, configuration);
        self.commit = snapshot.index;
        self.store = match self.has(Bug::SnapshotMerged) {
            true => self.store.merged_with(&snapshot.store),
            false => snapshot.store.clone(),
        };
        self.apply_results = snapshot.audit.clone();
        (self.snapshots.bytes, self.snapshots.last) = (0, self.now);
        true
    }

    /// A follower's side of a part of a snapshot. Every part is answered at once, with how much has
    /// come: the leader asks again until it is installed.
    pub(super) fn snapshot_offered(&mut self, call: u64, request: InstallSnapshotRequest) {
        let InstallSnapshotRequest { term, leader, index, last_term, offset, data, done } = request;
        let leads_it = term == self.term && matches!(self.role, Role::Leader(_));
        if term < self.term || leads_it {
            return self.respond_to_snapshot(call, index, 0);
        }
        if term > self.term {
            self.adopt_term(term);
        }
        self.become_follower(Some(leader));
        self.promise();
        self.ask_for_read_index();
        // A state that is newer is never replaced (openraft#543). All of it that the snapshot holds is
        // durable once what was written is.
        let goes_back = offset == 0 && self.has(Bug::StaleSnapshotInstalled);
        if index <= self.commit && !goes_back {
            let (term, offset, installed) = (self.term, 0, true);
            let response = InstallSnapshotResponse { term, index, offset, installed };
            let response = Response::InstallSnapshot(response);
            return self.once_durable(Consequence::Respond { call, response });
        }
        let offset = self.receive(index, last_term, offset, &data, done);
        self.respond_to_snapshot(call, index, offset);
        self.save_received();
    }

    /// Takes a part in if it is the next one; returns how many bytes of the snapshot have come.
    fn receive(&mut self, index: u64, term: u64, offset: u64, data: &str, done: bool) -> u64 {
        let sent_in = self.term;
        let is_same =
            |one: &Receiving| (one.sent_in, one.index, one.term) == (sent_in, index, term);
        if !self.snapshots.receiving.as_ref().is_some_and(is_same) {
            if offset > 0 {
                return 0;
            }
            let reader = SnapshotReader::new(&self.options.bugs);
            let begun = Receiving { sent_in, index, term, offset: 0, reader, whole: None };
            self.snapshots.receiving = Some(begun);
        }
        let Some(receiving) = &mut self.snapshots.receiving else { return 0 };
        if offset != receiving.offset || receiving.whole.is_some() {
            return receiving.offset;
        }
        receiving.offset += data.len() as u64;
        let mut is_good = receiving.reader.read(data).is_ok();
        if is_good && done {
            let whole = receiving.reader.clone().finish();
            let whole = whole.ok().filter(|it| (it.index, it.term) == (index, term));
            receiving.whole = whole.map(Arc::new);
            is_good = receiving.whole.is_some();
        }
        let received = receiving.offset;
        if !is_good {
            self.snapshots.receiving = None;
            return 0;
        }
        received
    }

    /// Saves the snapshot that has come, once no other one is on its way to the disk.
    fn save_received(&mut self) {
        let Snapshots { saving: None, receiving: Some(receiving), .. } = &self.snapshots else {
            return;
        };
        if let Some(whole) = &receiving.whole {
            let snapshot = Arc::clone(whole);
            self.save_later(Saving { snapshot, received: true });
        }
    }

    fn respond_to_snapshot(&mut self, call: u64, index: u64, offset: u64) {
        let (term, installed) = (self.term, false);
        let response = InstallSnapshotResponse { term, index, offset, installed };
        let response = Response::InstallSnapshot(response);
        self.effects.push(Effect::Respond { call, response });
    }

    /// A leader's side of the answer.
    pub(super) fn snapshot_answered(
        &mut self,
        from: &NodeId,
        sent: Time,
        response: &InstallSnapshotResponse,
    ) {
        if response.term > self.term {
            return self.adopt_term(response.term);
        }
        let Role::Leader(leader) = &mut self.role else { return };
        let Some(progress) = leader.peers.get_mut(from) else { return };
        if response.term < self.term {
            return;
        }
        progress.contact = progress.contact.max(sent);
        progress.wall_contact = self.wall.saturating_sub(self.now.saturating_sub(sent));
        progress.has_of_snapshot(response, self.options.snapshots.part_bytes);
        self.advance_commit();
        self.replicate();
        self.ask_successor();
    }
}

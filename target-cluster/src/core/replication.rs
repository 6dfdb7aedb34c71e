//! The log from leader to followers: appends and heartbeats, conflicts, the commit rule.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::durability::Consequence;
use super::progress::Progress;
use super::reads::Reads;
use super::{
    AppendRequest, AppendResponse, AppendResult, Effect, Entry, Leader, Node, NodeId, Options,
    Payload, Proposal, Record, Refusal, Request, Response, Role, Switch, Time,
};
use crate::bugs::Bug;

/// The most commands that wait for their commit before more are refused. Far above what clients
/// keep open on a healthy cluster; a bound on the memory of a leader that is losing its majority.
const WAITING_MAX: usize = 16_384;

/// About how many bytes of entries a leader keeps uncommitted before it refuses more.
const UNCOMMITTED_BYTES_MAX: usize = 64 * 1024 * 1024;

impl Node {
    /// Begins to lead: the no-op of the new term goes out (paper, §8), which is also the first
    /// heartbeat.
    pub(super) fn lead(&mut self) {
        let fresh = Progress::new(self.log.last_index(), self.now, self.wall);
        self.role = Role::Leader(Leader {
            peers: self.peers().into_iter().map(|id| (id, fresh.clone())).collect(),
            // Votes are asked for only once everything written before is durable, and a candidate
            // writes nothing after that.
            durable: self.log.last_index(),
            waiting: BTreeMap::new(),
            uncommitted_bytes: self.log.after(self.commit).iter().map(|entry| entry.bytes()).sum(),
            reads: Reads::default(),
            heartbeat_due: self.now + self.options.timings.heartbeat,
        });
        self.note_election();
        self.append_own(Payload::Noop);
        self.replicate();
    }

    /// Takes commands of clients into the log, if this node leads.
    pub(super) fn propose(&mut self, proposals: Vec<Proposal>) {
        for Proposal { request, command } in proposals {
            let is_full = match &self.role {
                Role::Leader(leader) => {
                    leader.waiting.len() >= WAITING_MAX
                        || leader.uncommitted_bytes >= UNCOMMITTED_BYTES_MAX
                }
                _ => {
                    let leader = self.standing().leader;
                    self.refuse(request, Refusal::NotLeader { leader });
                    continue;
                }
            };
            if self.hands_over() && !self.has(Bug::WritesLostInTransfer) {
                self.refuse(request, Refusal::Transferring);
                continue;
            }
            if is_full {
                self.refuse(request, Refusal::Overloaded);
                continue;
            }
            if self.answers_retry(request, &command) {
                continue;
            }
            let index = self.append_own(Payload::Command(command));
            if let Role::Leader(leader) = &mut self.role {
                leader.waiting.insert(index, request);
            }
            if self.has(Bug::WritesLostInTransfer) {
                self.count_for_successor(index);
            }
        }
        self.replicate();
    }

    /// Appends an entry of the own term; the leader counts it once it is durable.
    pub(super) fn append_own(&mut self, payload: Payload) -> u64 {
        let index = self.log.last_index() + 1;
        let entry = Arc::new(Entry { index, term: self.term, payload });
        if let Role::Leader(leader) = &mut self.role {
            leader.uncommitted_bytes += entry.bytes();
        }
        self.append(entry);
        let counted = Consequence::OwnEntries { term: self.term, through: index };
        self.once_durable_unless(Bug::LeaderCountsBeforeFsync, counted);
        index
    }

    /// Appends an entry to the log; a configuration is in force from then on.
    fn append(&mut self, entry: Arc<Entry>) {
        if let Payload::Configuration(configuration) = &entry.payload
            && !self.has(Bug::MembersFromApply)
        {
            self.configuration.append(entry.index, configuration.clone());
        }
        self.log.append(Arc::clone(&entry));
        self.persist(Record::Entry(entry));
    }

    /// Removes the entries from that index on, and the configurations among them.
    pub(super) fn truncate(&mut self, from: u64) {
        self.configuration.truncate(from);
        self.log.truncate(from);
        self.persist(Record::Truncate { from });
    }

    /// Sends what is missing to every follower that takes another append now.
    pub(super) fn replicate(&mut self) {
        self.begin_snapshots();
        let sent_through = self.sent_through();
        let Options { timings, settings, snapshots, .. } = &self.options;
        let alone = settings.lacks(Switch::Pipelining);
        let Role::Leader(leader) = &mut self.role else { return };
        for (to, progress) in &mut leader.peers {
            if let Some(part) = progress.part_to_send(
                self.now,
                self.term,
                &self.options.id,
                snapshots.bytes_per_second,
            ) {
                let request = Request::InstallSnapshot(part);
                self.effects.push(Effect::Call { to: to.clone(), request });
            }
            let through = sent_through(to);
            if progress.next > through || (alone && !progress.is_idle()) {
                continue;
            }
            let Some(room) = progress.room(self.now, timings) else { continue };
            let entries = self.log.batch(progress.next..=through, settings.append_entries, room);
            let previous_index = progress.next - 1;
            progress.sent(&entries, self.now);
            let request = Request::Append(AppendRequest {
                term: self.term,
                leader: self.options.id.clone(),
                previous_index,
                previous_term: self.log.term_at(previous_index).expect("next is within the log"),
                entries,
                commit: self.commit,
                round: leader.reads.round(),
            });
            self.effects.push(Effect::Call { to: to.clone(), request });
        }
    }

    /// The time from which on more may go to a follower without an answer; none if there is nothing to
    /// send, or all waits for answers.
    pub(super) fn replication_due(&self) -> Option<Time> {
        let Role::Leader(leader) = &self.role else { return None };
        let part = leader.peers.values().filter_map(Progress::part_due).min();
        if self.options.settings.lacks(Switch::Pipelining) {
            return part;
        }
        let sent_through = self.sent_through();
        let is_behind = |to: &NodeId, progress: &Progress| progress.next <= sent_through(to);
        let waiting = leader.peers.iter().filter(|(to, it)| !it.is_idle() && is_behind(to, it));
        let append = waiting.filter_map(|(_, it)| it.follows_at(&self.options.timings)).min();
        part.into_iter().chain(append).min()
    }

    /// The index through which each member gets entries: a learner, whose vote counts nowhere yet or no
    /// more, only what is committed. With more, it would refuse its vote to those that voted otherwise
    /// meanwhile and for whom it is a voter already, by an entry that only it and a lost leader have; and no
    /// one could be elected.
    fn sent_through(&self) -> impl Fn(&NodeId) -> u64 + use<> {
        let counted = self.counted();
        let learners = counted.learners().iter().filter(|id| !counted.is_voter(id)).cloned();
        let learners: BTreeSet<NodeId> = learners.collect();
        let (commit, last) = (self.commit, self.log.last_index());
        move |to| if learners.contains(to) { commit } else { last }
    }

    /// Begins to send the state to every follower that lacks what the log has dropped.
    fn begin_snapshots(&mut self) {
        let base = self.log.base();
        let lacks = |progress: &Progress| progress.next <= base && !progress.gets_snapshot();
        let Role::Leader(leader) = &self.role else { return };
        if base == 0 || !leader.peers.values().any(lacks) || !self.knows_configuration() {
            return;
        }
        let snapshot = Arc::new(self.state_as_snapshot());
        let part_bytes = self.options.snapshots.part_bytes;
        let Role::Leader(leader) = &mut self.role else { return };
        for progress in leader.peers.values_mut().filter(|progress| lacks(progress)) {
            progress.send_snapshot(Arc::clone(&snapshot), part_bytes);
        }
    }

    /// Shows every follower that the leader is alive, and begins a round for the reads that have
    /// gathered. A heartbeat speaks only of the prefix that the follower is known to share, so nothing
    /// on its way can be in conflict with it; of none where the end of that prefix was dropped.
    pub(super) fn send_heartbeats(&mut self) {
        self.gather_reads();
        let Role::Leader(leader) = &mut self.role else { return };
        leader.heartbeat_due = self.now + self.options.timings.heartbeat;
        for (to, progress) in &mut leader.peers {
            progress.ask_if_installed();
            let shared = self.log.term_at(progress.matched).map(|term| (progress.matched, term));
            let (previous_index, previous_term) = shared.unwrap_or((0, 0));
            let request = Request::Append(AppendRequest {
                term: self.term,
                leader: self.options.id.clone(),
                previous_index,
                previous_term,
                entries: Vec::new(),
                commit: self.commit,
                round: leader.reads.round(),
            });
            self.effects.push(Effect::Call { to: to.clone(), request });
        }
    }

    /// A leader's clock: steps down when it hears no majority (check-quorum, thesis §6.2), gives
    /// up appends that are not answered, sends heartbeats.
    pub(super) fn leader_tick(&mut self) {
        let (now, timings) = (self.now, self.options.timings);
        let content_unheard =
            self.has(Bug::StaleRead) || self.options.settings.lacks(Switch::CheckQuorum);
        if (!self.hears_majority() && !content_unheard) || self.leads_unelected() {
            return self.become_follower(None);
        }
        let Role::Leader(leader) = &mut self.role else { return };
        leader.peers.values_mut().for_each(|progress| progress.give_up(now, &timings));
        if leader.heartbeat_due <= now {
            self.send_heartbeats();
        }
        self.append_for_reads();
        self.replicate();
    }

    /// True if this node leads and a majority answered what it sent within the shortest election
    /// timeout.
    pub(super) fn hears_majority(&self) -> bool {
        let by_wall_clock = self.has(Bug::WallClockLease);
        let timeout = self.options.timings.election_min;
        let Role::Leader(leader) = &self.role else { return false };
        let is_fresh = |peer: &Progress| match by_wall_clock {
            true => self.wall < peer.wall_contact + timeout,
            false => self.now < peer.contact + timeout,
        };
        self.configuration
            .has_quorum(|id| *id == self.options.id || leader.peers.get(id).is_some_and(is_fresh))
    }

    /// A follower's side of an append or heartbeat (paper, figure 2).
    pub(super) fn append_requested(&mut self, call: u64, request: AppendRequest) {
        if self.append_under_old_term(call, &request) {
            return;
        }
        let takes_any_term = self.catches_up_with(&request);
        let AppendRequest { term, leader, previous_index, previous_term, entries, commit, round } =
            request;
        // A second leader of the own term cannot be, unless a vote was forgotten; it is refused.
        if (term < self.term && !takes_any_term)
            || (term == self.term && matches!(self.role, Role::Leader(_)))
        {
            let response = Response::Append(AppendResponse::refusal(self.term, round));
            return self.effects.push(Effect::Respond { call, response });
        }
        if term > self.term {
            self.adopt_term(term);
        }
        self.become_follower(Some(leader));
        let promise = self.promise();
        self.ask_for_read_index();
        let removes = self.removes_behind_dropped(previous_index);
        if removes || !self.log.agrees_at(previous_index, previous_term) {
            let conflict = if previous_index > self.log.last_index() {
                (self.log.last_index() + 1, None)
            } else {
                (self.log.start_of_term(previous_index), self.log.term_at(previous_index))
            };
            let (index, term) = conflict;
            let result = AppendResult::Conflict { previous: previous_index, index, term };
            let response = AppendResponse { term: self.term, round, result, promise };
            let response = Response::Append(response);
            return self.effects.push(Effect::Respond { call, response });
        }
        let heartbeat = entries.is_empty();
        let verified = previous_index + entries.len() as u64;
        if heartbeat && self.has(Bug::HeartbeatTruncates) {
            self.truncate_behind(verified);
        }
        for entry in entries {
            match self.log.term_at(entry.index) {
                _ if self.log.agrees_at(entry.index, entry.term) => continue,
                Some(_) => {
                    // Whoever sends this, a promise of the cluster is broken: to stop is to be noticed.
                    assert!(entry.index > self.commit, "a committed entry is never replaced");
                    self.truncate(entry.index);
                }
                None => {}
            }
            self.append(entry);
        }
        // Only what this very request verified may be committed by it: what lies behind may be
        // another leader's (scylladb#9965).
        let covered = match heartbeat && self.has(Bug::HeartbeatCommitsUnverified) {
            true => self.log.last_index(),
            false => verified,
        };
        self.commit_through(commit.min(covered));
        let result = if heartbeat { AppendResult::Heard } else { AppendResult::Accepted(verified) };
        let response = Response::Append(AppendResponse { term: self.term, round, result, promise });
        if heartbeat {
            self.effects.push(Effect::Respond { call, response });
        } else {
            let accepted = Consequence::Respond { call, response };
            self.once_durable_unless(Bug::FollowerAcksBeforeFsync, accepted);
        }
    }

    /// A leader's side of the answer.
    pub(super) fn append_answered(&mut self, from: NodeId, sent: Time, response: AppendResponse) {
        if response.term > self.term {
            return self.adopt_term(response.term);
        }
        let counted = self.shortened(response.promise);
        let Role::Leader(leader) = &mut self.role else { return };
        let Some(progress) = leader.peers.get_mut(&from) else { return };
        if response.term < self.term || response.result == AppendResult::StaleTerm {
            return;
        }
        progress.contact = progress.contact.max(sent);
        progress.wall_contact = self.wall.saturating_sub(self.now.saturating_sub(sent));
        progress.promised_until = progress.promised_until.max(sent + counted);
        progress.round = progress.round.max(response.round);
        match response.result {
            AppendResult::Heard | AppendResult::StaleTerm => {}
            AppendResult::Accepted(through) => {
                assert!(through <= self.log.last_index(), "one that claims more is not believed");
                progress.accepted(through, self.now.saturating_sub(sent));
            }
            AppendResult::Conflict { previous, index, term } => {
                let shared = term.and_then(|term| self.log.end_of_term(term));
                progress.refused(previous, shared.map_or(index, |last| last + 1));
            }
        }
        self.advance_commit();
        self.replicate();
        self.ask_successor();
        self.answer_confirmed_reads();
    }

    /// Commits what a majority holds, but counts replicas only for entries of the own term: one
    /// of an earlier term can be replaced even when a majority holds it (paper, §5.4.2, figure 8).
    pub(super) fn advance_commit(&mut self) {
        let Role::Leader(leader) = &self.role else { return };
        if self.commit == self.log.last_index() {
            return;
        }
        let counted = self.counted();
        let held = counted.held_by_quorum(|id| match *id == self.options.id {
            true => leader.durable,
            false => leader.peers.get(id).map_or(0, |peer| peer.matched),
        });
        let own_term =
            self.log.term_at(held) == Some(self.term) || self.has(Bug::CommitEarlierTerm);
        if own_term && held > self.commit {
            self.commit_through(held);
            self.begin_read_round();
        }
    }

    /// Commits through `index`. It is applied at the end of the step, or by the next ones.
    pub(super) fn commit_through(&mut self, index: u64) {
        assert!(index <= self.log.last_index(), "only what is in the log is committed");
        if index <= self.commit {
            return;
        }
        if let Role::Leader(leader) = &mut self.role {
            let committed = self.log.between(self.commit, index);
            leader.uncommitted_bytes -= committed.iter().map(|entry| entry.bytes()).sum::<usize>();
        }
        let before = std::mem::replace(&mut self.commit, index);
        self.go_by_committed_members(before);
    }
}

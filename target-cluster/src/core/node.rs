//! One node: its state, and the dispatch of inputs. The rules themselves stand beside it, by idea:
//! `election`, `replication`, `reads`, `lease`, `transfer`, `durability`.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::applied::{ApplyResults, ApplyWork};
use super::clock_guard::Clocks;
use super::configurations::Configurations;
use super::durability::Durability;
use super::forwarded::Forwarded;
use super::lease::Lease;
use super::membership::Change;
use super::planted::Planted;
use super::snapshot::state_digest;
use super::snapshots::Snapshots;
use super::timing::Jitter;
use super::transfer::Transfer;
use super::{
    Configuration, Displaced, Effect, Entry, Incarnation, Input, Log, NodeId, Refusal, Reply,
    Request, Response, Role, RoleChange, RoleName, Settings, Snapshot, SnapshotOptions, Switch,
    Time, Timings,
};
use crate::bugs::{Bug, Bugs};
use crate::kv::{ContentsPage, Store};

/// About how many bytes of entries one append carries at most, though always one entry: few enough
/// that a follower reads and syncs them well within an election timeout.
pub(crate) const APPEND_BYTES_MAX: usize = 1024 * 1024;

/// The options of a node; the same while it runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Options {
    /// This node.
    pub id: NodeId,
    /// The voters that the cluster was founded with, this node among them; none for a node that joins
    /// one, and waits for its leader to make it a member.
    pub voters: BTreeSet<NodeId>,
    /// The times that nodes wait for each other.
    pub timings: Timings,
    /// The most entries that are applied from one tick to the next.
    pub apply_entries_max: usize,
    /// The times at which snapshots are taken, and the size of their parts.
    pub snapshots: SnapshotOptions,
    /// The way in which it answers reads, and the switches that are off.
    pub settings: Settings,
    /// Seed of this node's election timeouts; nodes must differ in it.
    pub seed: u64,
    /// The incarnation of its data directory; none of a version without.
    pub incarnation: Option<Incarnation>,
    /// A number that no other life of this node has: its clock and what it counts begin anew in each.
    pub life: u32,
    /// Planted bugs that are switched on.
    pub bugs: Bugs,
}

/// The state that a node finds on its disk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Recovered {
    /// The current term.
    pub term: u64,
    /// The candidate that the node voted for in that term.
    pub vote: Option<NodeId>,
    /// The log, which reaches back to the snapshot or further.
    pub log: Log,
    /// The newest snapshot.
    pub snapshot: Option<Arc<Snapshot>>,
}

/// A node's report about itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Status {
    /// Its role.
    pub role: RoleName,
    /// Its term.
    pub term: u64,
    /// The node that it believes to lead.
    pub leader: Option<NodeId>,
    /// The index through which it knows its log to be committed.
    pub commit: u64,
    /// The index through which its log is applied.
    pub applied: u64,
    /// The index of the last entry of its log, committed or not.
    pub last_index: u64,
    /// The index of the last entry that its log has dropped; 0 when it has dropped none.
    pub base: u64,
    /// The index of the last entry in its newest durable snapshot; 0 when there is none.
    pub snapshot: u64,
    /// The members of the cluster, as far as it knows.
    pub configuration: Configuration,
    /// The incarnation of its data directory.
    pub incarnation: Option<Incarnation>,
    /// The notice that the others count on another data directory under its name.
    pub displaced: Option<Displaced>,
}

/// A member of the cluster, or one that waits to be.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Node {
    /// Name, voters, timings, bugs.
    pub(super) options: Options,
    /// The members of the cluster, as far as this node knows, and those before.
    pub(super) configuration: Configurations,
    /// The time of the current step.
    pub(super) now: Time,
    /// The time that the wall clock showed last, if this node gets it.
    pub(super) wall: Time,
    /// Draws election timeouts.
    pub(super) jitter: Jitter,
    /// The latest term seen; persisted with the vote.
    pub(super) term: u64,
    /// The candidate that this node voted for in the term.
    pub(super) vote: Option<NodeId>,
    /// The log, durable or not.
    pub(super) log: Log,
    /// The highest index known to be committed. Not persisted: a leader sends it again.
    pub(super) commit: u64,
    /// The state machine, which applies what is committed, a part behind each tick.
    pub(super) store: Store,
    /// The part that it applied since the last tick.
    pub(super) apply_work: ApplyWork,
    /// The results of the commands that it applied.
    pub(super) apply_results: ApplyResults,
    /// Its snapshots.
    pub(super) snapshots: Snapshots,
    /// The role of this node.
    pub(super) role: Role,
    /// Its reads, while it follows.
    pub(super) forwarded: Forwarded,
    /// The promises that leases rest on.
    pub(super) lease: Lease,
    /// The clocks of the other nodes.
    pub(super) clocks: Clocks,
    /// The notice that others count on another data directory under its name.
    pub(super) displaced: Option<Displaced>,
    /// The transfer of its leadership that is on its way.
    pub(super) transfer: Option<Transfer>,
    /// The change of the members that this leader was asked for.
    pub(super) change: Option<Change>,
    /// The consequences that wait for the disk.
    pub(super) durability: Durability,
    /// The memory of planted bugs.
    pub(super) planted: Planted,
    /// The effects of the current step; empty between steps.
    pub(super) effects: Vec<Effect>,
}

impl Node {
    /// A node that starts, or starts again, as follower with what its disk holds.
    pub fn new(mut options: Options, recovered: Recovered, now: Time) -> Node {
        options.settings = options.settings.with(&options.bugs);
        if options.settings.lacks(Switch::Batching) {
            options.settings.append_entries = 1;
        }
        let founds = options.voters.contains(&options.id);
        assert!(founds || options.voters.is_empty(), "a founder is one of the founders");
        let Timings { heartbeat, election_min, election_max } = options.timings;
        assert!(!heartbeat.is_zero() && heartbeat < election_min && election_min < election_max);
        assert!(recovered.log.last_term() <= recovered.term, "the term covers the log");
        assert!(options.settings.append_entries > 0, "an append without entries is a heartbeat");
        assert!(options.apply_entries_max > 0, "what is committed is applied some day");
        let (log, snapshot) = (recovered.log, recovered.snapshot);
        let reaches = snapshot.as_ref().map_or(0, |snapshot| snapshot.index);
        assert!(log.base() <= reaches, "nothing is missing between a snapshot and the log");
        assert!(reaches <= log.last_index(), "a log goes on behind a snapshot");
        let first = match &snapshot {
            Some(snapshot) => snapshot.configuration.clone(),
            None => Configuration::of_voters(options.voters.iter().cloned()),
        };
        let by_commit = options.bugs.contains(&Bug::MembersFromApply);
        let in_force = if by_commit { &Log::default() } else { &log };
        let configuration = Configurations::of(in_force, reaches, first);
        let forgets = options.bugs.contains(&Bug::VoteForgotten);
        let mut jitter = match options.settings.lacks(Switch::RandomTimeouts) {
            true => Jitter::none(),
            false => Jitter::new(options.seed),
        };
        let deadline = now + jitter.election_timeout(&options.timings);
        Node {
            configuration,
            now,
            wall: Time::ZERO,
            jitter,
            term: recovered.term,
            vote: recovered.vote.filter(|_| !forgets),
            log,
            commit: reaches,
            store: snapshot
                .as_ref()
                .map_or_else(|| Store::new(&options.bugs), |snapshot| snapshot.store.clone()),
            apply_work: ApplyWork::default(),
            apply_results: snapshot.map(|snapshot| snapshot.audit.clone()).unwrap_or_default(),
            snapshots: Snapshots::durable_through(reaches, now),
            role: Role::Follower { leader: None, heard: now, deadline },
            forwarded: Forwarded::new(options.life),
            lease: Lease::new(options.settings.reads, now),
            clocks: Clocks::default(),
            displaced: None,
            transfer: None,
            change: None,
            durability: Durability::default(),
            planted: Planted::default(),
            effects: Vec::new(),
            options,
        }
    }

    /// Takes in what happened at the time `now` and returns what must be done, in order.
    pub fn step(&mut self, now: Time, input: Input) -> Vec<Effect> {
        assert!(now >= self.now, "time never goes back");
        assert!(self.effects.is_empty(), "every step hands out all its effects");
        self.now = now;
        let (standing, commit) = (self.standing(), self.commit);
        let is_disbelieved = match &input {
            Input::Request { stamp, request, .. } => {
                let disbelief = self.disbelieves_request(stamp, request);
                self.note_displacement(request.sender(), stamp, disbelief.as_ref());
                disbelief.is_some()
            }
            Input::Response { from, stamp, response, .. } => {
                let disbelief = self.disbelieves_response(from, stamp, response);
                self.note_displacement(from, stamp, disbelief.as_ref());
                disbelief.is_some()
            }
            _ => false,
        };
        match input {
            Input::Tick => self.tick(),
            Input::Request { call, request, .. } if is_disbelieved => {
                let response = request.refusal(self.term);
                self.effects.push(Effect::Respond { call, response });
            }
            Input::Response { .. } if is_disbelieved => {}
            Input::Request { call, request, .. } => match request {
                Request::PreVote(request) => self.pre_vote_requested(call, request),
                Request::Vote(request) => self.vote_requested(call, request),
                Request::Append(request) => self.append_requested(call, request),
                Request::InstallSnapshot(request) => self.snapshot_offered(call, request),
                Request::TimeoutNow(request) => self.timeout_now_requested(call, request),
                Request::ReadIndex(request) => self.read_index_requested(call, &request),
                Request::Clock(_) => self.clock_requested(call),
            },
            Input::Response { from, sent, stamp, response } => {
                self.hear_incarnation(&from, &stamp);
                match response {
                    Response::PreVote(response) => self.pre_vote_answered(from, response),
                    Response::Vote(response) => self.vote_answered(from, response),
                    Response::Append(response) => self.append_answered(from, sent, response),
                    Response::InstallSnapshot(response) => {
                        self.snapshot_answered(&from, sent, &response);
                    }
                    Response::TimeoutNow(response) => self.timeout_now_answered(response),
                    Response::ReadIndex(response) => self.read_index_answered(&response),
                    Response::Clock(response) => self.clock_answered(from, sent, &response),
                }
            }
            Input::Propose(proposals) => self.propose(proposals),
            Input::Query { request, query } => self.query(request, query),
            Input::Transfer { request, to } => self.begin_transfer(request, to),
            Input::ChangeMembers { request, change } => self.begin_change(request, &change),
            Input::Persisted { through } => self.persisted(through),
            Input::SnapshotSaved { index } => self.snapshot_saved(index),
            Input::TakeSnapshot { request } => self.snapshot_wanted(request),
            Input::WallClock(wall) => self.wall = wall,
        }
        self.apply();
        self.take_snapshot_if_due();
        self.end_transfer();
        self.advance_change();
        assert!(self.term >= standing.term, "a term never falls");
        assert!(self.commit >= commit, "what is committed stays committed");
        assert!(self.commit <= self.log.last_index(), "only what is in the log is committed");
        assert!(self.store.applied() <= self.commit, "only what is committed is applied");
        let RoleChange { role, term, leader } = &standing;
        if (self.role.name(), self.term, self.leader()) != (*role, *term, leader.as_ref()) {
            self.effects.push(Effect::Role(self.standing()));
        }
        std::mem::take(&mut self.effects)
    }

    /// The time when the next tick is due.
    pub fn next_deadline(&self) -> Time {
        if self.has_to_apply() {
            return self.now;
        }
        let own = match &self.role {
            Role::Follower { deadline, .. }
            | Role::PreCandidate { deadline, .. }
            | Role::Candidate { deadline, .. } => *deadline,
            Role::Leader(leader) => self
                .replication_due()
                .map_or(leader.heartbeat_due, |at| at.min(leader.heartbeat_due)),
        };
        self.transfer.as_ref().map_or(own, |transfer| own.min(transfer.deadline))
    }

    /// The node's view of itself.
    pub fn status(&self) -> Status {
        let RoleChange { role, term, leader } = self.standing();
        Status {
            role,
            term,
            leader,
            commit: self.commit,
            applied: self.store.applied(),
            last_index: self.log.last_index(),
            base: self.log.base(),
            snapshot: self.snapshots.durable(),
            configuration: (*self.configuration).clone(),
            incarnation: self.options.incarnation,
            displaced: self.displaced.clone(),
        }
    }

    /// Name, voters, timings, bugs.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// A page of what this node holds; see [`Store::contents_after`].
    pub(crate) fn contents_after(&self, after: Option<&str>, bytes_max: usize) -> ContentsPage {
        self.store.contents_after(after, bytes_max)
    }

    /// The latest term seen.
    pub(crate) fn term(&self) -> u64 {
        self.term
    }

    /// The role of this node.
    pub(crate) fn role(&self) -> RoleName {
        self.role.name()
    }

    /// The term that this node leads, if it does.
    pub(crate) fn leads(&self) -> Option<u64> {
        matches!(self.role, Role::Leader(_)).then_some(self.term)
    }

    /// The index through which the log is known to be committed.
    pub(crate) fn commit(&self) -> u64 {
        self.commit
    }

    /// The index through which the log is applied.
    pub(crate) fn applied(&self) -> u64 {
        self.store.applied()
    }

    /// A digest of the replicated state: equal states have equal ones.
    pub(crate) fn state_digest(&self) -> u64 {
        state_digest(&self.store, &self.apply_results)
    }

    /// The log, durable or not.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// The entries behind `after` that are known to be committed, as far as they are in the log.
    pub fn committed_after(&self, after: u64) -> &[Arc<Entry>] {
        self.log.between(after, self.commit)
    }

    /// Role, term and leader as they are now.
    pub(super) fn standing(&self) -> RoleChange {
        RoleChange { role: self.role.name(), term: self.term, leader: self.leader().cloned() }
    }

    /// The node that this one believes to lead.
    fn leader(&self) -> Option<&NodeId> {
        match &self.role {
            Role::Follower { leader, .. } => leader.as_ref(),
            Role::Leader(_) => Some(&self.options.id),
            Role::PreCandidate { .. } | Role::Candidate { .. } => None,
        }
    }

    /// The members except this node.
    pub(super) fn peers(&self) -> Vec<NodeId> {
        let members = self.configuration.members().into_iter();
        members.filter(|id| **id != self.options.id).cloned().collect()
    }

    /// The members except this node whose votes count.
    pub(super) fn other_voters(&self) -> Vec<NodeId> {
        self.peers().into_iter().filter(|id| self.configuration.is_voter(id)).collect()
    }

    pub(super) fn refuse(&mut self, request: u64, refusal: Refusal) {
        self.effects.push(Effect::Reply { request, reply: Reply::Refused(refusal) });
    }

    fn tick(&mut self) {
        self.apply_work = ApplyWork::default();
        self.snapshots.free_dropped();
        self.read_clocks();
        let now = self.now;
        match &self.role {
            Role::Leader(_) => self.leader_tick(),
            // Its own vote is not durable yet, so it has asked no one: another term would only
            // disturb those whose disks let them win one.
            Role::Candidate { granted, deadline } if *deadline <= now && granted.is_empty() => {
                let fresh = self.draw_deadline();
                if let Role::Candidate { deadline, .. } = &mut self.role {
                    *deadline = fresh;
                }
            }
            Role::Follower { deadline, .. }
            | Role::PreCandidate { deadline, .. }
            | Role::Candidate { deadline, .. } => {
                if *deadline > now {
                    return;
                }
                match self.may_stand() {
                    true => self.ask_for_pre_votes(),
                    false if self.stands_though_removed() => self.stand(),
                    false => {
                        // No leader answers a learner either, nor one that is a member no more.
                        self.give_forwarded_reads_up();
                        self.become_follower(None);
                    }
                }
            }
        }
    }
}

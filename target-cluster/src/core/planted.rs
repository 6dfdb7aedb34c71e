//! The mistakes of planted bugs that take more than a line. Nothing here happens without them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::durability::Consequence;
use super::transfer::Step;
use super::{
    AppendRequest, Configuration, Effect, Node, NodeId, Payload, Record, Refusal, Reply, Role,
    Snapshot, Time,
};
use crate::bugs::Bug;
use crate::kv::{Answer, EncodedCommand};

/// The memory of a node for them. Always the same without bugs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Planted {
    /// The clients whose requests outlive the leadership, by index.
    waiting: BTreeMap<u64, u64>,
    /// Number and answer of the latest command of each session that this node answered as leader.
    answered: BTreeMap<String, (u64, Answer)>,
    /// The time when this leader was elected, and the index that it knew to be committed then.
    elected: (Time, u64),
}

impl Node {
    /// True if the bug is planted.
    pub(super) fn has(&self, bug: Bug) -> bool {
        self.options.bugs.contains(&bug)
    }

    /// As [`Node::once_durable`], but with the bug now.
    pub(super) fn once_durable_unless(&mut self, bug: Bug, consequence: Consequence) {
        if self.has(bug) { self.happen(consequence) } else { self.once_durable(consequence) }
    }

    /// `term-and-vote-apart`: the second write follows the first when that is durable, together with
    /// all that waits for the first.
    pub(super) fn persist_term_then_vote(&mut self) {
        self.persist(Record::Vote { term: self.term, vote: None });
        self.once_durable(Consequence::PersistVote);
    }

    /// `vote-counted-twice`: an answer that was counted counts once more, for a voter who gave none.
    pub(super) fn name_to_count(&self, from: NodeId) -> NodeId {
        match &self.role {
            Role::Candidate { granted, .. }
                if granted.contains(&from) && self.has(Bug::VoteCountedTwice) =>
            {
                let others = self.other_voters();
                others.into_iter().find(|id| !granted.contains(id)).unwrap_or(from)
            }
            _ => from,
        }
    }

    /// `term-bumped-under-leader`: true of a leader, which then steps down at its next tick.
    pub(super) fn leads_on(&self) -> bool {
        self.has(Bug::TermBumpedUnderLeader) && matches!(self.role, Role::Leader(_))
    }

    /// `term-bumped-under-leader`: true of a leader of a term in which it did not stand.
    pub(super) fn leads_unelected(&self) -> bool {
        self.leads_on() && self.vote.as_ref() != Some(&self.options.id)
    }

    /// `append-under-old-term`: takes the append as if this node had not voted since; false if that
    /// cannot be.
    pub(super) fn append_under_old_term(&mut self, call: u64, request: &AppendRequest) -> bool {
        let heeds = self.has(Bug::AppendUnderOldTerm)
            && (self.log.last_term()..self.term).contains(&request.term)
            && self.standing().leader.is_none();
        if heeds {
            let before = (std::mem::replace(&mut self.term, request.term), self.role.clone());
            self.append_requested(call, request.clone());
            (self.term, self.role) = before;
        }
        heeds
    }

    /// `catch-up-of-old-term`: true if a follower could take the entries, though their leader's
    /// term is over.
    pub(super) fn catches_up_with(&self, request: &AppendRequest) -> bool {
        self.has(Bug::CatchUpOfOldTerm)
            && !request.entries.is_empty()
            && request.previous_index >= self.commit
            && matches!(self.role, Role::Follower { .. })
    }

    /// `heartbeat-truncates` and `rollback-on-step-down`: removes what lies behind `index` and is
    /// not known to be committed.
    pub(super) fn truncate_behind(&mut self, index: u64) {
        let from = index.max(self.commit) + 1;
        if from <= self.log.last_index() {
            self.truncate(from);
        }
    }

    /// `not-leader-for-appended`: the answer to those who wait for a leader that steps down.
    pub(super) fn refusal_of_appended(&self) -> Refusal {
        match self.has(Bug::NotLeaderForAppended) {
            true => Refusal::NotLeader { leader: None },
            false => Refusal::LeadershipLost,
        }
    }

    /// `reply-for-truncated-entry` and `request-never-answered`: those who wait for a leader that
    /// steps down, but for the ones that it keeps or forgets.
    pub(super) fn not_kept(&mut self, waiting: BTreeMap<u64, u64>) -> BTreeMap<u64, u64> {
        if self.has(Bug::RequestNeverAnswered) {
            return BTreeMap::new();
        }
        if self.has(Bug::ReplyForTruncatedEntry) {
            self.planted.waiting.extend(waiting);
            return BTreeMap::new();
        }
        waiting
    }

    /// `reply-for-truncated-entry`: the request that waits for this index.
    pub(super) fn kept_request(&mut self, index: u64) -> Option<u64> {
        self.planted.waiting.remove(&index)
    }

    /// `writes-lost-in-transfer`: the entry at `index` counts as replicated to the successor.
    pub(super) fn count_for_successor(&mut self, index: u64) {
        if let Some(transfer) = &self.transfer
            && transfer.step == Step::Asked
            && let Role::Leader(leader) = &mut self.role
            && let Some(progress) = leader.peers.get_mut(&transfer.to)
        {
            progress.matched = index;
        }
    }

    /// `tokens-of-leader-only`: answers a retry that this leader knows, or lets it wait for the first
    /// attempt; false if it does not know it.
    pub(super) fn answers_retry(&mut self, request: u64, command: &EncodedCommand) -> bool {
        if !self.has(Bug::TokensOfLeaderOnly) {
            return false;
        }
        let Some(token) = command.decode().token else { return false };
        if let Some((number, answer)) = self.planted.answered.get(&token.session)
            && *number == token.number
        {
            let reply = Reply::Answer(answer.clone());
            self.effects.push(Effect::Reply { request, reply });
            return true;
        }
        let is_first = |payload: &Payload| match payload {
            Payload::Command(command) => command.decode().token.as_ref() == Some(&token),
            Payload::Noop | Payload::Configuration(_) => false,
        };
        let on_way = self.log.after(self.commit);
        let first = on_way.iter().find(|entry| is_first(&entry.payload)).map(|entry| entry.index);
        if let (Some(first), Role::Leader(leader)) = (first, &mut self.role) {
            leader.waiting.insert(first, request);
            return true;
        }
        false
    }

    /// `tokens-of-leader-only`: a leader keeps the answer to a command that it applied.
    pub(super) fn keep_answer(&mut self, command: &EncodedCommand, answer: &Answer) {
        if self.has(Bug::TokensOfLeaderOnly)
            && matches!(self.role, Role::Leader(_))
            && let Some(token) = command.decode().token
        {
            self.planted.answered.insert(token.session, (token.number, answer.clone()));
        }
    }

    /// `stale-read-index`: this node begins to lead.
    pub(super) fn note_election(&mut self) {
        if self.has(Bug::StaleReadIndex) {
            self.planted.elected = (self.now, self.commit);
        }
    }

    /// `stale-read-index`: the index that a follower is told, for a moment one of before the election.
    pub(super) fn read_index_to_tell(&self, index: u64) -> u64 {
        let (when, known) = self.planted.elected;
        let is_new = self.now < when + self.options.timings.heartbeat;
        if self.has(Bug::StaleReadIndex) && is_new { known.min(index) } else { index }
    }

    /// `stale-members-in-snapshot`: the members that a snapshot through that index tells of.
    pub(super) fn members_in_snapshot(&self, index: u64) -> Configuration {
        match self.has(Bug::StaleMembersInSnapshot) {
            true => Configuration::of_voters(self.options.voters.iter().cloned()),
            false => self.configuration.at(index).clone(),
        }
    }

    /// `learner-counted`: the configuration by whose majorities a leader commits.
    pub(super) fn counted(&self) -> Cow<'_, Configuration> {
        match self.has(Bug::LearnerCounted) {
            true => Cow::Owned(self.configuration.with_learners_for_voters()),
            false => Cow::Borrowed(&*self.configuration),
        }
    }

    /// `members-from-apply`: configurations that have become known to be committed, behind that index, come
    /// into force.
    pub(super) fn go_by_committed_members(&mut self, before: u64) {
        if !self.has(Bug::MembersFromApply) {
            return;
        }
        let members = (*self.configuration).clone();
        for entry in self.log.between(before, self.commit) {
            if let Payload::Configuration(configuration) = &entry.payload {
                self.configuration.append(entry.index, configuration.clone());
            }
        }
        self.meet_newcomers(&members, before);
    }

    /// `members-from-apply`: true if a configuration was appended that is not in force yet.
    pub(super) fn appended_members(&self) -> bool {
        let mut behind = self.log.after(self.commit).iter();
        self.has(Bug::MembersFromApply)
            && behind.any(|entry| matches!(entry.payload, Payload::Configuration(_)))
    }

    /// `removed-node-stands`: true if this node knows that it was removed.
    pub(super) fn stands_though_removed(&self) -> bool {
        let known = &self.configuration;
        self.has(Bug::RemovedNodeStands) && known.is_known() && !known.is_member(&self.options.id)
    }

    /// `stale-snapshot-installed`: takes the state of a snapshot that is older than its own over, and
    /// goes on from where it is.
    pub(super) fn go_back_to(&mut self, snapshot: &Snapshot) {
        if self.has(Bug::StaleSnapshotInstalled) {
            self.store = snapshot.store.clone().applied_through(self.store.applied());
        }
    }

    /// `dropped-taken-for-conflict`: an append that speaks of an entry which was dropped is taken for
    /// another leader's, and what follows that entry removed.
    pub(super) fn removes_behind_dropped(&mut self, previous: u64) -> bool {
        let takes =
            self.has(Bug::DroppedTakenForConflict) && (1..self.log.base()).contains(&previous);
        if takes && self.log.last_index() > self.log.base() {
            self.truncate(self.log.base() + 1);
        }
        takes
    }

    /// `pre-vote-resets-timer`: a pre-vote counts as contact with a leader.
    pub(super) fn count_as_contact(&mut self) {
        let (now, fresh) = (self.now, self.draw_deadline());
        match &mut self.role {
            Role::Follower { heard, deadline, .. } => (*heard, *deadline) = (now, fresh),
            Role::PreCandidate { deadline, .. } => *deadline = fresh,
            Role::Candidate { .. } | Role::Leader(_) => {}
        }
    }
}

//! Changes of membership (paper, §6; thesis, chapter 4).
//!
//! All go one way. One that is to vote and does not yet gets the log as a learner first, until a round of
//! catching up takes less than an election timeout (thesis, §4.2.1): so no commit waits for a node that
//! lacks the log. Then the leader appends the joint configuration, and once that is committed the new one
//! alone. Configurations are in force from the moment they are appended. A leader elected meanwhile finds
//! the joint one in its log and goes on from there; what was not appended yet is given up.
//!
//! Each step waits until the one before is committed, the first until an entry of the leader's own term is:
//! before that, it does not know which configuration its predecessor left behind (Ongaro, raft-dev 2015).
//!
//! Without joint configurations (`--off joint-consensus`) the leader passes to the new one at once where one
//! voter comes or goes (thesis, §4.1).
//!
//! A leader that is not among the new voters leads until the new configuration is committed, without
//! counting itself, and then asks the best of them to stand. Until then it is needed, for it may be the
//! only one whose log is long enough to be elected (thesis, §4.2.2). A node that leaves gets the log until
//! it holds the entry that says so, and hears that it is committed; it does not stand from then on. One that
//! never hears of it cannot disturb either: those that hear a leader grant no pre-vote.

use std::collections::{BTreeMap, BTreeSet};

use super::progress::Progress;
use super::{
    Configuration, Effect, MemberChange, Node, NodeId, Payload, Refusal, Reply, Role, Switch, Time,
};
use crate::bugs::Bug;

/// The most rounds that a node may take to catch up. Each is as long as what was written during the one
/// before takes to replicate; a node for which they get no shorter is too slow to vote.
const ROUNDS_MAX: u32 = 10;

/// The longest time that a node which is to catch up may stay silent, in election timeouts.
const SILENT_MAX: u32 = 3;

/// A change that a leader was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Change {
    /// The driver's number for the request.
    request: u64,
    /// The configuration that is wanted in the end.
    target: Configuration,
    /// The rounds of those that have to catch up.
    rounds: BTreeMap<NodeId, Round>,
    /// Those that have caught up.
    caught_up: BTreeSet<NodeId>,
}

/// A round of catching up: the follower gets what was in the log when it began.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Round {
    number: u32,
    began: Time,
    through: u64,
}

impl Node {
    /// The members of the cluster, as far as this node knows.
    pub fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    /// The index of the entry with that configuration, or of a snapshot that tells of it.
    pub(crate) fn configuration_index(&self) -> u64 {
        self.configuration.index()
    }

    /// The configuration before that of the entry at `index`, with the index of its own entry.
    pub(crate) fn configuration_before(&self, index: u64) -> (u64, &Configuration) {
        self.configuration.before(index)
    }

    /// The configurations that this node may go by yet: the last one that it knows to be committed, and
    /// those behind it.
    pub(crate) fn possible_configurations(&self) -> impl Iterator<Item = &Configuration> {
        self.configuration.from(self.commit).chain(self.wanted_configuration())
    }

    /// The configuration that is wanted in the end, while this leader changes the members.
    pub(crate) fn wanted_configuration(&self) -> Option<&Configuration> {
        self.change.as_ref().map(|change| &change.target)
    }

    /// The other nodes that this one may have to call.
    pub(crate) fn contacts(&self) -> Vec<NodeId> {
        match &self.role {
            Role::Leader(leader) => leader.peers.keys().cloned().collect(),
            _ => self.peers(),
        }
    }

    /// True if this node votes, or did before a change that is not known to be committed.
    pub(super) fn may_stand(&self) -> bool {
        self.configuration.from(self.commit).any(|known| known.is_voter(&self.options.id))
    }

    /// A change of the members is wanted.
    pub(super) fn begin_change(&mut self, request: u64, change: &MemberChange) {
        let refusal = if !matches!(self.role, Role::Leader(_)) {
            Refusal::NotLeader { leader: self.standing().leader }
        } else if self.transfer.is_some() {
            Refusal::Transferring
        } else if !self.knows_commit() && !self.has(Bug::ChangeBeforeOwnTerm) {
            Refusal::TermNotCommitted
        } else if self.change.is_some() || self.is_changing() {
            Refusal::ChangeUnderWay
        } else {
            match change.target(&self.configuration) {
                Err(bad) => Refusal::BadChange(bad),
                Ok(target) => {
                    let (rounds, caught_up) = (BTreeMap::new(), BTreeSet::new());
                    self.change = Some(Change { request, target, rounds, caught_up });
                    return self.advance_change();
                }
            }
        };
        self.refuse(request, refusal);
    }

    /// True if the configuration in force is joint, or one with other members is not committed.
    fn is_changing(&self) -> bool {
        let at = self.configuration.index();
        let (_, before) = self.configuration.before(at);
        self.configuration.is_joint()
            || (at > self.commit && !self.configuration.has_the_members_of(before))
    }

    /// Takes the next step towards the configuration that is wanted, if the last one is committed.
    pub(super) fn advance_change(&mut self) {
        let (waits, first) = (Bug::ChangeBeforeTheLast, Bug::ChangeBeforeOwnTerm);
        if !matches!(self.role, Role::Leader(_))
            || (self.configuration.index() > self.commit && !self.has(waits))
            || (!self.knows_commit() && !self.has(first))
            || self.appended_members()
        {
            return;
        }
        self.let_go();
        // The successor's log has to be as long as this one.
        if self.transfer.is_some() {
            return;
        }
        if self.configuration.is_joint() {
            return self.configure(self.configuration.alone());
        }
        if let Some(change) = &self.change
            && change.target == *self.configuration
        {
            let reply = Reply::Configured { configuration: change.target.clone() };
            self.effects.push(Effect::Reply { request: change.request, reply });
            self.change = None;
        }
        let is_voter = self.configuration.is_voter(&self.options.id);
        if !is_voter && !self.has(Bug::RemovedLeaderStays) {
            return self.retire();
        }
        if let Some(noted) = self.with_incarnations() {
            return self.note_incarnations(noted);
        }
        let Some(target) = self.change.as_ref().map(|change| change.target.clone()) else { return };
        let voters = target.voters().difference(self.configuration.voters());
        let newcomers: Vec<NodeId> = voters.cloned().collect();
        let with_learners = newcomers.iter().fold((*self.configuration).clone(), |with, id| {
            if with.is_member(id) { with } else { with.with_learner(id, target.address(id)) }
        });
        if with_learners != *self.configuration {
            self.configure(with_learners);
        } else if !newcomers.into_iter().all(|id| self.has_caught_up(id)) {
            // They may, later, or the change has failed.
        } else if target.voters() == self.configuration.voters() || self.passes_at_once_to(&target)
        {
            self.configure(target);
        } else {
            self.configure(self.configuration.joint_with(&target));
        }
    }

    /// True if the leader passes to that configuration without a joint one: it does without those, and one
    /// voter comes or goes, so that old and new majorities meet all the same (thesis, §4.1).
    fn passes_at_once_to(&self, target: &Configuration) -> bool {
        let voters = self.configuration.voters();
        self.options.settings.lacks(Switch::JointConsensus)
            && voters.symmetric_difference(target.voters()).count() == 1
    }

    /// Appends a configuration with more incarnations; what is wanted in the end gets them too.
    fn note_incarnations(&mut self, noted: Configuration) {
        if let Some(Change { target, .. }) = &mut self.change {
            for id in noted.members() {
                let incarnation = noted.incarnation(id);
                incarnation.into_iter().for_each(|it| target.note_incarnation(id, it));
            }
        }
        self.configure(noted);
    }

    /// Appends a configuration, which is in force from now on.
    fn configure(&mut self, configuration: Configuration) {
        let before = (*self.configuration).clone();
        let index = self.append_own(Payload::Configuration(configuration));
        // The entry itself shows where the log of a newcomer ends.
        self.meet_newcomers(&before, index - 1);
        self.replicate();
    }

    /// Takes those up that were no members before; each gets the entry behind that index first.
    pub(super) fn meet_newcomers(&mut self, before: &Configuration, index: u64) {
        let peers = self.peers();
        let fresh = Progress::new(index, self.now, self.wall);
        let Role::Leader(leader) = &mut self.role else { return };
        for id in peers {
            // One that comes back is not taken for the one that left.
            if !before.is_member(&id) || !leader.peers.contains_key(&id) {
                leader.peers.insert(id, fresh.clone());
            }
        }
    }

    /// Lets those go that are members no more and know it, or cannot be reached.
    fn let_go(&mut self) {
        let (timeout, removed_at) = (self.options.timings.election_min, self.configuration.index());
        let Role::Leader(leader) = &self.role else { return };
        let is_over = |(id, peer): &(&NodeId, &Progress)| {
            let knows = peer.matched >= removed_at;
            !self.configuration.is_member(id) && (knows || self.now >= peer.contact + timeout)
        };
        let gone: Vec<NodeId> =
            leader.peers.iter().filter(is_over).map(|(id, _)| id.clone()).collect();
        if !gone.is_empty() {
            // They hear that it is committed.
            self.send_heartbeats();
        }
        let Role::Leader(leader) = &mut self.role else { return };
        gone.iter().for_each(|id| drop(leader.peers.remove(id)));
    }

    /// This leader is no voter any more, and that is committed: another one leads from now on.
    fn retire(&mut self) {
        if let Some(to) = self.best_successor() {
            self.ask_to_stand(to);
        }
        self.become_follower(None);
    }

    /// True once a round of catching up took the node less than an election timeout, or once it answers
    /// where newcomers do without. One that is too slow, or silent, fails the change; it stays a learner.
    fn has_caught_up(&mut self, id: NodeId) -> bool {
        let (now, timings) = (self.now, self.options.timings);
        let through = self.log.last_index();
        let (Role::Leader(leader), Some(change)) = (&self.role, &mut self.change) else {
            return false;
        };
        if change.caught_up.contains(&id) {
            return true;
        }
        let Some(peer) = leader.peers.get(&id) else { return false };
        let first = Round { number: 1, began: now, through };
        let round = change.rounds.entry(id.clone()).or_insert(first);
        // Without catching up it is enough that it answers.
        let does_without = self.options.settings.lacks(Switch::LearnerCatchUp);
        if does_without && peer.contact > round.began {
            change.caught_up.insert(id);
            return true;
        }
        if peer.matched >= round.through {
            if now < round.began + timings.election_min {
                change.caught_up.insert(id);
                return true;
            }
            *round = Round { number: round.number + 1, began: now, through };
        }
        let heard = peer.contact.max(round.began);
        let is_silent = now >= heard + timings.election_max * SILENT_MAX;
        if is_silent || round.number > ROUNDS_MAX {
            let request = change.request;
            self.change = None;
            self.refuse(request, Refusal::NotCaughtUp { node: id });
        }
        false
    }

    /// Gives up what a leader that steps down was asked for; what it appended may go on without it.
    pub(super) fn give_change_up(&mut self) {
        if let Some(change) = self.change.take() {
            self.refuse(change.request, Refusal::LeadershipLost);
        }
    }
}

//! Elections: pre-votes (thesis, §9.6), votes (paper, §5.2 and §5.4.1), stepping down.

use std::collections::BTreeSet;

use super::durability::Consequence;
use super::vote_refusal::VoteRefusal;
use super::{
    Effect, Node, NodeId, Record, Request, Response, Role, Switch, Time, VoteRequest, VoteResponse,
};
use crate::bugs::Bug;

impl Node {
    /// Sets term and vote, and persists both in one record.
    fn set_term_and_vote(&mut self, term: u64, vote: Option<NodeId>) {
        assert!(term >= self.term, "a term never falls");
        assert!(term > self.term || self.vote.is_none(), "one vote in a term");
        self.term = term;
        self.vote.clone_from(&vote);
        if vote.is_some() && self.has(Bug::TermAndVoteApart) {
            return self.persist_term_then_vote();
        }
        self.persist(Record::Vote { term, vote });
    }

    /// Becomes follower in a later term, whose leader is not known yet.
    pub(super) fn adopt_term(&mut self, term: u64) {
        self.begin_term(term, None);
    }

    /// Becomes follower in a later term, in which it votes at once or not yet.
    fn begin_term(&mut self, term: u64, vote: Option<NodeId>) {
        assert!(term > self.term);
        self.set_term_and_vote(term, vote);
        if !self.leads_on() {
            self.become_follower(None);
        }
    }

    /// Becomes follower in the current term. A leader answers everyone who waits for it: no other
    /// node will.
    pub(super) fn become_follower(&mut self, leader: Option<NodeId>) {
        let deadline = self.draw_deadline();
        let follower = Role::Follower { leader, heard: self.now, deadline };
        if let Role::Leader(leader) = std::mem::replace(&mut self.role, follower) {
            self.give_change_up();
            for request in self.not_kept(leader.waiting).into_values() {
                self.refuse(request, self.refusal_of_appended());
            }
            self.refuse_reads(leader.reads);
            if self.has(Bug::RollbackOnStepDown) {
                self.truncate_behind(self.commit);
            }
        }
    }

    /// The election deadline ran out: asks whether an election could be won.
    pub(super) fn ask_for_pre_votes(&mut self) {
        self.give_forwarded_reads_up();
        if self.options.settings.lacks(Switch::PreVote) {
            return self.stand();
        }
        let granted = BTreeSet::from([self.options.id.clone()]);
        let deadline = self.draw_deadline();
        self.role = Role::PreCandidate { granted, deadline };
        let request = self.vote_request(self.term + 1);
        for to in self.other_voters() {
            self.effects.push(Effect::Call { to, request: Request::PreVote(request.clone()) });
        }
        self.stand_if_pre_elected();
    }

    /// Answers a pre-vote. The answer binds no one, so it does not wait for the disk, and it leaves
    /// the voter's own deadline alone (hashicorp/raft#609).
    pub(super) fn pre_vote_requested(&mut self, call: u64, request: VoteRequest) {
        if request.term <= self.term && self.has(Bug::OldPreVoteIgnored) {
            return;
        }
        let granted = self.refuses_pre_vote(self.now, &request).is_none();
        if granted && self.has(Bug::PreVoteResetsTimer) {
            self.count_as_contact();
        }
        let response = VoteResponse { term: self.term, asked: request.term, granted };
        self.effects.push(Effect::Respond { call, response: Response::PreVote(response) });
    }

    /// Counts the answer to a pre-vote.
    pub(super) fn pre_vote_answered(&mut self, from: NodeId, response: VoteResponse) {
        if response.term > self.term {
            return self.adopt_term(response.term);
        }
        if self.is_granted(&response)
            && response.asked == self.term + 1
            && let Role::PreCandidate { granted, .. } = &mut self.role
        {
            granted.insert(from);
            self.stand_if_pre_elected();
        }
    }

    /// True if the voter gave what it was asked for.
    fn is_granted(&self, response: &VoteResponse) -> bool {
        response.granted || self.has(Bug::RefusalCountedAsVote)
    }

    fn stand_if_pre_elected(&mut self) {
        if let Role::PreCandidate { granted, .. } = &self.role
            && self.configuration.has_quorum(|id| granted.contains(id))
        {
            self.stand();
        }
    }

    /// Begins a term of its own, with its own vote.
    pub(super) fn stand(&mut self) {
        assert!(!matches!(self.role, Role::Leader(_)), "a leader does not stand against itself");
        self.refuse_forwarded_reads();
        self.set_term_and_vote(self.term + 1, Some(self.options.id.clone()));
        let deadline = self.draw_deadline();
        self.role = Role::Candidate { granted: BTreeSet::new(), deadline };
        self.once_durable(Consequence::Stand { term: self.term });
    }

    /// The own vote in `term` is durable: counts it and asks for the others.
    pub(super) fn ask_for_votes(&mut self, term: u64) {
        let own = self.options.id.clone();
        let Role::Candidate { granted, .. } = &mut self.role else { return };
        if term != self.term {
            return;
        }
        granted.insert(own);
        let request = self.vote_request(term);
        for to in self.other_voters() {
            self.effects.push(Effect::Call { to, request: Request::Vote(request.clone()) });
        }
        self.lead_if_elected();
    }

    /// Votes or refuses. A vote is sent only once it is durable; a refusal rests on nothing.
    ///
    /// Without leases it does not matter here whether the voter hears a leader: a candidate was
    /// pre-elected by a majority that heard none, or was asked to stand by the leader itself.
    pub(super) fn vote_requested(&mut self, call: u64, request: VoteRequest) {
        let refusal = self.refuses_vote(self.now, &request);
        let granted = refusal.is_none();
        let VoteRequest { term: asked, candidate, .. } = request;
        if refusal == Some(VoteRefusal::Lease) {
            let refused = VoteResponse { term: self.term, asked, granted };
            return self.effects.push(Effect::Respond { call, response: Response::Vote(refused) });
        }
        let vote = granted.then_some(candidate);
        if asked > self.term {
            self.begin_term(asked, vote);
        } else if granted && self.vote.is_none() {
            self.set_term_and_vote(asked, vote);
        }
        let response = Response::Vote(VoteResponse { term: self.term, asked, granted });
        if granted {
            let fresh = self.draw_deadline();
            match &mut self.role {
                Role::Follower { deadline, .. } => *deadline = fresh,
                _ => self.become_follower(None),
            }
            self.once_durable(Consequence::Respond { call, response });
        } else {
            self.effects.push(Effect::Respond { call, response });
        }
    }

    /// Counts a vote, if it is one of this candidacy.
    pub(super) fn vote_answered(&mut self, from: NodeId, response: VoteResponse) {
        if response.term > self.term {
            return self.adopt_term(response.term);
        }
        let from = self.name_to_count(from);
        if self.is_granted(&response)
            && (response.asked == self.term || self.has(Bug::StaleVoteCounted))
            && let Role::Candidate { granted, .. } = &mut self.role
        {
            granted.insert(from);
            self.lead_if_elected();
        }
    }

    /// A candidate leads once a majority voted for it, itself included: its own vote counts only
    /// when it is durable, and before that no other node was asked.
    fn lead_if_elected(&mut self) {
        if let Role::Candidate { granted, .. } = &self.role
            && self.configuration.has_quorum(|id| granted.contains(id))
        {
            assert!(granted.contains(&self.options.id), "its own vote is among them");
            self.lead();
        }
    }

    fn vote_request(&self, term: u64) -> VoteRequest {
        VoteRequest {
            term,
            candidate: self.options.id.clone(),
            last_index: self.log.last_index(),
            last_term: self.log.last_term(),
            disrupts_leader: self.was_asked_to_stand_in(term),
        }
    }

    /// A fresh election deadline.
    pub(super) fn draw_deadline(&mut self) -> Time {
        self.now + self.jitter.election_timeout(&self.options.timings)
    }
}

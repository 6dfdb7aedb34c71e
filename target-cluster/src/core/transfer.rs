//! Leadership handed over on request (thesis, §3.10).
//!
//! First the successor catches up, while commands go on: until it lacks no more than one append
//! carries. Then the leader takes no more commands, sends the rest and asks the successor to stand at once.
//! The first step lasts for the longest election timeout at most, the rest for the shortest: a leader
//! that still leads after it takes commands again (hashicorp/raft#487, openraft#2088 are what comes of a
//! transfer that does not end, or that accepts commands which no node will have). As long as the successor
//! was not asked to stand, for which it must hold the whole log, nothing was done, and the refusal says
//! so; one that lacks what only a snapshot holds is refused at once.
//!
//! Reads go on: their rounds find out by themselves whether this node still leads. Commands accepted
//! before are in the successor's log when it is asked to stand, so the next leader commits them;
//! the clients that wait for them here get `leadership_lost`, as at any other end of a leadership.
//!
//! The request for the transfer is answered when the successor is heard to lead, by a leader that
//! has become follower.

use super::{
    Effect, Node, NodeId, Refusal, Reply, Request, Response, Role, Time, TimeoutNowRequest,
    TimeoutNowResponse,
};
use crate::bugs::Bug;

/// A transfer on its way.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Transfer {
    /// The driver's number for the request.
    request: u64,
    /// The node that is to lead.
    pub(super) to: NodeId,
    /// The term of the leader that was asked.
    term: u64,
    /// The time when it is over.
    pub(super) deadline: Time,
    /// The step that it has come to.
    pub(super) step: Step,
}

/// A step of a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Step {
    /// The successor catches up; commands are taken.
    CatchUp,
    /// It gets the rest; commands are not taken.
    HandOver,
    /// It was asked to stand.
    Asked,
}

impl Node {
    /// The node `to` is wanted to lead.
    pub(super) fn begin_transfer(&mut self, request: u64, to: NodeId) {
        if !matches!(self.role, Role::Leader(_)) {
            let leader = self.standing().leader;
            return self.refuse(request, Refusal::NotLeader { leader });
        }
        if self.transfer.is_some() {
            return self.refuse(request, Refusal::Transferring);
        }
        if !self.configuration.is_voter(&to) {
            return self.refuse(request, Refusal::NotAVoter(to));
        }
        let deadline = self.now + self.options.timings.election_max;
        self.transfer =
            Some(Transfer { request, to, term: self.term, deadline, step: Step::CatchUp });
        self.ask_successor();
    }

    /// True if this node hands over, or did a moment ago: it takes no commands.
    pub(super) fn hands_over(&self) -> bool {
        self.transfer.as_ref().is_some_and(|transfer| transfer.step != Step::CatchUp)
    }

    /// True if this node leads, heard a majority lately and does not hand over: a command that it takes
    /// is committed.
    pub(crate) fn can_commit(&self) -> bool {
        self.hears_majority() && !self.hands_over()
    }

    /// The voter to hand over to, if this node leads: of those that answered lately the one that holds
    /// most of the log.
    pub(crate) fn best_successor(&self) -> Option<NodeId> {
        let timeout = self.options.timings.election_min;
        let Role::Leader(leader) = &self.role else { return None };
        let voters =
            leader.peers.iter().filter(|(id, _)| self.configuration.voters().contains(*id));
        let heard = voters.filter(|(_, peer)| self.now < peer.contact + timeout);
        heard.max_by_key(|(_, peer)| peer.matched).map(|(name, _)| name.clone())
    }

    /// Takes the steps of a transfer that are due. The successor is asked to stand once it holds the whole
    /// log, which grows no more: before that no node might vote for it. It is asked once. If that is lost,
    /// the transfer fails and can be asked for again.
    pub(super) fn ask_successor(&mut self) {
        let (Role::Leader(leader), Some(transfer)) = (&self.role, &mut self.transfer) else {
            return;
        };
        let Some(progress) = leader.peers.get(&transfer.to) else { return };
        let lacks = self.log.last_index().saturating_sub(progress.matched);
        if transfer.step == Step::CatchUp {
            if progress.gets_snapshot() {
                return self.refuse_transfer(Refusal::SuccessorBehind);
            }
            if lacks > self.options.settings.append_entries as u64 {
                return;
            }
            transfer.step = Step::HandOver;
            transfer.deadline = match self.options.bugs.contains(&Bug::TransferWithoutEnd) {
                true => Time::MAX,
                false => self.now + self.options.timings.election_min,
            };
        }
        if transfer.step == Step::HandOver && lacks == 0 {
            transfer.step = Step::Asked;
            let to = transfer.to.clone();
            self.ask_to_stand(to);
        }
    }

    /// Asks a node to stand at once, whose log is as long as any that is needed.
    pub(super) fn ask_to_stand(&mut self, to: NodeId) {
        let (term, leader) = (self.term, self.options.id.clone());
        let request = Request::TimeoutNow(TimeoutNowRequest { term, leader });
        self.effects.push(Effect::Call { to, request });
        self.give_lease_up();
    }

    /// The leader wants this node to lead: it stands without asking whether it could win. One that
    /// is of another term, or leads, has nothing to take over.
    pub(super) fn timeout_now_requested(&mut self, call: u64, request: TimeoutNowRequest) {
        let response = Response::TimeoutNow(TimeoutNowResponse { term: self.term });
        self.effects.push(Effect::Respond { call, response });
        if request.term == self.term && self.may_stand() && !matches!(self.role, Role::Leader(_)) {
            self.stand();
            self.note_that_leader_asked();
        }
    }

    /// The successor heard, or is in a later term.
    pub(super) fn timeout_now_answered(&mut self, response: TimeoutNowResponse) {
        if response.term > self.term {
            self.adopt_term(response.term);
        }
    }

    /// Ends the transfer and answers its request, if it has succeeded or its time is over.
    pub(super) fn end_transfer(&mut self) {
        let Some(transfer) = &self.transfer else { return };
        let leader = self.standing().leader;
        let another_leads = leader.is_some() && self.term > transfer.term;
        let is_over = transfer.deadline <= self.now;
        match leader {
            Some(leader) if leader == transfer.to => {
                let reply = Reply::Transferred { leader, term: self.term };
                self.effects.push(Effect::Reply { request: transfer.request, reply });
                self.transfer = None;
            }
            _ if is_over && transfer.step != Step::Asked => {
                self.refuse_transfer(Refusal::SuccessorBehind);
            }
            _ if is_over || another_leads => self.refuse_transfer(Refusal::TransferFailed),
            _ => {}
        }
    }

    /// Ends the transfer without success.
    fn refuse_transfer(&mut self, refusal: Refusal) {
        if let Some(transfer) = self.transfer.take() {
            self.refuse(transfer.request, refusal);
        }
    }
}

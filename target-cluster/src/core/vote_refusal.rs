//! The reasons for which a node gives no vote.

use serde::Serialize;

use super::{Node, Request, Role, Time, VoteRequest};

/// The reason for which a node gives neither vote nor pre-vote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum VoteRefusal {
    /// It is in a later term, or, asked for a pre-vote, in that term already.
    StaleTerm,
    /// It leads, or has heard a leader within the shortest election timeout.
    HasLeader,
    /// A leader may hold a lease that rests on its promise.
    Lease,
    /// It voted for another node in that term.
    Voted,
    /// Its own log ends behind the candidate's.
    LogBehind,
}

impl Node {
    /// The reason for which a request for a vote or pre-vote is refused at the time `now`; none if it is
    /// granted, or another request.
    pub(crate) fn refuses_vote_of(&self, now: Time, request: &Request) -> Option<VoteRefusal> {
        match request {
            Request::PreVote(request) => self.refuses_pre_vote(now, request),
            Request::Vote(request) => self.refuses_vote(now, request),
            _ => None,
        }
    }

    /// The reason for which a pre-vote is refused. One who would not begin a later term is refused, and
    /// learns the term from the answer: else a node of an old term could never be elected
    /// (canonical/raft#279).
    pub(super) fn refuses_pre_vote(&self, now: Time, request: &VoteRequest) -> Option<VoteRefusal> {
        let has_leader = match &self.role {
            Role::Leader(_) => true,
            Role::Follower { leader: Some(_), heard, .. } => {
                now < *heard + self.options.timings.election_min
            }
            _ => false,
        };
        if has_leader {
            Some(VoteRefusal::HasLeader)
        } else if request.term <= self.term {
            Some(VoteRefusal::StaleTerm)
        } else {
            self.refuses_log(request)
        }
    }

    /// The reason for which a vote is refused.
    pub(super) fn refuses_vote(&self, now: Time, request: &VoteRequest) -> Option<VoteRefusal> {
        let for_another = self.vote.as_ref().is_some_and(|vote| *vote != request.candidate);
        if self.is_bound_against(now, request) {
            Some(VoteRefusal::Lease)
        } else if request.term < self.term {
            Some(VoteRefusal::StaleTerm)
        } else if request.term == self.term && for_another {
            Some(VoteRefusal::Voted)
        } else {
            self.refuses_log(request)
        }
    }

    fn refuses_log(&self, request: &VoteRequest) -> Option<VoteRefusal> {
        let covered = self.log.is_covered_by(request.last_term, request.last_index);
        (!covered).then_some(VoteRefusal::LogBehind)
    }
}

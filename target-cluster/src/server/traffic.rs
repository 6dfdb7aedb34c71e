//! The messages between the nodes, for the event stream. Votes are rare and reported one by one; appends
//! come by the thousand, and are reported as sums.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::events::{Appends, Direction, Events, Vote, VoteStep};
use crate::core::{AppendResult, NodeId, Request, Response, Status};

/// The shortest time between two reports of appends and of the commit index: often enough to draw them,
/// rare enough to cost nothing.
const INTERVAL: Duration = Duration::from_millis(100);

/// The messages that this node sends and gets.
pub(super) struct Traffic {
    /// The appends since the last report, by the other node.
    appends: BTreeMap<(Direction, NodeId), Appends>,
    /// The requests for this node's vote that are not answered yet, by the number of the call.
    asked: BTreeMap<u64, Vote>,
    /// The commit and applied indices reported last.
    reported: (u64, u64),
    /// The time of the last report.
    when: Instant,
}

impl Traffic {
    /// Nothing was sent yet.
    pub(super) fn new(now: Instant) -> Traffic {
        Traffic { appends: BTreeMap::new(), asked: BTreeMap::new(), reported: (0, 0), when: now }
    }

    /// This node asks another one.
    pub(super) fn asks(&mut self, to: &NodeId, request: &Request, events: &Events) {
        if let Some((pre, term)) = vote(request) {
            events.vote(VoteStep::Asked, &Vote { other: to.clone(), term, pre });
        } else if let Request::Append(append) = request {
            self.appended(Direction::To, to, append.entries.len());
        }
    }

    /// Another node answered this one.
    pub(super) fn answered(&mut self, from: &NodeId, response: &Response, events: &Events) {
        let (pre, vote) = match response {
            Response::PreVote(vote) => (true, vote),
            Response::Vote(vote) => (false, vote),
            Response::Append(append) => {
                if let AppendResult::Accepted(through) = append.result {
                    let appends = self.appends.entry((Direction::To, from.clone())).or_default();
                    appends.accepted = appends.accepted.max(Some(through));
                }
                return;
            }
            Response::InstallSnapshot(_)
            | Response::TimeoutNow(_)
            | Response::ReadIndex(_)
            | Response::Clock(_) => return,
        };
        let step = if vote.granted { VoteStep::Received } else { VoteStep::NotReceived };
        events.vote(step, &Vote { other: from.clone(), term: vote.asked, pre });
    }

    /// Another node asks this one.
    pub(super) fn asked(&mut self, call: u64, request: &Request) {
        if let Some((pre, term)) = vote(request) {
            self.asked.insert(call, Vote { other: request.sender().clone(), term, pre });
        } else if let Request::Append(append) = request {
            self.appended(Direction::From, &append.leader, append.entries.len());
        }
    }

    /// This node answers another one.
    pub(super) fn answers(&mut self, call: u64, response: &Response, events: &Events) {
        if let Response::PreVote(answer) | Response::Vote(answer) = response
            && let Some(vote) = self.asked.remove(&call)
        {
            let step = if answer.granted { VoteStep::Granted } else { VoteStep::Refused };
            events.vote(step, &vote);
        }
    }

    fn appended(&mut self, direction: Direction, other: &NodeId, entries: usize) {
        // Heartbeats say nothing but that nothing happened.
        if entries > 0 {
            let appends = self.appends.entry((direction, other.clone())).or_default();
            appends.calls += 1;
            appends.entries += entries as u64;
        }
    }

    /// Reports appends, and how far the log is committed and applied, if it is time and there is news.
    pub(super) fn report(&mut self, status: &Status, events: &Events) {
        let progress = (status.commit, status.applied);
        let is_news = progress != self.reported || !self.appends.is_empty();
        if !is_news || self.when.elapsed() < INTERVAL {
            return;
        }
        self.when = Instant::now();
        for ((direction, other), appends) in std::mem::take(&mut self.appends) {
            events.appends(direction, &other, &appends);
        }
        if progress != self.reported {
            self.reported = progress;
            events.commit(status.commit, status.applied);
        }
    }
}

/// True for a pre-vote, and the term, if a vote is asked for.
fn vote(request: &Request) -> Option<(bool, u64)> {
    match request {
        Request::PreVote(request) => Some((true, request.term)),
        Request::Vote(request) => Some((false, request.term)),
        Request::Append(_)
        | Request::InstallSnapshot(_)
        | Request::TimeoutNow(_)
        | Request::ReadIndex(_)
        | Request::Clock(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::{AppendRequest, AppendResponse, VoteRequest, VoteResponse};
    use crate::server::events::collected;

    fn append(entries: usize) -> Request {
        let entry = crate::core::Entry { index: 1, term: 1, payload: crate::core::Payload::Noop };
        Request::Append(AppendRequest {
            term: 1,
            leader: "n1".into(),
            previous_index: 0,
            previous_term: 0,
            entries: vec![entry.into(); entries],
            commit: 0,
            round: 0,
        })
    }

    #[test]
    fn votes_are_reported_one_by_one_and_appends_as_sums() {
        let (events, lines) = collected();
        let mut traffic = Traffic::new(Instant::now());
        let (n2, n3) = (NodeId::from("n2"), NodeId::from("n3"));
        let vote = VoteRequest {
            term: 3,
            candidate: "n3".into(),
            last_index: 0,
            last_term: 0,
            disrupts_leader: false,
        };
        let answer = VoteResponse { term: 3, asked: 3, granted: true };
        traffic.asks(&n2, &Request::PreVote(vote.clone()), &events);
        traffic.answered(&n2, &Response::PreVote(answer.clone()), &events);
        traffic.asked(7, &Request::Vote(vote));
        let refusal = VoteResponse { granted: false, ..answer };
        traffic.answers(7, &Response::Vote(refusal), &events);
        for entries in [0, 2, 3] {
            traffic.asks(&n3, &append(entries), &events);
            traffic.asked(8, &append(entries));
        }
        let accepted = AppendResult::Accepted(5);
        let accepted =
            AppendResponse { term: 1, round: 0, result: accepted, promise: Duration::ZERO };
        traffic.answered(&n3, &Response::Append(accepted), &events);
        let status = |commit| Status {
            role: crate::core::RoleName::Leader,
            term: 1,
            leader: None,
            commit,
            applied: commit,
            last_index: 9,
            base: 0,
            snapshot: 0,
            configuration: crate::core::Configuration::default(),
            incarnation: None,
            displaced: None,
        };
        traffic.report(&status(5), &events);
        assert_eq!(lines.try_iter().count(), 3, "sums wait for their time");
        std::thread::sleep(INTERVAL);
        for _ in 0..2 {
            traffic.report(&status(5), &events);
        }
        let expected = [
            json!({"event": "append", "to": "n3", "calls": 2, "entries": 5, "accepted": 5}),
            json!({"event": "append", "from": "n1", "calls": 2, "entries": 5}),
            json!({"event": "commit", "index": 5, "applied": 5}),
        ];
        assert_eq!(lines.try_iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn of_votes_the_stream_says_who_gave_them_to_whom() {
        let (events, lines) = collected();
        let vote = Vote { other: "n2".into(), term: 3, pre: true };
        let steps = [
            (VoteStep::Asked, json!({"event": "vote-asked", "of": "n2", "term": 3, "pre": true})),
            (
                VoteStep::Granted,
                json!({"event": "vote-granted", "to": "n2", "term": 3, "pre": true}),
            ),
            (
                VoteStep::Refused,
                json!({"event": "vote-refused", "to": "n2", "term": 3, "pre": true}),
            ),
        ];
        for (step, expected) in steps {
            events.vote(step, &vote);
            assert_eq!(lines.try_iter().collect::<Vec<_>>(), [expected]);
        }
    }
}

//! Messages between nodes, and the network that holds them.

use std::fmt;
use std::sync::Arc;

use cluster::core::{AppendResult, NodeId, Request, Response, RoleName};

use super::fingerprint::fingerprint;
use super::member::Known;

/// A message on its way between two nodes.
#[derive(Debug)]
pub(crate) struct Message {
    /// The node that sent it, by position.
    pub from: usize,
    /// The node that it is for.
    pub to: usize,
    /// Its content.
    pub body: Body,
    /// Stands for all of the above.
    pub fingerprint: u64,
}

/// The content of a message.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Body {
    /// A question.
    Request(Request),
    /// The answer to one.
    Response(Response),
}

impl Message {
    /// A message with that content.
    pub(crate) fn new(from: usize, to: usize, body: Body) -> Message {
        let fingerprint = fingerprint(&(from, to, &body));
        Message { from, to, body, fingerprint }
    }

    /// True for pre-votes and their answers.
    pub(crate) fn is_pre_vote(&self) -> bool {
        matches!(
            self.body,
            Body::Request(Request::PreVote(_)) | Body::Response(Response::PreVote(_))
        )
    }

    /// True if it is a vote or pre-vote that was given.
    pub(crate) fn grants(&self) -> bool {
        match &self.body {
            Body::Response(Response::PreVote(vote) | Response::Vote(vote)) => vote.granted,
            _ => false,
        }
    }

    /// True if neither it nor its answer can change anything any more, as long as terms do not fall.
    pub(crate) fn is_spent(&self, members: &[Arc<Known>]) -> bool {
        let (from, to) = (members[self.from].node.status(), members[self.to].node.status());
        match &self.body {
            Body::Response(response) => {
                let awaited = match response {
                    Response::PreVote(_) => false,
                    Response::Vote(vote) => {
                        vote.granted && vote.asked == to.term && to.role == RoleName::Candidate
                    }
                    Response::Append(append) => {
                        append.term == to.term
                            && append.result != AppendResult::StaleTerm
                            && to.role == RoleName::Leader
                    }
                    Response::InstallSnapshot(part) => part.term == to.term,
                    Response::TimeoutNow(_) | Response::ReadIndex(_) | Response::Clock(_) => false,
                };
                response.term() <= to.term && !awaited
            }
            // The answer to what is of an old term says so, to one who knows already.
            Body::Request(request) if request.term() < to.term => from.term >= to.term,
            // A vote for one who stands no more.
            Body::Request(Request::Vote(request)) => {
                request.term == to.term && from.role != RoleName::Candidate
            }
            Body::Request(_) => false,
        }
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = (name(self.from), name(self.to));
        match &self.body {
            Body::Request(Request::PreVote(vote) | Request::Vote(vote)) => write!(
                f,
                "request for a vote in term {}, {from} to {to} (log ends at {} of term {})",
                vote.term, vote.last_index, vote.last_term
            ),
            Body::Request(Request::Append(append)) => {
                let kind = if append.entries.is_empty() { "heartbeat" } else { "append" };
                write!(f, "{kind} of term {}, {from} to {to}", append.term)?;
                if !append.entries.is_empty() {
                    let terms: Vec<u64> = append.entries.iter().map(|it| it.term).collect();
                    let (index, term) = (append.previous_index, append.previous_term);
                    write!(f, " (entries of terms {terms:?} behind {index} of term {term})")?;
                }
                write!(f, " (commit {}, read round {})", append.commit, append.round)
            }
            Body::Request(Request::InstallSnapshot(part)) => {
                let (index, offset, term) = (part.index, part.offset, part.term);
                write!(
                    f,
                    "snapshot through {index} from byte {offset} on, {from} to {to} (term {term})"
                )
            }
            Body::Request(Request::TimeoutNow(request)) => {
                write!(
                    f,
                    "request to stand, from the leader {from} of term {} to {to}",
                    request.term
                )
            }
            Body::Request(Request::ReadIndex(_) | Request::Clock(_))
            | Body::Response(Response::ReadIndex(_) | Response::Clock(_)) => {
                write!(f, "question of another way of reading, {from} to {to}")
            }
            Body::Response(Response::PreVote(vote) | Response::Vote(vote)) => {
                let vote_is = if vote.granted { "vote" } else { "refused vote" };
                write!(f, "{vote_is} for term {}, {from} to {to} (term {})", vote.asked, vote.term)
            }
            Body::Response(Response::Append(append)) => write!(
                f,
                "answer {:?}, {from} to {to} (term {}, read round {})",
                append.result, append.term, append.round
            ),
            Body::Response(Response::InstallSnapshot(part)) => {
                let (index, offset, term) = (part.index, part.offset, part.term);
                write!(
                    f,
                    "answer that {offset} bytes of the snapshot through {index} came, {from} to {to} \
                     (term {term})"
                )
            }
            Body::Response(Response::TimeoutNow(response)) => {
                write!(f, "answer to the request to stand, {from} to {to} (term {})", response.term)
            }
        }
    }
}

/// The messages that may still arrive: every one that was sent. One that is delivered stays, since
/// the network may repeat it; one that is never delivered is lost; they arrive in any order.
#[derive(Debug, Default)]
pub(crate) struct Network {
    /// Ordered by fingerprint, each once.
    pub messages: Vec<Arc<Message>>,
    /// Stands for all of them.
    pub fingerprint: u64,
}

impl Network {
    /// True if that message may arrive already.
    pub(crate) fn holds(&self, message: &Arc<Message>) -> bool {
        let wanted = message.fingerprint;
        self.messages.binary_search_by_key(&wanted, |it| it.fingerprint).is_ok()
    }

    /// The network after some more were sent, without those that are spent.
    pub(crate) fn with(
        self: &Arc<Network>,
        sent: &[Arc<Message>],
        is_spent: impl Fn(&Arc<Message>) -> bool,
    ) -> Arc<Network> {
        let is_new = |message: &&Arc<Message>| !self.holds(message) && !is_spent(message);
        if !sent.iter().any(|message| is_new(&message)) && !self.messages.iter().any(&is_spent) {
            return Arc::clone(self);
        }
        let kept = self.messages.iter().filter(|message| !is_spent(message));
        let mut messages: Vec<_> = kept.chain(sent.iter().filter(is_new)).cloned().collect();
        messages.sort_unstable_by_key(|message| message.fingerprint);
        messages.dedup_by_key(|message| message.fingerprint);
        let fingerprints: Vec<u64> = messages.iter().map(|it| it.fingerprint).collect();
        Arc::new(Network { fingerprint: fingerprint(&fingerprints), messages })
    }
}

/// The name of the node at a position.
pub(crate) fn name(position: usize) -> String {
    format!("n{}", position + 1)
}

/// The position of a node.
pub(crate) fn position(id: &NodeId) -> usize {
    let number: usize = id.as_str()[1..].parse().expect("nodes are n1, n2, …");
    number - 1
}

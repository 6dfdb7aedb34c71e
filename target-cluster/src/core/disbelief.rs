//! The claims of other nodes that cannot be true, although each is in a message of this protocol. An
//! honest node makes none of them, however late its message is; nothing of one that does is heeded,
//! and no assertion of the core rests on what others claim.
//!
//! One contradiction is no reason for disbelief: entries that would replace committed ones. Those can
//! come from an honest leader, where a majority lost its disks; a node that sees them stops.

use super::{AppendResult, Incarnation, Node, NodeId, Request, Response, Role, Stamp};

/// The most that a term of another node may be ahead of the own one; what says more is not heeded. An
/// honest node is never so far ahead: at an election each millisecond, this one would have been away
/// for 49 days. Without it, one message with a term close to the highest there can be would move every
/// node there, for ever, and leave no terms for elections.
const TERM_LEAP_MAX: u64 = 1 << 32;

/// A claim that is not believed, and the truth that it goes beyond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Disbelief {
    /// Another node cannot have come to that term.
    #[error("to be in term {claimed}: its own is {own}")]
    Term { claimed: u64, own: u64 },
    /// No follower holds more of a leader's log than there is.
    #[error("to hold entry {claimed}: its own log ends with {last}")]
    Entry { claimed: u64, last: u64 },
    /// No follower confirms a read round that was not begun.
    #[error("to confirm read round {claimed}: its latest is {latest}")]
    Round { claimed: u64, latest: u64 },
    /// The sender has the name of a member, and another data directory.
    #[error(
        "to be the member of that name: that one has the data directory {known}, and this is {}. \
         If its disk was replaced, remove the member and add it again", of(.claimed)
    )]
    Sender { claimed: Option<Incarnation>, known: Incarnation },
    /// The message is meant for a node of the same name with another data directory.
    #[error("that this node is the one it asks: it means the one with the data directory {known}")]
    Receiver { known: Incarnation },
}

/// A claimed incarnation in words.
fn of(claimed: &Option<Incarnation>) -> String {
    claimed.map_or("one without a number".to_string(), |claimed| claimed.to_string())
}

impl Disbelief {
    /// True if both are about the same claim, though the truth may have moved on.
    pub(crate) fn is_about_the_same(&self, other: &Disbelief) -> bool {
        use Disbelief::{Entry, Receiver, Round, Sender, Term};
        match (self, other) {
            (Term { claimed, .. }, Term { claimed: other, .. })
            | (Entry { claimed, .. }, Entry { claimed: other, .. })
            | (Round { claimed, .. }, Round { claimed: other, .. }) => claimed == other,
            (Sender { .. }, Sender { .. }) | (Receiver { .. }, Receiver { .. }) => self == other,
            _ => false,
        }
    }
}

impl Node {
    /// The reason for which nothing of a request is heeded, but for a refusal.
    pub(crate) fn disbelieves_request(
        &self,
        stamp: &Stamp,
        request: &Request,
    ) -> Option<Disbelief> {
        let of_sender = match request {
            Request::Append(_) | Request::InstallSnapshot(_) => None,
            _ => self.disbelieves_sender(request.sender(), stamp),
        };
        let disbelief = of_sender.or_else(|| self.disbelieves_receiver(stamp));
        disbelief.or_else(|| self.disbelieves_term(request.term()))
    }

    /// The reason for which nothing of a response is heeded.
    pub(crate) fn disbelieves_response(
        &self,
        from: &NodeId,
        stamp: &Stamp,
        response: &Response,
    ) -> Option<Disbelief> {
        let of_receiver = match response {
            Response::Append(_) | Response::InstallSnapshot(_) => None,
            _ => self.disbelieves_receiver(stamp),
        };
        let disbelief = self.disbelieves_sender(from, stamp).or(of_receiver);
        if let Some(disbelief) = disbelief.or_else(|| self.disbelieves_term(response.term())) {
            return Some(disbelief);
        }
        // Of another term it may speak of another leadership, which had other rounds and entries. So
        // does an answer that the request's term is over.
        let (Response::Append(response), Role::Leader(leader)) = (response, &self.role) else {
            return None;
        };
        if response.term != self.term || response.result == AppendResult::StaleTerm {
            return None;
        }
        let (latest, last) = (leader.reads.round(), self.log.last_index());
        match response.result {
            AppendResult::Accepted(claimed) if claimed > last => {
                Some(Disbelief::Entry { claimed, last })
            }
            _ if response.round > latest => {
                Some(Disbelief::Round { claimed: response.round, latest })
            }
            _ => None,
        }
    }

    fn disbelieves_term(&self, claimed: u64) -> Option<Disbelief> {
        let own = self.term;
        (claimed > own.saturating_add(TERM_LEAP_MAX)).then_some(Disbelief::Term { claimed, own })
    }
}

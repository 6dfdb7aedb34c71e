//! Incarnations: a member that lost its disk is not taken for itself.
//!
//! A node that comes back under its old name with an empty disk has forgotten for whom it voted and what it
//! acknowledged, and the others still count on both. So each data directory has an incarnation, a random
//! number that every message carries, and a leader notes those that it hears of in the configuration, in the
//! log. From then on a message of that name with another incarnation is not heeded, but for a refusal; nor
//! is one by a node that it is not meant for. The node is of use again once it is removed, which the others
//! decide without it, and added as a new member.
//!
//! The requests of a leader, and the answers to them, are heeded whichever directory of it is noted: a
//! majority took it for itself when it was elected. Else a follower that was away meanwhile, and has the old
//! note, could not hear of the new one from a leader that was removed and added again.
//!
//! Votes and entries of members whose incarnation is not noted yet do count: else a cluster could not begin.
//! So until the others hold that note durably, a member that is wiped may still be taken for itself. Nothing
//! but a founding that needs every founder could close that gap: to a node that heard nothing since then, a
//! wiped one is the same as one that is new. A node that joins later is noted before it votes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Configuration, Disbelief, Node, NodeId, Role};
use crate::bugs::Bug;

/// The number of a data directory, drawn when it is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Incarnation(u64);

impl Incarnation {
    /// That of the disk which takes the place of this one, in a world where nothing is random.
    pub(crate) fn of_next_disk(self) -> Incarnation {
        Incarnation(self.0 + 0x100)
    }
}

impl From<u64> for Incarnation {
    fn from(number: u64) -> Incarnation {
        Incarnation(number)
    }
}

impl From<Incarnation> for String {
    fn from(incarnation: Incarnation) -> String {
        incarnation.to_string()
    }
}

impl TryFrom<String> for Incarnation {
    type Error = NoIncarnation;

    fn try_from(text: String) -> Result<Incarnation, NoIncarnation> {
        text.parse()
    }
}

impl fmt::Display for Incarnation {
    /// Sixteen hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// A text that is no incarnation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an incarnation is 16 hexadecimal digits, not {0:?}")]
pub struct NoIncarnation(String);

impl FromStr for Incarnation {
    type Err = NoIncarnation;

    fn from_str(text: &str) -> Result<Incarnation, NoIncarnation> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let number = u64::from_str_radix(text, 16).ok();
        let number = number.filter(|_| text.len() == 16 && text.bytes().all(is_digit));
        number.map(Incarnation).ok_or_else(|| NoIncarnation(text.to_string()))
    }
}

/// The incarnations of the two nodes of a message, as its sender knows them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Stamp {
    /// That of the sender; none if its data directory is of a version without.
    pub from: Option<Incarnation>,
    /// That noted for the receiver, if one is.
    pub to: Option<Incarnation>,
}

/// A node's notice that others count on another data directory under its name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Displaced {
    /// The node that said so first.
    pub by: NodeId,
    /// The incarnation of the directory that they count on.
    pub known: Incarnation,
}

impl Displaced {
    /// The sentences that tell an operator of the node `id` what that means, and what to do.
    pub fn advice(&self, id: &NodeId) -> String {
        let Displaced { by, known } = self;
        format!(
            "{by} knows {id} by the data directory {known}, and this is another one. If that still is \
             somewhere, start the node on it. If it is lost, so are the votes and acknowledgements in \
             it, and this directory must not stand in for it: remove {id} from the cluster and add it \
             again, by POST /admin/members with {{\"remove\":\"{id}\"}} and then \
             {{\"add\":\"{id}\",\"address\":\"HOST:PORT\"}}; it can go on running"
        )
    }
}

impl Node {
    /// The notice that others count on another data directory under this node's name.
    pub fn displaced(&self) -> Option<&Displaced> {
        self.displaced.as_ref()
    }

    /// The stamp of a message to another node.
    pub fn stamp_for(&self, to: &NodeId) -> Stamp {
        Stamp { from: self.options.incarnation, to: self.known_incarnation(to) }
    }

    /// That noted for a node, or heard by this leader, which is about to note it.
    fn known_incarnation(&self, id: &NodeId) -> Option<Incarnation> {
        let heard = match &self.role {
            Role::Leader(leader) => leader.peers.get(id).and_then(|peer| peer.incarnation),
            _ => None,
        };
        self.configuration.incarnation(id).or(heard)
    }

    /// The reason for which a message is not heeded: its sender is not the member of that name.
    pub(super) fn disbelieves_sender(&self, from: &NodeId, stamp: &Stamp) -> Option<Disbelief> {
        let known = self.known_incarnation(from).filter(|known| Some(*known) != stamp.from);
        let disbelief = known.map(|known| Disbelief::Sender { claimed: stamp.from, known });
        disbelief.filter(|_| !self.has(Bug::WipedVoterVotes))
    }

    /// The reason for which a message is not heeded: this node is not the one that it is meant for.
    pub(super) fn disbelieves_receiver(&self, stamp: &Stamp) -> Option<Disbelief> {
        let own = self.options.incarnation;
        let known = stamp.to.filter(|known| own.is_some_and(|own| own != *known));
        let disbelief = known.map(|known| Disbelief::Receiver { known });
        disbelief.filter(|_| !self.has(Bug::WipedVoterVotes))
    }

    /// Notes that others count on another directory, or do not any more.
    pub(super) fn note_displacement(
        &mut self,
        from: &NodeId,
        stamp: &Stamp,
        disbelief: Option<&Disbelief>,
    ) {
        match disbelief {
            // All the others say the same.
            Some(Disbelief::Receiver { known })
                if self.displaced.as_ref().is_none_or(|before| before.known != *known) =>
            {
                self.displaced = Some(Displaced { by: from.clone(), known: *known });
            }
            Some(Disbelief::Receiver { .. } | Disbelief::Sender { .. }) => {}
            _ if stamp.to.is_some() => self.displaced = None,
            _ => {}
        }
    }

    /// A leader hears the incarnation of another node: the first one counts.
    pub(super) fn hear_incarnation(&mut self, from: &NodeId, stamp: &Stamp) {
        if let Role::Leader(leader) = &mut self.role
            && let Some(peer) = leader.peers.get_mut(from)
        {
            peer.incarnation = peer.incarnation.or(stamp.from);
        }
    }

    /// The configuration in force with the incarnations that this leader has heard of, if some of them
    /// are not noted.
    pub(super) fn with_incarnations(&self) -> Option<Configuration> {
        let own = self.options.incarnation.map(|own| (&self.options.id, own));
        let Role::Leader(leader) = &self.role else { return None };
        let heard = leader.peers.iter().filter_map(|(id, peer)| Some((id, peer.incarnation?)));
        let now = &*self.configuration;
        let is_new = |id: &NodeId| now.is_member(id) && now.incarnation(id).is_none();
        let mut unnoted = own.into_iter().chain(heard).filter(|(id, _)| is_new(id)).peekable();
        // This is looked at in every step, and hardly ever is anything new.
        unnoted.peek()?;
        let mut noted = now.clone();
        unnoted.for_each(|(id, heard)| noted.note_incarnation(id, heard));
        Some(noted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_incarnation_is_sixteen_digits() {
        let incarnation = Incarnation::from(0x2a);
        assert_eq!(incarnation.to_string(), "000000000000002a");
        assert_eq!("000000000000002a".parse(), Ok(incarnation));
        for bad in ["2a", "+00000000000002a", "000000000000002A", "00000000000000002a", ""] {
            assert_eq!(bad.parse::<Incarnation>(), Err(NoIncarnation(bad.to_string())));
        }
    }
}

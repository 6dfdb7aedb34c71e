//! The nodes at which something is to be seen.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The nodes at which a trigger looks. In files a word: `any`, `leader`, `follower`,
/// `former-leader`, `clients`, or else the name of a node, or one that an earlier fault gave with
/// `as`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Place {
    /// Every node.
    #[default]
    Any,
    /// The node that leads at the time.
    Leader,
    /// Every node that does not lead at the time.
    Follower,
    /// The node that lost leadership last.
    FormerLeader,
    /// The clients, as an end of a message.
    Clients,
    /// The node of this name, or the nodes to which an earlier fault gave it.
    Named(String),
}

impl From<String> for Place {
    fn from(word: String) -> Self {
        match word.as_str() {
            "any" => Self::Any,
            "leader" => Self::Leader,
            "follower" => Self::Follower,
            "former-leader" => Self::FormerLeader,
            "clients" => Self::Clients,
            _ => Self::Named(word),
        }
    }
}

impl From<Place> for String {
    fn from(place: Place) -> Self {
        match place {
            Place::Any => "any".to_owned(),
            Place::Leader => "leader".to_owned(),
            Place::Follower => "follower".to_owned(),
            Place::FormerLeader => "former-leader".to_owned(),
            Place::Clients => "clients".to_owned(),
            Place::Named(name) => name,
        }
    }
}

impl Place {
    /// Returns true if it is never more than one end of a link.
    pub(super) fn is_one(&self) -> bool {
        matches!(self, Self::Leader | Self::FormerLeader | Self::Clients)
    }

    /// Returns true if it is a role, which some services do not tell.
    pub(super) fn is_role(&self) -> bool {
        matches!(self, Self::Leader | Self::Follower | Self::FormerLeader)
    }

    /// Returns true if it is any node.
    pub fn is_any(&self) -> bool {
        *self == Self::Any
    }
}

/// `any node`, `the leader`, `n2`
impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Any => "any node",
            Self::Leader => "the leader",
            Self::Follower => "a follower",
            Self::FormerLeader => "the former leader",
            Self::Clients => "the clients",
            Self::Named(name) => name,
        })
    }
}

//! The kinds of events that faults wait for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::names::{self, UnknownName};

/// A kind of event that a fault can wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum TriggerKind {
    /// An operation of a client was acknowledged.
    Acknowledged,
    /// A node calls its disk.
    Disk,
    /// A message is on a link.
    Message,
    /// A node has another role than before.
    Role,
    /// A node is in a later term than any was before.
    Term,
    /// A line of a node's log.
    Log,
    /// Another fault begins or ends.
    Fault,
    /// The service falls silent, or answers again.
    Service,
}

impl TriggerKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Acknowledged,
        Self::Disk,
        Self::Message,
        Self::Role,
        Self::Term,
        Self::Log,
        Self::Fault,
        Self::Service,
    ];

    /// The name in plans, on the command line and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Acknowledged => "acknowledged",
            Self::Disk => "disk",
            Self::Message => "message",
            Self::Role => "role",
            Self::Term => "term",
            Self::Log => "log",
            Self::Fault => "fault",
            Self::Service => "service",
        }
    }
}

impl fmt::Display for TriggerKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

impl FromStr for TriggerKind {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        names::find("kind of trigger", name, &Self::ALL, Self::name)
    }
}

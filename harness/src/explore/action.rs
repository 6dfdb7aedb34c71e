//! The steps from one state to the next.

use std::fmt;
use std::sync::Arc;

use super::message::{Message, name};

/// One step: something happens to one node, or to a client.
#[derive(Clone, PartialEq)]
pub(crate) struct Action {
    /// The event.
    pub what: What,
    /// The disk of the node stalls behind so many of the records that this writes, until the node
    /// crashes. Else all of them are durable at once.
    pub stall: Option<usize>,
}

/// The event of a step.
#[derive(Clone)]
pub(crate) enum What {
    /// The election timeout of a node passes, and a majority would vote for it.
    ElectionTimeout { node: usize },
    /// A leader sends heartbeats, and appends again that were not answered.
    Heartbeat { node: usize },
    /// A leader heard no majority for an election timeout.
    Unheard { node: usize },
    /// A node crashes and starts again.
    Crash { node: usize },
    /// A message arrives. It may arrive again.
    Arrival { message: Arc<Message> },
    /// A client sends its operation to a node that leads.
    Send { client: usize, node: usize },
    /// A client waits no longer.
    GiveUp { client: usize },
    /// A leader is asked to hand over.
    Transfer { node: usize, to: usize },
}

impl PartialEq for What {
    fn eq(&self, other: &What) -> bool {
        self.to_string() == other.to_string()
    }
}

impl What {
    /// The node to which it happens.
    pub(crate) fn node(&self) -> Option<usize> {
        match self {
            What::ElectionTimeout { node }
            | What::Heartbeat { node }
            | What::Unheard { node }
            | What::Crash { node }
            | What::Send { node, .. }
            | What::Transfer { node, .. } => Some(*node),
            What::Arrival { message } => Some(message.to),
            What::GiveUp { .. } => None,
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::ElectionTimeout { node } => {
                write!(f, "{} hears no leader, and a majority would vote for it", name(*node))
            }
            What::Heartbeat { node } => write!(f, "{} sends heartbeats", name(*node)),
            What::Unheard { node } => write!(f, "{} hears no majority", name(*node)),
            What::Crash { node } => write!(f, "{} crashes and starts again", name(*node)),
            What::Arrival { message } => write!(f, "arrival: {message}"),
            What::Send { client, node } => {
                write!(f, "client c{} sends its operation to {}", client + 1, name(*node))
            }
            What::GiveUp { client } => write!(f, "client c{} waits no longer", client + 1),
            What::Transfer { node, to } => {
                write!(f, "{} is asked to hand over to {}", name(*node), name(*to))
            }
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.what.fmt(f)?;
        match self.stall {
            Some(0) => f.write_str("; nothing of it becomes durable before the next crash"),
            Some(records) => {
                write!(f, "; only its first {records} records become durable before the next crash")
            }
            None => Ok(()),
        }
    }
}

/// For stateright's explorer.
impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

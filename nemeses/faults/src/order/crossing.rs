//! The places that things go through in a run.

use std::fmt;

/// An end of a message: [`CLIENTS`], or the number of a node, counted from 1 in the order of names.
pub type End = u8;

/// The clients, as an end of a message.
pub const CLIENTS: End = 0;

/// The number of a word of a log.
pub type Word = u16;

/// A place that something goes through, as seen from outside of the processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Crossing {
    /// A message on a link.
    Message {
        /// The sender.
        from: End,
        /// The receiver.
        to: End,
        /// The path of the request, `re` and that path for its answer, or the size where the stream
        /// is not HTTP.
        what: Word,
    },
    /// An fsync of a node.
    Sync {
        /// The node.
        node: End,
    },
    /// A client sends an operation, for the first time or again.
    Call {
        /// The client.
        client: u16,
        /// The node that it is sent to.
        node: End,
        /// The operation: `write k3`.
        what: Word,
    },
    /// A client has the answer to its operation.
    Answered {
        /// The client.
        client: u16,
        /// The node that answered.
        node: End,
        /// The operation.
        what: Word,
    },
    /// A client was refused by the node that it had sent its operation to.
    Refused {
        /// The client.
        client: u16,
        /// The node.
        node: End,
    },
    /// A fault comes to this point of its life.
    Fault {
        /// Its number.
        fault: u32,
        /// The point.
        moment: FaultPoint,
    },
}

/// A point in the life of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultPoint {
    /// It is about to be applied.
    Beginning,
    /// It is applied.
    Begun,
    /// It is about to be undone.
    Ending,
    /// It is undone.
    Ended,
}

impl FaultPoint {
    pub(super) const ALL: [Self; 4] = [Self::Beginning, Self::Begun, Self::Ending, Self::Ended];
}

impl Crossing {
    /// The kind, in the plural.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Message { from: CLIENTS, .. } | Self::Message { to: CLIENTS, .. } => {
                "messages to clients"
            }
            Self::Message { .. } => "messages between nodes",
            Self::Sync { .. } => "fsyncs",
            Self::Call { .. } => "calls of clients",
            Self::Answered { .. } | Self::Refused { .. } => "answers",
            Self::Fault { .. } => "faults",
        }
    }

    /// The same gate where the nodes have the numbers that `number` gives them.
    pub(super) fn renamed(self, number: impl Fn(End) -> End) -> Self {
        match self {
            Self::Message { from, to, what } => {
                Self::Message { from: number(from), to: number(to), what }
            }
            Self::Sync { node } => Self::Sync { node: number(node) },
            Self::Call { client, node, what } => Self::Call { client, node: number(node), what },
            Self::Answered { client, node, what } => {
                Self::Answered { client, node: number(node), what }
            }
            Self::Refused { client, node } => Self::Refused { client, node: number(node) },
            Self::Fault { .. } => self,
        }
    }

    /// The nodes at which it is.
    pub(super) fn nodes(self) -> impl Iterator<Item = End> {
        let (one, other) = match self {
            Self::Message { from, to, .. } => (from, to),
            Self::Sync { node }
            | Self::Call { node, .. }
            | Self::Answered { node, .. }
            | Self::Refused { node, .. } => (node, CLIENTS),
            Self::Fault { .. } => (CLIENTS, CLIENTS),
        };
        [one, other].into_iter().filter(|end| *end != CLIENTS)
    }

    /// The node whose doing it is.
    pub(super) fn doer(self) -> Option<End> {
        match self {
            Self::Message { from, .. } if from != CLIENTS => Some(from),
            Self::Sync { node } => Some(node),
            _ => None,
        }
    }

    /// Returns true if both are at one node, so that their order can matter.
    pub(super) fn meets(self, other: Self) -> bool {
        self.nodes().any(|node| other.nodes().any(|its| its == node))
    }
}

/// A gate in words, with the names of a log: `/raft/append-entries from n1 to n2`.
pub(super) struct InWords<'a> {
    pub gate: Crossing,
    pub nodes: &'a [String],
    pub words: &'a [String],
}

impl fmt::Display for InWords<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |end: End| match end {
            CLIENTS => "the clients",
            _ => self.nodes.get(usize::from(end) - 1).map_or("?", String::as_str),
        };
        let word = |word: Word| self.words.get(usize::from(word)).map_or("?", String::as_str);
        match self.gate {
            Crossing::Message { from, to, what } => {
                write!(out, "{} from {} to {}", word(what), name(from), name(to))
            }
            Crossing::Sync { node } => write!(out, "an fsync of {}", name(node)),
            Crossing::Call { client, node, what } => {
                write!(out, "{} of client {client} to {}", word(what), name(node))
            }
            Crossing::Answered { client, node, what } => {
                write!(out, "the answer of {} to {} of client {client}", name(node), word(what))
            }
            Crossing::Refused { client, node } => {
                write!(out, "a refusal of {} to client {client}", name(node))
            }
            Crossing::Fault { fault, moment } => {
                let moment = match moment {
                    FaultPoint::Beginning | FaultPoint::Begun => "beginning",
                    FaultPoint::Ending | FaultPoint::Ended => "end",
                };
                write!(out, "the {moment} of fault {fault}")
            }
        }
    }
}

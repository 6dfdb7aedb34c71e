//! Mutations with their tokens, and the evidence of their effects.

use std::fmt;
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use crate::history::Process;
use crate::model::Collection;

/// The outcome of an operation for its client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It took effect.
    Ok,
    /// It did not take effect and will not.
    Fail,
    /// Nothing: it may take effect at any later time.
    Info,
}

/// A mutation with the outcome that its client was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mutation<'a> {
    /// The token that all its attempts carried.
    pub token: &'a str,
    /// The process that invoked it.
    pub process: Process,
    /// Its name: `append`, `enqueue`, `add`…
    pub f: &'a str,
    /// The key or other object that it acts on.
    pub object: &'a str,
    /// The element that it puts into the object, in a form that is the same in [`Contents`]; none
    /// for an operation that leaves no element (a write, a dequeue).
    pub element: Option<&'a str>,
    /// The outcome for the client.
    pub outcome: Outcome,
    /// Index of the completion in the history; none if it has none.
    pub completed: Option<u64>,
    /// Time of the completion, in nanoseconds since the start; 0 if it has none.
    pub end: u64,
}

/// The mutations that are audited. Of a long history each is made when it is looked at.
pub(crate) trait Mutations<'a> {
    /// The number of them.
    fn count(&self) -> usize;

    /// One of them, by its place.
    fn get(&self, place: usize) -> Mutation<'a>;
}

impl<'a> Mutations<'a> for &[Mutation<'a>] {
    fn count(&self) -> usize {
        self.len()
    }

    fn get(&self, place: usize) -> Mutation<'a> {
        self[place]
    }
}

/// The content that an object was found to have. One for each object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents<'a> {
    /// The object.
    pub object: &'a str,
    /// The way in which it keeps elements.
    pub kind: Collection,
    /// The elements, of a list in order; of a queue those that were taken out and those that
    /// remain.
    pub elements: Vec<&'a str>,
    /// Index in the history of the invocation of the linearizable read that gave these contents:
    /// what had completed before is in them. None if the read was not linearizable or is missing.
    pub as_of: Option<u64>,
    /// Operations that may have taken an element away without telling which: dequeues of unknown
    /// outcome, removals from a set, writes over a list.
    pub untraced_removals: u64,
}

/// An entry of a node's log that its state machine applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied<'a> {
    /// Index of the entry.
    pub index: u64,
    /// The token of its command.
    pub token: &'a str,
    /// True if the command was executed and answered ok: neither its precondition failed nor was it
    /// recognised as one that had been executed before.
    pub took_effect: bool,
}

/// The entries of a log that carry a token. Five nodes have millions of them after a long run, so
/// they are shown one after the other: a reader of files need not hold them.
pub trait Entries: fmt::Debug {
    /// Shows each of them, in the order in which they were applied.
    fn each(&self, show: &mut dyn FnMut(Applied<'_>));
}

impl Entries for Vec<Applied<'_>> {
    fn each(&self, show: &mut dyn FnMut(Applied<'_>)) {
        self.iter().copied().for_each(show);
    }
}

/// The entries that a node applied without a gap, in one life of its process. A node that was
/// started again may have several.
#[derive(Debug, Clone)]
pub struct AppliedLog<'a> {
    /// The node.
    pub node: &'a str,
    /// The first index that the log tells of; 1 is the first of all.
    pub from: u64,
    /// The last index that it tells of.
    pub through: u64,
    /// The entries that carry a token.
    pub entries: Rc<dyn Entries + 'a>,
    /// Index in the history such that what had completed before was applied at `through` or below;
    /// the invocation of an operation that was answered at `through` or below is one. None if not
    /// known.
    pub as_of: Option<u64>,
}

/// The reason why it is not known how often an operation took effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// There are neither applied logs nor contents of its object.
    NoEvidence,
    /// It leaves no element of its own, and there are no applied logs.
    NoElement,
    /// Another operation puts the same element into the object.
    SharedElement,
    /// Another operation has the same token.
    SharedToken,
    /// A set holds an element once however often it was added.
    SetHidesRepeats,
    /// No linearizable read gave the contents.
    NoFinalRead,
    /// The read of the contents was invoked before the operation completed.
    ReadTooEarly,
    /// An operation may have taken the element away without telling.
    UntracedRemoval,
    /// The logs begin late or have a gap between them.
    LogIncomplete,
    /// It is not known that the logs reach as far as the operation's completion.
    LogTooShort,
    /// The nodes' logs contradict one another.
    NodesDisagree,
    /// It has not taken effect so far, and its outcome is unknown: it still may.
    MayStillCome,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reason::NoEvidence => "nothing shows what became of them",
            Reason::NoElement => "they leave no element of their own, and there are no logs",
            Reason::SharedElement => "several put the same element",
            Reason::SharedToken => "several have the same token",
            Reason::SetHidesRepeats => "a set does not show repeats",
            Reason::NoFinalRead => "no linearizable final read",
            Reason::ReadTooEarly => "the final read began before they completed",
            Reason::UntracedRemoval => "elements may have been taken away unseen",
            Reason::LogIncomplete => "the logs begin late or have a gap",
            Reason::LogTooShort => "the logs may end before they completed",
            Reason::NodesDisagree => "the nodes disagree",
            Reason::MayStillCome => "unknown outcome, no effect so far",
        })
    }
}

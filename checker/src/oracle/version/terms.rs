//! Promises about versions, and answers that carry them.

use serde::{Deserialize, Serialize};

use crate::history::Process;

/// The reach of one sequence of versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// The whole store: etcd's revision, a log index.
    Store,
    /// Each stream, table or shard.
    Stream,
    /// Each key of a stream.
    Key,
}

/// The effect of a mutation on the version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum MutationVersion {
    /// It does not lower it.
    NotBelow,
    /// It raises it, maybe together with others that run at the same time, in a batch.
    Above,
    /// It raises it to a version that no other mutation has.
    Unique,
}

/// The meaning of the version of a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ReadVersion {
    /// The version of the state that was read.
    State,
    /// The version of the mutation that left what was read (etcd's `mod_revision`, Consul's
    /// `ModifyIndex`). Mutations of other keys do not move it.
    Modification,
}

/// The promises of a service about the versions that it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct VersionSemantics {
    /// The reach of one sequence of versions.
    pub scope: Scope,
    /// The effect of a mutation on the version.
    pub mutations: MutationVersion,
    /// The meaning of the version of a read.
    pub reads: ReadVersion,
    /// True if a failed precondition has a version of its own, as a mutation has. If not, its
    /// version is that of a read.
    pub failures_are_numbered: bool,
}

impl VersionSemantics {
    /// A service that answers the index of its log, in which mutations have entries, also those
    /// whose precondition failed, and reads have none. The bundled cluster is one.
    pub const LOG_INDEX: VersionSemantics = VersionSemantics {
        scope: Scope::Store,
        mutations: MutationVersion::Unique,
        reads: ReadVersion::State,
        failures_are_numbered: true,
    };

    /// Returns whether `effect` moves the version as a mutation does.
    pub(super) fn numbers(&self, effect: Effect) -> bool {
        match effect {
            Effect::Mutation => true,
            Effect::FailedPrecondition => self.failures_are_numbered,
            Effect::Read | Effect::StaleRead => false,
        }
    }

    /// Returns whether an answer may not be at `version` after another at `earlier`.
    pub(super) fn contradict(&self, effect: Effect, version: u64, earlier: u64) -> Option<Rule> {
        if version < earlier {
            return Some(Rule::Below);
        }
        let raises = self.mutations >= MutationVersion::Above && self.numbers(effect);
        (raises && version == earlier).then_some(Rule::NotAbove)
    }
}

/// The effect of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// It changed the state.
    Mutation,
    /// Its precondition did not hold: it changed nothing.
    FailedPrecondition,
    /// It read.
    Read,
    /// It read, and was allowed to read what is out of date. Left out.
    StaleRead,
}

/// An operation that was answered with a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answered<'a> {
    /// The process that invoked it.
    pub process: Process,
    /// Its name: `read`, `write`, `cas`…
    pub f: &'a str,
    /// The stream, table or shard; empty where the service has one only.
    pub stream: &'a str,
    /// The key; none for an operation on no key or on several, which takes no part in what is
    /// promised for each key.
    pub key: Option<&'a str>,
    /// Its effect.
    pub effect: Effect,
    /// The version that it was answered.
    pub version: u64,
    /// A number for what the key held at that version: what was read, or left by a mutation. Equal
    /// values have equal numbers; if different ones share a number, less is found. None if not
    /// known.
    pub value: Option<u64>,
    /// The node that answered.
    pub node: Option<&'a str>,
    /// Index of the invocation in the history.
    pub invoked: u64,
    /// Index of the completion in the history.
    pub completed: u64,
    /// Time of the invocation, in nanoseconds since the start.
    pub start: u64,
    /// Time of the completion, in nanoseconds since the start.
    pub end: u64,
}

/// Answers, by their places. Of a long history each is made when it is looked at.
#[derive(Clone, Copy)]
pub(crate) struct Answers<'a, 'h> {
    /// The number of them.
    pub(crate) count: usize,
    /// Makes one, perhaps without its value.
    pub(crate) get: &'a dyn Fn(usize) -> Answered<'h>,
    /// The value of one, which is asked for more seldom.
    pub(crate) value: &'a dyn Fn(usize) -> Option<u64>,
}

/// An event after which versions may lawfully begin again: every copy of the store was wiped, or
/// the stream was deleted and made again. (What happens to a minority of the copies is none.)
///
/// It is taken to have begun a new era only when answers from before contradict answers from
/// after, and the versions did not first go on as before: otherwise the old era continues and what
/// falls in it is a violation. What ran during the reset may belong to either era; when a new
/// one begins, it is left out. [`Rule::Shared`] and [`Rule::TwoValues`] never compare across a
/// reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reset<'a> {
    /// The stream; none when it was the whole store.
    pub stream: Option<&'a str>,
    /// The cause, for the report: `the wipe of n1, n2 and n3`.
    pub cause: &'a str,
    /// Index in the history at which it began.
    pub began: u64,
    /// Index in the history at which it was over.
    pub ended: u64,
    /// When it was over, in nanoseconds since the start.
    pub time: u64,
}

/// The rule that a violation breaks. The module's page has the argument for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// An operation answered below a version that had been answered before it began.
    Below,
    /// A mutation answered a version that had been answered before it began.
    NotAbove,
    /// Two mutations have one version.
    Shared,
    /// A key had two values at one version.
    TwoValues,
}

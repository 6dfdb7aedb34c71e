//! An operation in a form that is saved, printed and drawn.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::history::{Attempt, EventType, Process};

/// An operation as the checker sees it: an invocation with its completion, if it has one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Operation {
    /// The process that invoked it.
    pub process: Process,
    /// Its name: `read`, `write`, `cas`…
    pub f: String,
    /// The key it acted on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The argument.
    pub input: Value,
    /// The result, when the outcome is `ok`.
    #[serde(default)]
    pub output: Value,
    /// `ok` or `info`; operations that failed are not part of the analysis.
    pub outcome: EventType,
    /// Index of the invocation in the history.
    pub invoked: u64,
    /// Index of the completion; none for an operation that never ended (`info` counts as never).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed: Option<u64>,
    /// Time of the invocation, in nanoseconds since the start.
    pub start: u64,
    /// Time of the completion, in nanoseconds since the start; none when it never ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<u64>,
    /// The node that answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The idempotency token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The version at which the service answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// Every request that was made for it, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
}

//! Events in the order in which the controller recorded them.
//!
//! An [`Event`] is one line of `history.jsonl`. Field names are Jepsen's.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

/// The actor of an event: a client process, or stormproof itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Process {
    /// A single-threaded client. A process whose operation ended `info` never acts again.
    Client(u64),
    /// The part that injects and undoes faults.
    Nemesis,
    /// The run itself: it marks its phases.
    Controller,
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Process::Client(id) => write!(f, "{id}"),
            Process::Nemesis => f.write_str("nemesis"),
            Process::Controller => f.write_str("controller"),
        }
    }
}

impl Serialize for Process {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Process::Client(id) => serializer.serialize_u64(*id),
            other => serializer.collect_str(other),
        }
    }
}

impl<'de> Deserialize<'de> for Process {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Process;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a process number, \"nemesis\" or \"controller\"")
            }
            fn visit_u64<E: de::Error>(self, id: u64) -> Result<Process, E> {
                Ok(Process::Client(id))
            }
            fn visit_str<E: de::Error>(self, name: &str) -> Result<Process, E> {
                match name {
                    "nemesis" => Ok(Process::Nemesis),
                    "controller" => Ok(Process::Controller),
                    _ => Err(E::invalid_value(de::Unexpected::Str(name), &self)),
                }
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Process {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Process".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "The number of a client, or the part of stormproof that acts.",
            "anyOf": [
                { "type": "integer", "minimum": 0 },
                { "type": "string", "enum": ["nemesis", "controller"] },
            ],
        })
    }
}

/// An invocation, or one of the three ways in which an operation completes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum EventType {
    /// The operation began; recorded before the first byte is sent.
    Invoke,
    /// It took effect, and the answer is known.
    Ok,
    /// It surely did not take effect.
    Fail,
    /// It may take effect at any later time, once or never.
    Info,
}

/// One request of an operation to one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Attempt {
    /// The node that was asked.
    pub node: String,
    /// When the request began, in nanoseconds since the run started.
    pub start: u64,
    /// When its answer, refusal or time-out came, in nanoseconds since the run started.
    pub end: u64,
    /// The reason why the attempt did not answer; none when it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// True if that error proves that the attempt had no effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definite: Option<bool>,
}

/// One line of a history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Position in the history; the order of events is the order of their indices.
    pub index: u64,
    /// Nanoseconds of the controller's monotonic clock since the start of the run.
    pub time: u64,
    /// The actor.
    pub process: Process,
    /// Invocation or kind of completion.
    #[serde(rename = "type")]
    pub kind: EventType,
    /// The operation's name (`read`, `write`, `cas`…), the fault's family, or `phase`.
    pub f: String,
    /// The key acted on, for workloads of many keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Argument of an invocation, result of a completion.
    #[serde(default)]
    pub value: Value,
    /// The idempotency token sent with every attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The node that answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The version (revision, log index) at which the service answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// The reason why an operation failed or is of unknown outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Every request that was made for this operation, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<Attempt>,
}

impl Event {
    /// An event without a place in a history yet: index and time are 0, and all that is optional
    /// is missing.
    pub fn new(process: Process, kind: EventType, f: impl Into<String>, value: Value) -> Event {
        Event {
            index: 0,
            time: 0,
            process,
            kind,
            f: f.into(),
            key: None,
            value,
            token: None,
            node: None,
            version: None,
            error: None,
            attempts: Vec::new(),
        }
    }
}

/// All events of a run, in order of index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// The events; `events[i].index` rises with `i`.
    pub events: Vec<Event>,
}

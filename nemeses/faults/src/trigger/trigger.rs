//! The event that a fault waits for, as a plan has it.

use std::fmt;
use std::time::Duration;

use regex::Regex;
use serde::{Deserialize, Serialize};

use super::{Place, TriggerKind};
use crate::schedule::seconds;

/// The moment at which a fault begins, in place of a time.
///
/// ```toml
/// [[fault]]
/// at = 5           # not before
/// lasts = 1
/// family = "power"
/// aim = "leader"
/// on = "seen"      # the node at which it was seen
/// when = { seen = "disk", call = "fsync", node = "leader", nth = 3, hold_ms = 20, within = 8 }
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trigger {
    /// The event that is waited for.
    #[serde(flatten)]
    pub observed: Observed,
    /// So often it has to be seen, counted from the time of the fault on. In files 1 if left out.
    #[serde(default = "once", skip_serializing_if = "is_once")]
    pub nth: u32,
    /// The time after which the fault is skipped, since it was never seen. In files: seconds; 10 if
    /// left out.
    #[serde(default = "patience", with = "seconds")]
    pub within: Duration,
    /// The longest time for which it is held back while the fault is applied, in milliseconds. None
    /// where it goes on at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_ms: Option<f64>,
}

fn once() -> u32 {
    1
}

fn is_once(nth: &u32) -> bool {
    *nth == 1
}

fn patience() -> Duration {
    Duration::from_secs(10)
}

/// An event that a fault can wait for. In files the field `seen` says which.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "seen", rename_all = "kebab-case")]
pub enum Observed {
    /// An operation of a client was acknowledged.
    Acknowledged {
        /// The kind of operation, as the history has it: `write`. None is any.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        f: Option<String>,
        /// The node that answered.
        #[serde(default, skip_serializing_if = "Place::is_any")]
        node: Place,
    },
    /// A node calls its disk.
    Disk {
        /// The call.
        call: DiskCall,
        /// The pattern of the files that are meant, see [`matches_glob`](super::matches_glob).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        files: Option<String>,
        /// The node that calls.
        #[serde(default, skip_serializing_if = "Place::is_any")]
        node: Place,
        /// Before the call is done or after, when it is not answered yet.
        #[serde(default, skip_serializing_if = "Edge::is_before")]
        edge: Edge,
    },
    /// A message is on a link.
    Message {
        /// The node that sent it.
        #[serde(default, skip_serializing_if = "Place::is_any")]
        from: Place,
        /// The node that it is for.
        #[serde(default, skip_serializing_if = "Place::is_any")]
        to: Place,
        /// The fewest bytes that it carries.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        least_bytes: Option<usize>,
        /// The beginning of its path, if it is an HTTP request in plain text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        path: Option<String>,
    },
    /// A node has another role than before, as it says itself.
    Role {
        /// The role that it has now: `leader`, `follower`, `candidate`.
        role: String,
        /// The node that has it.
        #[serde(default, skip_serializing_if = "Place::is_any")]
        node: Place,
    },
    /// A node is in a later term than any was before.
    Term {
        /// The node that is.
        #[serde(default, skip_serializing_if = "Place::is_any")]
        node: Place,
    },
    /// A line of a node's log.
    Log {
        /// The regular expression that it matches.
        line: String,
        /// The node that wrote it.
        #[serde(default, skip_serializing_if = "Place::is_any")]
        node: Place,
    },
    /// Another fault, by the name that it has by `as`.
    Fault {
        /// The name.
        named: String,
        /// It begins or ends.
        is: Side,
        /// So many seconds after that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<f64>,
    },
    /// The service as its clients see it.
    Service {
        /// The change.
        is: ServiceChange,
    },
}

/// A call to a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiskCall {
    /// `fsync` or `fdatasync` of a file or a directory.
    Fsync,
    /// `write`.
    Write,
    /// `rename`.
    Rename,
}

/// The edge of a call at which it is seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Edge {
    /// Nothing of it is done yet.
    #[default]
    Before,
    /// It is done, and not answered yet.
    After,
}

impl Edge {
    fn is_before(&self) -> bool {
        *self == Self::Before
    }
}

/// The two ends of a fault's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// It took effect.
    Begun,
    /// It was undone.
    Ended,
}

/// A change of the service as clients see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceChange {
    /// An operation succeeds after a time without.
    Answering,
    /// No operation has succeeded for a time.
    Silent,
}

/// The longest time for which anything may be held back: beyond it every service takes it for a
/// failure of its own.
const LONGEST_HOLD_MS: f64 = 60_000.0;

impl Trigger {
    /// Says why it cannot be meant.
    ///
    /// # Errors
    /// The reason, as half a sentence.
    pub fn validate(&self) -> Result<(), String> {
        if self.nth == 0 {
            return Err("`nth` counts from 1".to_owned());
        }
        if self.within.is_zero() {
            return Err("`within` leaves it no time".to_owned());
        }
        if let Some(ms) = self.hold_ms {
            if !self.observed.can_be_held() {
                return Err(format!(
                    "only an acknowledgement, a call to a disk or a message can be held, not {}",
                    self.observed
                ));
            }
            if !(ms > 0.0 && ms <= LONGEST_HOLD_MS) {
                return Err(format!("`hold_ms` is above 0 and at most {LONGEST_HOLD_MS}"));
            }
        }
        self.observed.validate()
    }

    /// The same where no node is known to have a role: at any node instead.
    #[must_use]
    pub fn without_roles(mut self) -> Self {
        let places = self.observed.places_mut().into_iter();
        places.filter(|place| place.is_role()).for_each(|place| *place = Place::Any);
        self
    }

    /// The longest time for which what is seen is held back.
    pub fn hold(&self) -> Option<Duration> {
        Some(Duration::from_secs_f64(self.hold_ms? / 1e3))
    }
}

/// The places of an observed event, which may be changed if it may.
macro_rules! places {
    ($observed:expr) => {
        match $observed {
            Self::Acknowledged { node, .. }
            | Self::Disk { node, .. }
            | Self::Role { node, .. }
            | Self::Term { node }
            | Self::Log { node, .. } => vec![node],
            Self::Message { from, to, .. } => vec![from, to],
            Self::Fault { .. } | Self::Service { .. } => Vec::new(),
        }
    };
}

impl Observed {
    /// Returns true if it can be held back while something is done.
    pub fn can_be_held(&self) -> bool {
        matches!(self, Self::Acknowledged { .. } | Self::Disk { .. } | Self::Message { .. })
    }

    /// Its kind.
    pub fn kind(&self) -> TriggerKind {
        match self {
            Self::Acknowledged { .. } => TriggerKind::Acknowledged,
            Self::Disk { .. } => TriggerKind::Disk,
            Self::Message { .. } => TriggerKind::Message,
            Self::Role { .. } => TriggerKind::Role,
            Self::Term { .. } => TriggerKind::Term,
            Self::Log { .. } => TriggerKind::Log,
            Self::Fault { .. } => TriggerKind::Fault,
            Self::Service { .. } => TriggerKind::Service,
        }
    }

    /// Returns true if it is seen at a node.
    pub fn is_at_a_node(&self) -> bool {
        !matches!(self, Self::Fault { .. } | Self::Service { .. })
    }

    /// Returns true if it comes many times a second while the service is used.
    pub(crate) fn comes_often(&self) -> bool {
        self.can_be_held()
    }

    /// Every place at which it is looked for.
    pub fn places(&self) -> Vec<&Place> {
        places!(self)
    }

    fn places_mut(&mut self) -> Vec<&mut Place> {
        places!(self)
    }

    fn validate(&self) -> Result<(), String> {
        match self {
            Self::Log { line, .. } => {
                Regex::new(line).map_err(|error| format!("`line`: {error}"))?;
            }
            Self::Message { from, to, .. } if from == to && from.is_one() => {
                return Err(format!("no message is from {from} to {to}"));
            }
            Self::Fault { after: Some(after), .. } if !(0.0..=3600.0).contains(after) => {
                return Err("`after` is from 0 to 3600 seconds".to_owned());
            }
            _ => {}
        }
        let about_clients = |place: &&Place| **place == Place::Clients;
        match self {
            Self::Message { .. } => Ok(()),
            _ if self.places().iter().any(about_clients) => {
                Err("clients are an end of a message, and no node".to_owned())
            }
            _ => Ok(()),
        }
    }
}

/// `the 3rd fsync of *.wal at the leader, held for up to 20 ms`
impl fmt::Display for Trigger {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.nth, &self.observed) {
            (1, observed) => write!(out, "{observed}")?,
            (nth, observed) => write!(out, "{observed}, the {} time", ordinal(nth))?,
        }
        match self.hold_ms {
            Some(ms) => write!(out, ", held for up to {ms} ms"),
            None => Ok(()),
        }
    }
}

/// `an fsync of *.wal at the leader`
impl fmt::Display for Observed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Acknowledged { f, node } => {
                let what = f.as_deref().unwrap_or("operation");
                write!(out, "an acknowledged {what}")?;
                if node.is_any() { Ok(()) } else { write!(out, " by {node}") }
            }
            Self::Disk { call, files, node, edge } => {
                let (article, call) = match call {
                    DiskCall::Fsync => ("an", "fsync"),
                    DiskCall::Write => ("a", "write"),
                    DiskCall::Rename => ("a", "rename"),
                };
                write!(out, "{article} {call}")?;
                if let Some(files) = files {
                    write!(out, " of {files}")?;
                }
                write!(out, " at {node}")?;
                match edge {
                    Edge::Before => Ok(()),
                    Edge::After => write!(out, " that is done"),
                }
            }
            Self::Message { from, to, least_bytes, path } => {
                match path {
                    Some(path) => write!(out, "a message {path} from {from} to {to}")?,
                    None => write!(out, "a message from {from} to {to}")?,
                }
                match least_bytes {
                    Some(bytes) => write!(out, " of at least {bytes} bytes"),
                    None => Ok(()),
                }
            }
            Self::Role { role, node } => write!(out, "{node} becoming {role}"),
            Self::Term { node } => write!(out, "a later term at {node}"),
            Self::Log { line, node } => write!(out, "a line /{line}/ in the log of {node}"),
            Self::Fault { named, is, after } => {
                let is = match is {
                    Side::Begun => "beginning",
                    Side::Ended => "end",
                };
                match after {
                    Some(after) => write!(out, "{after} s after the {is} of what named {named}"),
                    None => write!(out, "the {is} of what named {named}"),
                }
            }
            Self::Service { is: ServiceChange::Answering } => {
                out.write_str("the service answering again")
            }
            Self::Service { is: ServiceChange::Silent } => {
                out.write_str("the service falling silent")
            }
        }
    }
}

/// `2nd`, `11th`
fn ordinal(number: u32) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Trigger {
        toml::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[track_caller]
    fn check(text: &str, words: &str) {
        let trigger = read(text);
        assert_eq!(trigger.to_string(), words);
        assert_eq!(trigger.validate(), Ok(()), "{text}");
        let again = toml::to_string(&trigger).unwrap();
        assert_eq!(toml::from_str::<Trigger>(&again).unwrap(), trigger, "{again}");
    }

    #[track_caller]
    fn check_refused(text: &str, what: &str) {
        let error = read(text).validate().expect_err(text);
        assert!(error.contains(what), "{error}");
    }

    #[test]
    fn a_trigger_reads_as_words() {
        check(r#"seen = "acknowledged""#, "an acknowledged operation");
        check(
            "seen = \"acknowledged\"\nf = \"write\"\nnode = \"leader\"\nnth = 22\nhold_ms = 5",
            "an acknowledged write by the leader, the 22nd time, held for up to 5 ms",
        );
        check("seen = \"disk\"\ncall = \"fsync\"", "an fsync at any node");
        check(
            "seen = \"disk\"\ncall = \"write\"\nfiles = \"*.wal\"\nnode = \"n2\"\nedge = \"after\"",
            "a write of *.wal at n2 that is done",
        );
        check(
            "seen = \"message\"\nfrom = \"leader\"\nto = \"clients\"\nleast_bytes = 9",
            "a message from the leader to the clients of at least 9 bytes",
        );
        check(
            "seen = \"message\"\npath = \"/raft/request-vote\"\nnth = 2",
            "a message /raft/request-vote from any node to any node, the 2nd time",
        );
        check("seen = \"role\"\nrole = \"leader\"", "any node becoming leader");
        check("seen = \"term\"\nnode = \"deposed\"", "a later term at deposed");
        check(
            "seen = \"log\"\nline = 'elected \\d+'",
            "a line /elected \\d+/ in the log of any node",
        );
        check(
            "seen = \"fault\"\nnamed = \"cut\"\nis = \"ended\"\nafter = 0.5",
            "0.5 s after the end of what named cut",
        );
        check("seen = \"service\"\nis = \"silent\"", "the service falling silent");
    }

    #[test]
    fn where_no_roles_are_known_any_node_will_do() {
        let message = read("seen = \"message\"\nfrom = \"leader\"\nto = \"clients\"");
        assert_eq!(message.without_roles().to_string(), "a message from any node to the clients");
        let named = read("seen = \"term\"\nnode = \"n2\"");
        assert_eq!(named.clone().without_roles(), named);
    }

    #[test]
    fn what_can_never_be_seen_or_held_is_refused() {
        check_refused("seen = \"term\"\nnth = 0", "counts from 1");
        check_refused("seen = \"term\"\nwithin = 0", "no time");
        check_refused("seen = \"term\"\nhold_ms = 5", "not a later term at any node");
        check_refused("seen = \"acknowledged\"\nhold_ms = 1e9", "at most 60000");
        check_refused("seen = \"log\"\nline = \"a(\"", "unclosed group");
        check_refused("seen = \"role\"\nrole = \"leader\"\nnode = \"clients\"", "no node");
        check_refused("seen = \"message\"\nfrom = \"leader\"\nto = \"leader\"", "no message");
        check_refused("seen = \"fault\"\nnamed = \"x\"\nis = \"begun\"\nafter = -1", "0 to 3600");
    }
}

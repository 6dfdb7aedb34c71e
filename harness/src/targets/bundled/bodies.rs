//! The bodies of `POST /kv`, as clients write and read them: over a network and in a simulation.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::target::ERRORS;
use super::words::{Kept, Word};
use crate::targets::{Answer, NONSENSE, Refusal, Reply, refusal};

/// The body of a request.
#[derive(Debug, Serialize)]
pub(crate) struct RequestBody<'a> {
    f: &'static str,
    key: &'a str,
    value: &'a Value,
    token: Option<&'a str>,
}

impl<'a> RequestBody<'a> {
    /// Asks for an operation on a key. Those of a transaction are in the group that the key names.
    pub(crate) fn of(word: Word, key: &'a str, value: &'a Value, token: Option<&'a str>) -> Self {
        RequestBody { f: word.sent, key, value, token }
    }
}

/// The body of an answer.
#[derive(Debug, Deserialize)]
pub(crate) struct AnswerBody {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    value: Value,
    version: Option<u64>,
    error: Option<String>,
    leader: Option<String>,
}

impl AnswerBody {
    /// The reply to a request with that argument, from one of the nodes of these names.
    pub(crate) fn understood(self, kept: Kept, argument: &Value, names: &[String]) -> Reply {
        match (self.kind.as_str(), self.error.as_deref()) {
            ("ok", _) => {
                let value = match kept {
                    Kept::Answer => self.value,
                    Kept::Argument => argument.clone(),
                };
                Reply::Answer(Answer { value: Some(value), version: self.version })
            }
            ("fail", Some("precondition_failed" | "empty")) => {
                Reply::Answer(Answer { value: None, version: self.version })
            }
            ("refused", Some(error)) => {
                let leader =
                    self.leader.and_then(|leader| names.iter().position(|name| *name == leader));
                let known = ERRORS.iter().find(|row| row.name == error);
                let error = known.map_or(NONSENSE.into(), |row| row.name.clone());
                Reply::Refusal(Refusal { error, leader })
            }
            _ => refusal(NONSENSE),
        }
    }
}

//! What a client can ask for.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The body of `POST /kv`, such as `{"f":"write","key":"k3","value":12,"token":"r7f3:4:9"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestBody {
    /// `read`, `write`, `cas`, `append`, `delete`, `add` or `counter`.
    pub f: String,
    /// The key acted on.
    pub key: String,
    /// The argument: of `write` and `append` any JSON value, of `cas` `[expected, new]`, of `add`
    /// an integer; `read`, `counter` and `delete` take none.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub value: Value,
    /// The idempotency token; see [`Token`]. A read does not need one, and one given is not looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// A well-formed request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Changes nothing; answered by the leader's state machine without a log entry.
    Query(Query),
    /// Goes through the log.
    Command(Command),
}

/// A request that changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Query {
    /// The value of the key; `null` when there is none.
    Read {
        /// The key read.
        key: String,
    },
    /// The value of a counter; 0 when it was never added to.
    Counter {
        /// The key read.
        key: String,
    },
}

/// A mutation with its idempotency token.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Command {
    /// What to change.
    pub mutation: Mutation,
    /// Makes a retry recognisable; without one, the mutation is always applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Token>,
}

/// A change of one key. `null` stands for "no value": to write it deletes the key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mutation {
    /// Sets the value. Answers `null`.
    Write {
        /// The key written.
        key: String,
        /// Its new value.
        value: Value,
    },
    /// Sets the value if it is `expected` now. Answers `null`, or fails with the actual value.
    Cas {
        /// The key written.
        key: String,
        /// The value that it must have.
        expected: Value,
        /// Its new value.
        new: Value,
    },
    /// Adds an element to the end of a list; the list of an absent key is empty. Answers the new
    /// length, not the list: an answer is kept for each session, so it must stay small.
    Append {
        /// The key of the list.
        key: String,
        /// The new element.
        value: Value,
    },
    /// Removes the key. Answers `null`, whether or not there was a value.
    Delete {
        /// The key removed.
        key: String,
    },
    /// Adds to a counter; an absent counter is 0. Answers the new value.
    Add {
        /// The key of the counter.
        key: String,
        /// What is added; may be negative.
        delta: i64,
    },
}

/// An idempotency token, written `<session>:<number>`. A session numbers its commands upwards and
/// has one outstanding at a time (Ongaro's thesis, §6.3).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Token {
    /// Who sends; everything before the last colon.
    pub session: String,
    /// The number of the command within its session.
    pub number: u64,
}

impl Token {
    /// Splits at the last colon. A token without a number behind it is a session of its own, and
    /// its one command has number 0.
    pub fn parse(token: &str) -> Token {
        if let Some((session, number)) = token.rsplit_once(':')
            && let Ok(number) = number.parse()
        {
            return Token { session: session.to_string(), number };
        }
        Token { session: token.to_string(), number: 0 }
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.session, self.number)
    }
}

impl RequestBody {
    /// The operation that the body asks for, or a sentence that tells what is wrong with it.
    pub fn into_operation(self) -> Result<Operation, String> {
        let RequestBody { f, key, value, token } = self;
        let mutation = match f.as_str() {
            "read" => {
                no_value("read", &value)?;
                return Ok(Operation::Query(Query::Read { key }));
            }
            "counter" => {
                no_value("counter", &value)?;
                return Ok(Operation::Query(Query::Counter { key }));
            }
            "write" => Mutation::Write { key, value },
            "cas" => match value {
                Value::Array(pair) if pair.len() == 2 => {
                    let mut pair = pair.into_iter();
                    let mut next = || pair.next().unwrap_or_default();
                    Mutation::Cas { key, expected: next(), new: next() }
                }
                other => return Err(format!("cas needs \"value\":[expected,new], not {other}")),
            },
            "append" => Mutation::Append { key, value },
            "delete" => {
                no_value("delete", &value)?;
                Mutation::Delete { key }
            }
            "add" => match value.as_i64() {
                Some(delta) => Mutation::Add { key, delta },
                None => return Err(format!("add needs an integer as \"value\", not {value}")),
            },
            other => {
                return Err(format!(
                    "there is no operation '{other}'; the operations are read, write, cas, \
                     append, delete, add, counter"
                ));
            }
        };
        Ok(Operation::Command(Command { mutation, token: token.as_deref().map(Token::parse) }))
    }
}

/// A value where none belongs is a mistake of the caller, better told than ignored.
fn no_value(f: &str, value: &Value) -> Result<(), String> {
    if value.is_null() { Ok(()) } else { Err(format!("{f} takes no \"value\", got {value}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &str) -> Result<Operation, String> {
        serde_json::from_str::<RequestBody>(body).map_err(|e| e.to_string())?.into_operation()
    }

    #[test]
    fn a_token_is_split_at_its_last_colon() {
        let token = |session: &str, number| Token { session: session.to_string(), number };
        assert_eq!(Token::parse("r7f3:4:9"), token("r7f3:4", 9));
        assert_eq!(Token::parse("r7f3:4:x"), token("r7f3:4:x", 0));
        assert_eq!(Token::parse("plain"), token("plain", 0));
        assert_eq!(Token::parse(":3"), token("", 3));
        assert_eq!(Token::parse("a:-1"), token("a:-1", 0));
    }

    #[test]
    fn every_operation_is_read_from_its_body() {
        let command = |mutation| Ok(Operation::Command(Command { mutation, token: None }));
        let key = || "k".to_string();
        assert_eq!(
            parse(r#"{"f":"read","key":"k","token":"t:1"}"#),
            Ok(Operation::Query(Query::Read { key: key() }))
        );
        assert_eq!(
            parse(r#"{"f":"counter","key":"k"}"#),
            Ok(Operation::Query(Query::Counter { key: key() }))
        );
        assert_eq!(
            parse(r#"{"f":"cas","key":"k","value":[1,{"a":2}]}"#),
            command(Mutation::Cas {
                key: key(),
                expected: 1.into(),
                new: serde_json::json!({"a": 2})
            })
        );
        assert_eq!(
            parse(r#"{"f":"add","key":"k","value":-3}"#),
            command(Mutation::Add { key: key(), delta: -3 })
        );
        assert_eq!(parse(r#"{"f":"delete","key":"k"}"#), command(Mutation::Delete { key: key() }));
    }

    #[test]
    fn a_malformed_body_is_told_what_is_wrong() {
        for (body, complaint) in [
            (r#"{"f":"put","key":"k"}"#, "no operation 'put'"),
            (r#"{"f":"cas","key":"k","value":[1]}"#, "[expected,new]"),
            (r#"{"f":"add","key":"k","value":1.5}"#, "integer"),
            (r#"{"f":"read","key":"k","value":1}"#, "takes no"),
            (r#"{"f":"read","key":"k","tokens":"x"}"#, "unknown field"),
            (r#"{"f":"read"}"#, "missing field `key`"),
        ] {
            let error = parse(body).unwrap_err();
            assert!(error.contains(complaint), "{body}: {error}");
        }
    }
}

//! The requests of clients, and the operations that they ask for.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::size::{ANSWER_BYTES_MAX, NESTING_MAX, json_bytes, nests_within};
use super::{Command, MalformedRequest, Mutation, Operation, Query, Token, Transaction};

/// The body of `POST /kv`, such as `{"f":"write","key":"k3","value":12,"token":"r7f3:4:9"}`.
///
/// | `f` | `value` asked | `value` answered | fails |
/// |---|---|---|---|
/// | `read` | | the value, `null` if there is none; of a set its elements as an array, in the order of insertion; of a queue those that wait, oldest first; of a lock what `holder` answers | |
/// | `write` | any; `null` deletes | `null` | |
/// | `cas` | `[expected,new]`; `null` expects none | `null` | `precondition_failed` with the value found |
/// | `append` | the new element of the list | the new length | |
/// | `delete` | | `null` | |
/// | `add` | an integer | the new value of the counter | |
/// | `counter` | | the value of the counter, 0 if there is none | |
/// | `insert` | the new element of the set, not `null` | `true`, or `false` if it was there already | |
/// | `enqueue` | the new last element of the queue, not `null`, up to 64 KiB | the new length | |
/// | `dequeue` | | the oldest element, which is removed | `empty` |
/// | `acquire` | the owner's name, a string | the fencing token: the log index of the acquisition, so every later one's is greater | `precondition_failed` with the holder, even if that is the same owner |
/// | `release` | the owner's name | `null` | `precondition_failed` with the holder, `null` if there is none |
/// | `holder` | | `{"owner":…,"token":…}`, `null` if the lock is free | |
/// | `txn` | `[[f,key,value],…]` | the same with the reads filled in | `too_large` |
///
/// Everything is absent before it is first written, added to or acquired, and a lock is absent
/// whenever it is free. Every `f` but `read`, `write`, `cas` and `delete` fails with
/// `wrong_type` where something of another kind stands; those four take any kind, so a `write` or
/// `delete` also empties a set or queue and frees a lock. A failure changes nothing, and brings
/// along what was found unless that takes more than 64 KiB.
///
/// **Locks** are mutexes without a lease: held until they are released, by any client that gives the
/// owner's name. An owner that acquires again, under another token, fails like any other. A client
/// that does not know whether it acquired may release in the same name.
///
/// **Transactions** consist of 1 to 64 micro-operations, `["r",key,null]`, `["w",key,value]` (`null`
/// deletes) and `["append",key,value]`, which happen in that order and all at once: each sees what
/// those before it wrote. If one is of the `wrong_type`, none of them is done, and the value answered
/// is the one that was in the way. Together with what is read they may take up to 64 KiB; one that asks
/// for more is a `bad_request`, one that finds more fails with `too_large`. A transaction that only
/// reads has no such limit on what it finds, and goes through no log.
///
/// **Retries.** A mutation whose token was seen before is answered as it was the first time, whether
/// that was `ok` or `fail`: a retried `dequeue` gets the same element again, a retried `acquire` the
/// same fencing token. That holds until the session of the token sends its next command, and for as
/// long as the session is remembered ([`super::MAX_SESSIONS`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestBody {
    /// The operation; see the table.
    pub f: String,
    /// The key acted on. A `txn` names its keys itself, and does not need one: with one, all of its
    /// keys are in that group, so that `x` stands for the key `<group>/x`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The argument; see the table.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub value: Value,
    /// The idempotency token; see [`Token`]. What changes nothing does not need one, and one given
    /// is not looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

impl RequestBody {
    /// The operation that the body asks for.
    ///
    /// # Errors
    /// When the body asks for none that can be carried out.
    pub fn into_operation(self) -> Result<Operation, MalformedRequest> {
        let RequestBody { f, key, value, token } = self;
        let around_values = match f.as_str() {
            "cas" => 1,
            "txn" => 2,
            _ => 0,
        };
        if !nests_within(&value, NESTING_MAX + around_values) {
            return Err(MalformedRequest::TooDeep);
        }
        if f == "txn" {
            let transaction = Transaction::parse(key, value)?;
            return Ok(if transaction.is_read_only() {
                Operation::Query(Query::Transaction(transaction))
            } else {
                command(Mutation::Transaction(transaction), token.as_deref())
            });
        }
        let key = key.ok_or(MalformedRequest::NoKey);
        if ["read", "counter", "holder", "delete", "dequeue"].contains(&&*f) && !value.is_null() {
            return Err(MalformedRequest::UnexpectedValue { f, value });
        }
        let mutation = match f.as_str() {
            "read" => return Ok(Operation::Query(Query::Read { key: key? })),
            "counter" => return Ok(Operation::Query(Query::Counter { key: key? })),
            "holder" => return Ok(Operation::Query(Query::Holder { key: key? })),
            "write" => Mutation::Write { key: key?, value },
            "cas" => match value {
                Value::Array(pair) if pair.len() == 2 => {
                    let mut pair = pair.into_iter();
                    let mut next = || pair.next().unwrap_or_default();
                    Mutation::Cas { key: key?, expected: next(), new: next() }
                }
                other => return Err(MalformedRequest::NoPair(other)),
            },
            "append" => Mutation::Append { key: key?, value },
            "delete" => Mutation::Delete { key: key? },
            "add" => match value.as_i64() {
                Some(delta) => Mutation::Add { key: key?, delta },
                None => return Err(MalformedRequest::NoInteger(value)),
            },
            "insert" => Mutation::Insert { key: key?, element: element(&f, value)? },
            "enqueue" => {
                let element = element(&f, value)?;
                if json_bytes(&element) > ANSWER_BYTES_MAX {
                    return Err(MalformedRequest::ElementTooLarge);
                }
                Mutation::Enqueue { key: key?, element }
            }
            "dequeue" => Mutation::Dequeue { key: key? },
            "acquire" => Mutation::Acquire { key: key?, owner: owner(&f, value)? },
            "release" => Mutation::Release { key: key?, owner: owner(&f, value)? },
            other => return Err(MalformedRequest::UnknownOperation(other.to_string())),
        };
        Ok(command(mutation, token.as_deref()))
    }
}

fn command(mutation: Mutation, token: Option<&str>) -> Operation {
    Operation::Command(Command { mutation, token: token.map(Token::parse) })
}

fn element(f: &str, value: Value) -> Result<Value, MalformedRequest> {
    if value.is_null() { Err(MalformedRequest::NoElement(f.to_string())) } else { Ok(value) }
}

fn owner(f: &str, value: Value) -> Result<String, MalformedRequest> {
    match value {
        Value::String(name) => Ok(name),
        value => Err(MalformedRequest::NoOwner { f: f.to_string(), value }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(body: &str) -> Result<Operation, String> {
        let body: RequestBody = serde_json::from_str(body).map_err(|error| error.to_string())?;
        body.into_operation().map_err(|error| error.to_string())
    }

    #[test]
    fn every_operation_is_read_from_its_body() {
        let key = || "k".to_string();
        let mutation = |mutation| Ok(command(mutation, None));
        let query = |query| Ok(Operation::Query(query));
        for (body, operation) in [
            (r#"{"f":"read","key":"k","token":"t:1"}"#, query(Query::Read { key: key() })),
            (r#"{"f":"counter","key":"k"}"#, query(Query::Counter { key: key() })),
            (r#"{"f":"holder","key":"k"}"#, query(Query::Holder { key: key() })),
            (
                r#"{"f":"cas","key":"k","value":[1,{"a":2}]}"#,
                mutation(Mutation::Cas { key: key(), expected: 1.into(), new: json!({"a": 2}) }),
            ),
            (
                r#"{"f":"add","key":"k","value":-3}"#,
                mutation(Mutation::Add { key: key(), delta: -3 }),
            ),
            (r#"{"f":"delete","key":"k"}"#, mutation(Mutation::Delete { key: key() })),
            (
                r#"{"f":"insert","key":"k","value":[1]}"#,
                mutation(Mutation::Insert { key: key(), element: json!([1]) }),
            ),
            (
                r#"{"f":"enqueue","key":"k","value":7}"#,
                mutation(Mutation::Enqueue { key: key(), element: 7.into() }),
            ),
            (r#"{"f":"dequeue","key":"k"}"#, mutation(Mutation::Dequeue { key: key() })),
            (
                r#"{"f":"acquire","key":"k","value":"p4"}"#,
                mutation(Mutation::Acquire { key: key(), owner: "p4".into() }),
            ),
            (
                r#"{"f":"release","key":"k","value":"p4"}"#,
                mutation(Mutation::Release { key: key(), owner: "p4".into() }),
            ),
        ] {
            assert_eq!(parse(body), operation, "{body}");
        }
    }

    #[test]
    fn a_transaction_goes_through_the_log_only_if_it_writes() {
        let reads = r#"{"f":"txn","value":[["r","x",null],["r","y",null]],"token":"t:1"}"#;
        assert!(matches!(parse(reads), Ok(Operation::Query(Query::Transaction(_)))));
        let writes = r#"{"f":"txn","key":"g","value":[["r","x",null],["append","y",1]]}"#;
        let Ok(Operation::Command(Command {
            mutation: Mutation::Transaction(transaction), ..
        })) = parse(writes)
        else {
            panic!("a command");
        };
        let keys: Vec<_> = transaction.steps().map(|(_, key)| key).collect();
        assert_eq!(keys, ["g/x", "g/y"]);
    }

    #[test]
    fn a_malformed_body_is_answered_with_what_is_wrong() {
        let element = "x".repeat(ANSWER_BYTES_MAX);
        let too_large = json!({"f": "enqueue", "key": "k", "value": element}).to_string();
        let written = json!({"f": "txn", "value": [["w", "k", element]]}).to_string();
        let nested = "[".repeat(65) + &"]".repeat(65);
        let too_deep = format!(r#"{{"f":"write","key":"k","value":{nested}}}"#);
        let expects = format!(r#"{{"f":"cas","key":"k","value":[{nested},1]}}"#);
        let in_txn = format!(r#"{{"f":"txn","value":[["append","k",{nested}]]}}"#);
        let too_many = json!({"f": "txn", "value": vec![("r", "k", ()); 65]}).to_string();
        for (body, complaint) in [
            (r#"{"f":"put","key":"k"}"#, "no operation 'put'"),
            (r#"{"f":"cas","key":"k","value":[1]}"#, "[expected,new]"),
            (r#"{"f":"add","key":"k","value":1.5}"#, "integer"),
            (r#"{"f":"read","key":"k","value":1}"#, "takes no"),
            (r#"{"f":"dequeue","key":"k","value":1}"#, "takes no"),
            (r#"{"f":"read","key":"k","tokens":"x"}"#, "unknown field"),
            (r#"{"f":"read"}"#, "needs a \"key\""),
            (r#"{"f":"insert","key":"k"}"#, "insert needs an element"),
            (r#"{"f":"acquire","key":"k","value":4}"#, "owner's name as \"value\", not 4"),
            (r#"{"f":"txn","value":[]}"#, "1 to 64 micro-operations, not 0"),
            (r#"{"f":"txn","value":[["r","k",1]]}"#, "that of k has 1"),
            (r#"{"f":"txn","value":[["cas","k",1]]}"#, "unknown variant `cas`"),
            (r#"{"f":"txn","value":[["w","k"]]}"#, "[[f,key,value],…]"),
            (&too_large, "up to 65536 bytes"),
            (&written, "up to 65536 bytes"),
            (&too_many, "not 65"),
            (&too_deep, "nest up to 64 deep"),
            (&expects, "nest up to 64 deep"),
            (&in_txn, "nest up to 64 deep"),
        ] {
            let error = parse(body).unwrap_err();
            assert!(error.contains(complaint), "{body}: {error}");
        }
    }
}

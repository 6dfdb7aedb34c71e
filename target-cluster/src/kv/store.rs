//! The store: applies committed commands, answers queries.

use std::collections::BTreeMap;

use serde_json::Value;

use super::sessions::{Known, MAX_SESSIONS, Sessions};
use super::{Command, Mutation, Query};
use crate::bugs::{Bug, Bugs};

/// What the state machine said.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Answer {
    /// The result.
    pub outcome: Outcome,
    /// The log index at which it was answered: of a command its own entry's (of a retried one the
    /// first's), of a query the last entry applied before it.
    pub version: u64,
}

/// The result of a command or query. Each is an answer: it settles the operation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It took effect; the value is that of the operation.
    Ok(Value),
    /// A `cas` found another value, and changed nothing.
    PreconditionFailed {
        /// The value found.
        actual: Value,
    },
    /// The value there is not of the kind that the operation works on (an append to what is not a
    /// list, an add to what is not an integer, or beyond 64 bits). Nothing was changed.
    WrongType {
        /// The value found.
        actual: Value,
    },
}

/// What became of a command that was applied.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Applied {
    /// It was answered, now or when it was first sent.
    Answer(Answer),
    /// Its session is past it. Whether it ever took effect is not known any more.
    StaleToken,
}

/// The replicated state.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Store {
    values: BTreeMap<String, Value>,
    sessions: Sessions,
    applied: u64,
    ignore_tokens: bool,
}

impl Store {
    /// An empty store.
    pub fn new(bugs: &Bugs) -> Store {
        Store {
            values: BTreeMap::new(),
            sessions: Sessions::new(MAX_SESSIONS),
            applied: 0,
            ignore_tokens: bugs.contains(&Bug::IgnoreTokens),
        }
    }

    /// The index of the last entry applied; 0 before the first.
    pub fn applied(&self) -> u64 {
        self.applied
    }

    /// Passes over an entry that carries no command.
    pub fn skip(&mut self, index: u64) {
        assert_eq!(index, self.applied + 1, "entries are applied in order, without a gap");
        self.applied = index;
    }

    /// Applies the command of the entry at `index`.
    pub fn apply(&mut self, index: u64, command: &Command) -> Applied {
        self.skip(index);
        let token = command.token.as_ref().filter(|_| !self.ignore_tokens);
        if let Some(token) = token {
            match self.sessions.look_up(token, index) {
                Known::No => {}
                Known::Answered(answer) => return Applied::Answer(answer),
                Known::Stale => return Applied::StaleToken,
            }
        }
        let answer = Answer { outcome: self.mutate(&command.mutation), version: index };
        if let Some(token) = token {
            self.sessions.remember(token, index, answer.clone());
        }
        Applied::Answer(answer)
    }

    /// Answers a query from the state as it is now.
    pub fn query(&self, query: &Query) -> Answer {
        let outcome = match query {
            Query::Read { key } => Outcome::Ok(self.value(key)),
            Query::Counter { key } => match self.counter(key) {
                Some(count) => Outcome::Ok(count.into()),
                None => Outcome::WrongType { actual: self.value(key) },
            },
        };
        Answer { outcome, version: self.applied }
    }

    fn mutate(&mut self, mutation: &Mutation) -> Outcome {
        match mutation {
            Mutation::Write { key, value } => self.set(key, value.clone()),
            Mutation::Delete { key } => self.set(key, Value::Null),
            Mutation::Cas { key, expected, new } => match self.value(key) {
                actual if actual == *expected => self.set(key, new.clone()),
                actual => Outcome::PreconditionFailed { actual },
            },
            Mutation::Append { key, value } => {
                let list = self.values.entry(key.clone()).or_insert_with(|| Value::Array(vec![]));
                match list {
                    Value::Array(list) => {
                        list.push(value.clone());
                        Outcome::Ok(list.len().into())
                    }
                    other => Outcome::WrongType { actual: other.clone() },
                }
            }
            Mutation::Add { key, delta } => {
                match self.counter(key).and_then(|count| count.checked_add(*delta)) {
                    Some(sum) => {
                        self.values.insert(key.clone(), sum.into());
                        Outcome::Ok(sum.into())
                    }
                    None => Outcome::WrongType { actual: self.value(key) },
                }
            }
        }
    }

    fn set(&mut self, key: &str, value: Value) -> Outcome {
        if value.is_null() {
            self.values.remove(key);
        } else {
            self.values.insert(key.to_string(), value);
        }
        Outcome::Ok(Value::Null)
    }

    fn value(&self, key: &str) -> Value {
        self.values.get(key).cloned().unwrap_or_default()
    }

    fn counter(&self, key: &str) -> Option<i64> {
        self.values.get(key).map_or(Some(0), Value::as_i64)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kv::{Operation, RequestBody};

    /// Applies one request as the next entry and gives what it was answered.
    fn run(store: &mut Store, body: Value) -> Applied {
        let body: RequestBody = serde_json::from_value(body).unwrap();
        match body.into_operation().unwrap() {
            Operation::Query(query) => Applied::Answer(store.query(&query)),
            Operation::Command(command) => store.apply(store.applied() + 1, &command),
        }
    }

    fn outcome(store: &mut Store, body: Value) -> Outcome {
        match run(store, body) {
            Applied::Answer(answer) => answer.outcome,
            Applied::StaleToken => panic!("stale token"),
        }
    }

    #[test]
    fn values_lists_and_counters_change_as_told() {
        let store = &mut Store::new(&Bugs::new());
        let null = || Outcome::Ok(Value::Null);
        for (body, expected) in [
            (json!({"f": "read", "key": "k"}), null()),
            (json!({"f": "cas", "key": "k", "value": [null, 1]}), null()),
            (
                json!({"f": "cas", "key": "k", "value": [2, 3]}),
                Outcome::PreconditionFailed { actual: json!(1) },
            ),
            (
                json!({"f": "append", "key": "k", "value": 1}),
                Outcome::WrongType { actual: json!(1) },
            ),
            (json!({"f": "write", "key": "k", "value": "x"}), null()),
            (
                json!({"f": "add", "key": "k", "value": 1}),
                Outcome::WrongType { actual: json!("x") },
            ),
            (json!({"f": "delete", "key": "k"}), null()),
            (json!({"f": "read", "key": "k"}), null()),
            (json!({"f": "append", "key": "l", "value": [7]}), Outcome::Ok(json!(1))),
            (json!({"f": "append", "key": "l", "value": 8}), Outcome::Ok(json!(2))),
            (json!({"f": "read", "key": "l"}), Outcome::Ok(json!([[7], 8]))),
            (json!({"f": "counter", "key": "c"}), Outcome::Ok(json!(0))),
            (json!({"f": "add", "key": "c", "value": i64::MAX}), Outcome::Ok(json!(i64::MAX))),
            (
                json!({"f": "add", "key": "c", "value": 1}),
                Outcome::WrongType { actual: json!(i64::MAX) },
            ),
            (json!({"f": "counter", "key": "c"}), Outcome::Ok(json!(i64::MAX))),
        ] {
            assert_eq!(outcome(store, body.clone()), expected, "{body}");
        }
    }

    #[test]
    fn a_retried_command_is_answered_as_the_first_time_and_applied_once() {
        let store = &mut Store::new(&Bugs::new());
        let add = |token: &str| json!({"f": "add", "key": "c", "value": 1, "token": token});
        let first = run(store, add("s:1"));
        assert_eq!(first, run(store, add("s:1")));
        assert_eq!(outcome(store, add("s:2")), Outcome::Ok(json!(2)));
        assert_eq!(run(store, add("s:1")), Applied::StaleToken);
        assert_eq!(outcome(store, add("t:1")), Outcome::Ok(json!(3)), "sessions are apart");
    }

    #[test]
    fn a_failed_precondition_is_an_answer_that_a_retry_gets_again() {
        let store = &mut Store::new(&Bugs::new());
        let cas = json!({"f": "cas", "key": "k", "value": [1, 2], "token": "s:1"});
        let first = run(store, cas.clone());
        run(store, json!({"f": "write", "key": "k", "value": 1}));
        assert_eq!(run(store, cas), first);
    }

    #[test]
    fn a_command_without_a_token_is_always_applied() {
        let store = &mut Store::new(&Bugs::new());
        let add = json!({"f": "add", "key": "c", "value": 1});
        run(store, add.clone());
        assert_eq!(outcome(store, add), Outcome::Ok(json!(2)));
    }

    #[test]
    fn ignore_tokens_applies_a_retry_again() {
        let store = &mut Store::new(&Bugs::from([Bug::IgnoreTokens]));
        let add = json!({"f": "add", "key": "c", "value": 1, "token": "s:1"});
        run(store, add.clone());
        assert_eq!(outcome(store, add), Outcome::Ok(json!(2)));
    }

    #[test]
    fn the_session_used_longest_ago_is_forgotten_first() {
        let store = &mut Store::new(&Bugs::new());
        store.sessions = Sessions::new(2);
        let add = |token: &str| json!({"f": "add", "key": "c", "value": 1, "token": token});
        run(store, add("a:1"));
        run(store, add("b:1"));
        run(store, add("a:1"));
        run(store, add("c:1"));
        assert_eq!(outcome(store, add("a:1")), Outcome::Ok(json!(1)), "a was used after b");
        assert_eq!(outcome(store, add("b:1")), Outcome::Ok(json!(4)), "b was forgotten");
    }
}

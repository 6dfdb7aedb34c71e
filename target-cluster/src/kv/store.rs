//! The store: applies committed commands, answers queries.

use super::sessions::{Known, MAX_SESSIONS, SESSION_BYTES_MAX, Sessions};
use super::values::Values;
use super::{Answer, Command, EncodedCommand, Mutation, Query, Token};
use crate::bugs::{Bug, Bugs};

/// The result of applying a command.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Applied {
    /// It was answered, now or when it was first sent.
    Answer(Answer),
    /// Another command was applied under its token. This one was not, and never will be.
    TokenReused,
    /// Its session is past it. Whether it ever took effect is not known any more.
    StaleToken,
}

/// The replicated state.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Store {
    values: Values,
    sessions: Sessions,
    applied: u64,
    ignore_tokens: bool,
}

impl Store {
    /// An empty store.
    pub(crate) fn new(bugs: &Bugs) -> Store {
        Store {
            values: Values::default(),
            sessions: Sessions::new(MAX_SESSIONS, SESSION_BYTES_MAX),
            applied: 0,
            ignore_tokens: bugs.contains(&Bug::IgnoreTokens)
                || bugs.contains(&Bug::TokensOfLeaderOnly),
        }
    }

    /// The index of the last entry applied; 0 before the first.
    pub(crate) fn applied(&self) -> u64 {
        self.applied
    }

    /// Passes over an entry that carries no command.
    pub(crate) fn skip(&mut self, index: u64) {
        assert_eq!(index, self.applied + 1, "entries are applied in order, without a gap");
        self.applied = index;
    }

    /// Applies the command of the entry at `index`; gives its token as well.
    pub(crate) fn apply(
        &mut self,
        index: u64,
        command: &EncodedCommand,
    ) -> (Applied, Option<Token>) {
        let fingerprint = command.fingerprint();
        let Command { mutation, token } = command.decode();
        let heeded = token.as_ref().filter(|_| !self.ignore_tokens);
        (self.apply_once(index, mutation, heeded, fingerprint), token)
    }

    fn apply_once(
        &mut self,
        index: u64,
        mutation: Mutation,
        token: Option<&Token>,
        fingerprint: u64,
    ) -> Applied {
        self.skip(index);
        if let Some(token) = token {
            match self.sessions.look_up(token, fingerprint, index) {
                Known::No => {}
                Known::Answered(answer) => return Applied::Answer(answer),
                Known::Reused => return Applied::TokenReused,
                Known::Stale => return Applied::StaleToken,
            }
        }
        let answer = Answer { result: self.values.mutate(index, mutation), version: index };
        if let Some(token) = token {
            self.sessions.remember(token, fingerprint, index, answer.clone());
        }
        Applied::Answer(answer)
    }

    /// The values of the keys.
    pub(super) fn values(&self) -> &Values {
        &self.values
    }

    /// The values, for a state that is read.
    pub(super) fn values_mut(&mut self) -> &mut Values {
        &mut self.values
    }

    /// The sessions, for a state that is read.
    pub(super) fn sessions_mut(&mut self) -> &mut Sessions {
        &mut self.sessions
    }

    /// The state that was read, as of that many entries.
    pub(crate) fn applied_through(self, applied: u64) -> Store {
        Store { applied, ..self }
    }

    /// The state without the sessions, for the planted bug `sessions-left-out`.
    pub(crate) fn without_sessions(&self) -> Store {
        Store { sessions: Sessions::new(MAX_SESSIONS, SESSION_BYTES_MAX), ..self.clone() }
    }

    /// Another state with the items of this one that it lacks, for the planted bug `snapshot-merged`.
    pub(crate) fn merged_with(&self, other: &Store) -> Store {
        let mut merged = other.clone();
        for (key, item) in self.values.items_after(None) {
            if merged.values.under(key).is_none() {
                merged.values.put(key.clone(), item.clone());
            }
        }
        merged
    }

    /// The sessions of clients.
    pub(super) fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// Answers a query from the state as it is now.
    pub(crate) fn query(&self, query: &Query) -> Answer {
        Answer { result: self.values.query(query), version: self.applied }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::kv::{Operation, OperationResult, RequestBody};

    /// Applies one request as the next entry and gives what it was answered.
    fn run(store: &mut Store, body: Value) -> Applied {
        let body: RequestBody = serde_json::from_value(body).unwrap();
        match body.into_operation().unwrap() {
            Operation::Query(query) => Applied::Answer(store.query(&query)),
            Operation::Command(command) => {
                store.apply(store.applied() + 1, &EncodedCommand::new(&command)).0
            }
        }
    }

    fn result(store: &mut Store, body: Value) -> OperationResult {
        match run(store, body) {
            Applied::Answer(answer) => answer.result,
            refused => panic!("{refused:?}"),
        }
    }

    #[test]
    fn a_retried_command_is_answered_as_the_first_time_and_applied_once() {
        let store = &mut Store::new(&Bugs::new());
        let add = |token: &str| json!({"f": "add", "key": "c", "value": 1, "token": token});
        let first = run(store, add("s:1"));
        assert_eq!(first, run(store, add("s:1")));
        assert_eq!(result(store, add("s:2")), OperationResult::Ok(json!(2).into()));
        assert_eq!(run(store, add("s:1")), Applied::StaleToken);
        assert_eq!(
            result(store, add("t:1")),
            OperationResult::Ok(json!(3).into()),
            "sessions are apart"
        );
    }

    #[test]
    fn a_token_that_was_used_for_another_command_is_refused() {
        let store = &mut Store::new(&Bugs::new());
        let add = |amount: u64| json!({"f": "add", "key": "c", "value": amount, "token": "s:1"});
        let first = run(store, add(1));
        assert_eq!(run(store, add(2)), Applied::TokenReused);
        assert_eq!(run(store, add(1)), first, "the first is recognised still");
        let query = run(store, json!({"f": "counter", "key": "c"}));
        assert!(
            matches!(query, Applied::Answer(answer) if answer.result == OperationResult::Ok(json!(1).into()))
        );
    }

    #[test]
    fn large_answers_are_forgotten_before_they_take_too_much() {
        let store = &mut Store::new(&Bugs::new());
        store.sessions = Sessions::new(1_000_000, 1_000_000);
        run(store, json!({"f": "write", "key": "k", "value": "x".repeat(60_000)}));
        let cas = |number: u64| {
            let token = format!("s{number}:1");
            json!({"f": "cas", "key": "k", "value": [1, 2], "token": token})
        };
        for number in 0..4_000 {
            run(store, cas(number));
        }
        assert!(store.sessions.bytes() <= 1_000_000);
        let next = store.applied() + 1;
        let answered_at = |applied| match applied {
            Applied::Answer(answer) => answer.version,
            refused => panic!("{refused:?}"),
        };
        assert!(answered_at(run(store, cas(3_999))) < next, "the latest is known");
        assert!(answered_at(run(store, cas(0))) > next, "the first is not");
    }

    #[test]
    fn answers_of_many_digits_are_counted_by_what_they_take_in_memory() {
        let store = &mut Store::new(&Bugs::new());
        store.sessions = Sessions::new(1_000_000, 1_000_000);
        let cas = |number: u64| {
            let token = format!("s{number}:1");
            json!({"f": "cas", "key": "k", "value": [1, 2], "token": token})
        };
        // As JSON each of the lists takes 2 kB; every answer has one of its own.
        for number in 0..100 {
            run(store, json!({"f": "write", "key": "k", "value": vec![7; 1_000]}));
            run(store, cas(number));
        }
        let next = store.applied() + 1;
        let is_known = |store: &mut Store, number| match run(store, cas(number)) {
            Applied::Answer(answer) => answer.version < next,
            refused => panic!("{refused:?}"),
        };
        assert!(is_known(store, 99) && is_known(store, 90));
        assert!(!is_known(store, 80), "13 of 72 kB are as much as may be kept");
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
        assert_eq!(result(store, add), OperationResult::Ok(json!(2).into()));
    }

    /// Mutations of every kind, of which each changes what the next of its kind is answered.
    fn one_of_each() -> Vec<Value> {
        let bodies = [
            json!({"f": "cas", "key": "register", "value": [null, 1]}),
            json!({"f": "append", "key": "list", "value": 1}),
            json!({"f": "add", "key": "counter", "value": 1}),
            json!({"f": "insert", "key": "set", "value": 1}),
            json!({"f": "enqueue", "key": "filled", "value": 1}),
            json!({"f": "dequeue", "key": "queue"}),
            json!({"f": "acquire", "key": "free", "value": "p1"}),
            json!({"f": "release", "key": "held", "value": "p1"}),
            json!({"f": "txn", "value": [["append", "other list", 1], ["r", "other list", null]]}),
        ];
        let with_token = |(number, mut body): (usize, Value)| {
            body["token"] = format!("s{number}:1").into();
            body
        };
        bodies.into_iter().enumerate().map(with_token).collect()
    }

    /// A store in which each of them can be done once.
    fn prepared(bugs: &Bugs) -> Store {
        let mut store = Store::new(bugs);
        run(&mut store, json!({"f": "enqueue", "key": "queue", "value": "first"}));
        run(&mut store, json!({"f": "enqueue", "key": "queue", "value": "second"}));
        run(&mut store, json!({"f": "acquire", "key": "held", "value": "p1"}));
        store
    }

    #[test]
    fn a_retry_of_any_kind_gets_the_first_answer_and_changes_nothing() {
        for body in one_of_each() {
            let store = &mut prepared(&Bugs::new());
            let first = run(store, body.clone());
            let after = store.values.clone();
            for _ in 0..2 {
                assert_eq!(run(store, body.clone()), first, "{body}");
                assert_eq!(store.values, after, "{body}");
            }
        }
    }

    #[test]
    fn ignore_tokens_applies_a_retry_of_any_kind_again() {
        for body in one_of_each() {
            let store = &mut prepared(&Bugs::from([Bug::IgnoreTokens]));
            let first = result(store, body.clone());
            assert!(matches!(first, OperationResult::Ok(_)), "{body}");
            assert_ne!(result(store, body.clone()), first, "{body}");
        }
    }

    #[test]
    fn every_answer_has_the_index_at_which_it_was_made() {
        let store = &mut prepared(&Bugs::new());
        let mut last = store.applied();
        let fails = [
            json!({"f": "cas", "key": "register", "value": [5, 6]}),
            json!({"f": "add", "key": "list", "value": 1}),
            json!({"f": "dequeue", "key": "nothing"}),
            json!({"f": "release", "key": "nothing", "value": "p1"}),
        ];
        for body in one_of_each().into_iter().chain(fails) {
            let Applied::Answer(answer) = run(store, body.clone()) else { panic!("{body}") };
            assert_eq!(answer.version, last + 1, "{body}");
            last += 1;
            for query in [
                json!({"f": "read", "key": "list"}),
                json!({"f": "counter", "key": "counter"}),
                json!({"f": "holder", "key": "free"}),
                json!({"f": "txn", "value": [["r", "list", null]]}),
                json!({"f": "counter", "key": "list"}),
            ] {
                let Applied::Answer(answer) = run(store, query.clone()) else { panic!("{query}") };
                assert_eq!(answer.version, last, "{query}");
            }
        }
    }

    #[test]
    fn the_session_used_longest_ago_is_forgotten_first() {
        let store = &mut Store::new(&Bugs::new());
        store.sessions = Sessions::new(2, usize::MAX);
        let add = |token: &str| json!({"f": "add", "key": "c", "value": 1, "token": token});
        run(store, add("a:1"));
        run(store, add("b:1"));
        run(store, add("a:1"));
        run(store, add("c:1"));
        assert_eq!(
            result(store, add("a:1")),
            OperationResult::Ok(json!(1).into()),
            "a was used after b"
        );
        assert_eq!(
            result(store, add("b:1")),
            OperationResult::Ok(json!(4).into()),
            "b was forgotten"
        );
    }
}

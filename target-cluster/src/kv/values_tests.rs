use serde_json::{Value, json};

use super::values::Values;
use super::{ANSWER_BYTES_MAX, Operation, OperationResult, RequestBody};

/// Carries out one request, as the entry at `index` if it is a command.
fn run(values: &mut Values, index: u64, body: Value) -> OperationResult {
    let body: RequestBody = serde_json::from_value(body).unwrap();
    match body.into_operation().unwrap() {
        Operation::Query(query) => values.query(&query),
        Operation::Command(command) => values.mutate(index, command.mutation),
    }
}

/// Carries out requests one after the other, from index 1 on, and compares what they are answered.
fn check(script: impl IntoIterator<Item = (Value, OperationResult)>) {
    let mut values = Values::default();
    for (index, (body, expected)) in (1..).zip(script) {
        assert_eq!(run(&mut values, index, body.clone()), expected, "{index}: {body}");
    }
}

fn ok(value: Value) -> OperationResult {
    OperationResult::Ok(value.into())
}

fn failed(actual: Value) -> OperationResult {
    OperationResult::PreconditionFailed { actual: Some(actual.into()) }
}

fn wrong_type(actual: Value) -> OperationResult {
    OperationResult::WrongType { actual: Some(actual.into()) }
}

#[test]
fn values_lists_and_counters_change_as_told() {
    check([
        (json!({"f": "read", "key": "k"}), ok(json!(null))),
        (json!({"f": "cas", "key": "k", "value": [null, 1]}), ok(json!(null))),
        (json!({"f": "cas", "key": "k", "value": [2, 3]}), failed(json!(1))),
        (json!({"f": "append", "key": "k", "value": 1}), wrong_type(json!(1))),
        (json!({"f": "write", "key": "k", "value": "x"}), ok(json!(null))),
        (json!({"f": "add", "key": "k", "value": 1}), wrong_type(json!("x"))),
        (json!({"f": "delete", "key": "k"}), ok(json!(null))),
        (json!({"f": "read", "key": "k"}), ok(json!(null))),
        (json!({"f": "append", "key": "l", "value": [7]}), ok(json!(1))),
        (json!({"f": "append", "key": "l", "value": 8}), ok(json!(2))),
        (json!({"f": "read", "key": "l"}), ok(json!([[7], 8]))),
        (json!({"f": "counter", "key": "c"}), ok(json!(0))),
        (json!({"f": "add", "key": "c", "value": i64::MAX}), ok(json!(i64::MAX))),
        (json!({"f": "add", "key": "c", "value": 1}), wrong_type(json!(i64::MAX))),
        (json!({"f": "counter", "key": "c"}), ok(json!(i64::MAX))),
    ]);
}

#[test]
fn a_set_keeps_what_was_inserted() {
    check([
        (json!({"f": "insert", "key": "s", "value": 7}), ok(json!(true))),
        (json!({"f": "insert", "key": "s", "value": [1]}), ok(json!(true))),
        (json!({"f": "insert", "key": "s", "value": 7}), ok(json!(false))),
        (json!({"f": "read", "key": "s"}), ok(json!([7, [1]]))),
        (json!({"f": "append", "key": "s", "value": 1}), wrong_type(json!([7, [1]]))),
        (json!({"f": "append", "key": "l", "value": 1}), ok(json!(1))),
        (json!({"f": "insert", "key": "l", "value": 1}), wrong_type(json!([1]))),
    ]);
}

#[test]
fn a_queue_gives_the_oldest_first_and_tells_that_it_is_empty() {
    check([
        (json!({"f": "dequeue", "key": "q"}), OperationResult::Empty),
        (json!({"f": "read", "key": "q"}), ok(json!(null))),
        (json!({"f": "enqueue", "key": "q", "value": 1}), ok(json!(1))),
        (json!({"f": "enqueue", "key": "q", "value": 2}), ok(json!(2))),
        (json!({"f": "read", "key": "q"}), ok(json!([1, 2]))),
        (json!({"f": "dequeue", "key": "q"}), ok(json!(1))),
        (json!({"f": "enqueue", "key": "q", "value": 3}), ok(json!(2))),
        (json!({"f": "dequeue", "key": "q"}), ok(json!(2))),
        (json!({"f": "dequeue", "key": "q"}), ok(json!(3))),
        (json!({"f": "dequeue", "key": "q"}), OperationResult::Empty),
        (json!({"f": "insert", "key": "q", "value": 1}), wrong_type(json!([]))),
        (json!({"f": "insert", "key": "s", "value": 1}), ok(json!(true))),
        (json!({"f": "dequeue", "key": "s"}), wrong_type(json!([1]))),
    ]);
}

#[test]
fn a_lock_has_one_owner_and_its_tokens_grow() {
    let holder = |owner: &str, token: u64| json!({"owner": owner, "token": token});
    check([
        (json!({"f": "holder", "key": "l"}), ok(json!(null))),
        (json!({"f": "acquire", "key": "l", "value": "a"}), ok(json!(2))),
        (json!({"f": "acquire", "key": "l", "value": "b"}), failed(holder("a", 2))),
        (json!({"f": "acquire", "key": "l", "value": "a"}), failed(holder("a", 2))),
        (json!({"f": "release", "key": "l", "value": "b"}), failed(holder("a", 2))),
        (json!({"f": "holder", "key": "l"}), ok(holder("a", 2))),
        (json!({"f": "release", "key": "l", "value": "a"}), ok(json!(null))),
        (json!({"f": "release", "key": "l", "value": "a"}), failed(json!(null))),
        (json!({"f": "acquire", "key": "l", "value": "b"}), ok(json!(9))),
        (json!({"f": "read", "key": "l"}), ok(holder("b", 9))),
        (json!({"f": "add", "key": "l", "value": 1}), wrong_type(holder("b", 9))),
        (json!({"f": "write", "key": "v", "value": 5}), ok(json!(null))),
        (json!({"f": "acquire", "key": "v", "value": "a"}), wrong_type(json!(5))),
        (json!({"f": "release", "key": "v", "value": "a"}), wrong_type(json!(5))),
        (json!({"f": "holder", "key": "v"}), wrong_type(json!(5))),
    ]);
}

#[test]
fn a_transaction_sees_what_it_wrote_and_its_group_holds_its_keys() {
    check([
        (
            json!({"f": "txn", "value": [["r", "x", null], ["w", "x", 3], ["r", "x", null]]}),
            ok(json!([["r", "x", null], ["w", "x", 3], ["r", "x", 3]])),
        ),
        (
            json!({"f": "txn", "key": "g", "value": [["append", "l", 1], ["append", "l", 2]]}),
            ok(json!([["append", "l", 1], ["append", "l", 2]])),
        ),
        (json!({"f": "read", "key": "g/l"}), ok(json!([1, 2]))),
        (
            json!({"f": "txn", "value": [["r", "g/l", null], ["r", "x", null], ["r", "l", null]]}),
            ok(json!([["r", "g/l", [1, 2]], ["r", "x", 3], ["r", "l", null]])),
        ),
        (
            json!({"f": "txn", "value": [["w", "x", null], ["r", "g/l", null]]}),
            ok(json!([["w", "x", null], ["r", "g/l", [1, 2]]])),
        ),
        (json!({"f": "read", "key": "x"}), ok(json!(null))),
    ]);
}

#[test]
fn a_transaction_that_cannot_be_done_leaves_everything_as_it_was() {
    let mut values = Values::default();
    for (index, body) in [
        json!({"f": "append", "key": "list", "value": 1}),
        json!({"f": "write", "key": "written", "value": "old"}),
        json!({"f": "acquire", "key": "lock", "value": "a"}),
        json!({"f": "write", "key": "large", "value": "x".repeat(ANSWER_BYTES_MAX)}),
    ]
    .into_iter()
    .enumerate()
    {
        run(&mut values, index as u64, body);
    }
    let before = values.clone();
    let steps = |last: Value| {
        json!({"f": "txn", "value": [
            ["append", "list", 2], ["append", "list", 3], ["append", "new", 1], ["append", "new", 2],
            ["w", "written", "new"], ["w", "list", null], ["w", "lock", 5], last,
        ]})
    };
    for (last, expected) in [
        (json!(["append", "lock", 1]), wrong_type(json!(5))),
        (json!(["append", "written", 1]), wrong_type(json!("new"))),
        (json!(["append", "large", 1]), OperationResult::WrongType { actual: None }),
        (json!(["r", "large", null]), OperationResult::TooLarge),
    ] {
        assert_eq!(run(&mut values, 9, steps(last.clone())), expected, "{last}");
        assert_eq!(values, before, "{last}");
    }
    let read = run(&mut values, 9, json!({"f": "txn", "value": [["r", "large", null]]}));
    assert!(matches!(read, OperationResult::Ok(_)), "what is not kept may be large");
}

#[test]
fn no_answer_that_is_kept_is_large() {
    let large = Value::from("x".repeat(ANSWER_BYTES_MAX));
    let mut values = Values::default();
    run(&mut values, 1, json!({"f": "write", "key": "k", "value": large}));
    let cas = run(&mut values, 2, json!({"f": "cas", "key": "k", "value": [1, 2]}));
    assert_eq!(cas, OperationResult::PreconditionFailed { actual: None });
    let insert = run(&mut values, 3, json!({"f": "insert", "key": "k", "value": 1}));
    assert_eq!(insert, OperationResult::WrongType { actual: None });
    assert_eq!(run(&mut values, 4, json!({"f": "read", "key": "k"})), ok(large));
}

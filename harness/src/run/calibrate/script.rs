//! The operations that are done to an object to see what its service means.

use serde_json::{Value, json};
use workloads::{Invocation, Workload};

/// A step of a script.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// An operation with a token of its own.
    Do(Invocation),
    /// The operation of an earlier step once more, with the same token through another node. It
    /// must answer what it answered and change nothing.
    Again(usize),
}

/// The script for an object of the workload: each operation, on an object that is fresh,
/// where it succeeds, where its precondition fails, and again where one can see whether it took
/// effect twice.
pub fn of(workload: &Workload, object: &str) -> Vec<Step> {
    let act = |f, value| Step::Do(Invocation::mutation(f, object, value));
    let read = || Step::Do(Invocation::read(object));
    let take_step = |mutates, step: Value| {
        let value = json!([step]);
        Step::Do(Invocation { f: "txn", key: object.into(), value, mutates })
    };
    let again = Step::Again;
    match workload.model {
        "register" if !workload.kinds.contains(&"cas") => {
            vec![read(), act("write", json!(1)), read(), act("write", json!(2)), again(1), read()]
        }
        "register" => vec![
            read(),
            act("write", json!(1)),
            read(),
            act("cas", json!([1, 2])),
            read(),
            act("cas", json!([1, 3])),
            act("write", json!(4)),
            again(1),
            read(),
            act("cas", json!([4, 5])),
            act("write", json!(4)),
            again(9),
            read(),
        ],
        "append-list" => {
            vec![read(), act("append", json!(1)), read(), act("append", json!(2)), again(1), read()]
        }
        // To add an element twice is to add it once.
        "set" => vec![read(), act("add", json!(1)), read(), act("add", json!(2)), read()],
        "counter" => {
            vec![read(), act("add", json!(1)), read(), act("add", json!(2)), again(1), read()]
        }
        "queue" => vec![
            act("dequeue", Value::Null),
            act("enqueue", json!(1)),
            act("enqueue", json!(2)),
            again(1),
            act("dequeue", Value::Null),
            again(4),
            act("dequeue", Value::Null),
            act("dequeue", Value::Null),
        ],
        "mutex" | "fenced-lock" => vec![
            act("acquire", json!("p1")),
            again(0),
            act("acquire", json!("p2")),
            act("release", json!("p2")),
            act("release", json!("p1")),
            again(4),
            act("acquire", json!("p2")),
            act("release", json!("p2")),
        ],
        "txn" => vec![
            take_step(false, json!(["r", "x", null])),
            take_step(true, json!(["w", "x", 1])),
            take_step(false, json!(["r", "x", null])),
            take_step(true, json!(["w", "x", 2])),
            again(1),
            take_step(false, json!(["r", "x", null])),
        ],
        other => unreachable!("no workload is judged by {other}"),
    }
}

/// Says if an answer is what was expected, as far as the model promises.
pub fn alike(model: &str, expected: &Option<Value>, answered: &Option<Value>) -> bool {
    let (Some(expected), Some(answered)) = (expected, answered) else {
        return expected.is_none() && answered.is_none();
    };
    match model {
        "append-list" | "set" if *expected == json!([]) && answered.is_null() => true,
        "set" if expected.is_array() => sorted(expected) == sorted(answered),
        // Nobody has promised which tokens there are.
        "fenced-lock" if expected.is_u64() => answered.is_u64(),
        _ => expected == answered,
    }
}

/// The texts of a list's elements, in order; of what is no list none.
fn sorted(list: &Value) -> Option<Vec<String>> {
    let mut texts: Vec<String> = list.as_array()?.iter().map(Value::to_string).collect();
    texts.sort();
    Some(texts)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use workloads::Object;

    use super::*;

    #[test]
    fn every_script_does_everything_of_its_workload_and_fits_its_object() {
        let register = workloads::find("register").expect("there is one");
        let without_cas = workloads::offered(register, |f| f != "cas").expect("it can be tested");
        for workload in workloads::ALL.iter().chain([&without_cas]) {
            let script = of(workload, "x");
            let mut object = Object::of(workload.model).expect("every workload has an object");
            let mut done = BTreeSet::new();
            for (number, step) in script.iter().enumerate() {
                match step {
                    Step::Do(Invocation { f, value, .. }) => {
                        if object.serve(f, value).is_some() {
                            done.insert(*f);
                        }
                    }
                    Step::Again(earlier) => {
                        assert!(*earlier < number);
                        assert!(matches!(&script[*earlier], Step::Do(it) if it.mutates));
                    }
                }
            }
            assert_eq!(done, workload.kinds.iter().copied().collect(), "{}", workload.name);
        }
    }

    #[test]
    fn answers_are_compared_as_far_as_the_model_promises() {
        let same = |model, one: Value, other: Value| alike(model, &Some(one), &Some(other));
        assert!(same("set", json!([1, 2]), json!([2, 1])));
        assert!(!same("set", json!([1, 2]), json!([1])));
        assert!(!same("append-list", json!([1, 2]), json!([2, 1])));
        assert!(same("append-list", json!([]), Value::Null));
        assert!(!same("set", json!([1]), Value::Null));
        assert!(same("fenced-lock", json!(1), json!(4711)));
        assert!(!same("fenced-lock", json!(1), json!("p1")));
        assert!(!alike("register", &None, &Some(json!(1))));
        assert!(alike("register", &None, &None));
    }
}

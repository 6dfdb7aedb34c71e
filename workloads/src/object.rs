//! The objects that a service keeps under its keys, and that the workloads are about.
//!
//! The simulated service keeps them, and so do clients of services that have nothing of the kind,
//! as documents that are read, changed and written back.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The state under one key, and with it the operations that the service has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Object {
    /// `read`, `write`, `cas`.
    Register(Value),
    /// `append`, `read`; in order.
    List(Vec<Value>),
    /// `add`, `read`; the last one first, because a set has no order.
    Set(VecDeque<Value>),
    /// `add`, `read`.
    Counter(i64),
    /// `enqueue`, `dequeue`; the first one in is the first one out.
    Queue(VecDeque<Value>),
    /// `acquire`, `release`; the holder.
    Mutex(Option<Value>),
    /// `acquire`, `release`; the holder, and the token given out last.
    FencedLock(Option<Value>, u64),
    /// `txn`; the values by key.
    Group(BTreeMap<String, Value>),
}

impl Object {
    /// The object, as it is in the beginning, that the checker's model of that name describes; none
    /// if no workload is judged by it.
    pub fn of(model: &str) -> Option<Object> {
        let object = match model {
            "register" => Object::Register(Value::Null),
            "append-list" => Object::List(Vec::new()),
            "set" => Object::Set(VecDeque::new()),
            "counter" => Object::Counter(0),
            "queue" => Object::Queue(VecDeque::new()),
            "mutex" => Object::Mutex(None),
            "fenced-lock" => Object::FencedLock(None, 0),
            "txn" => Object::Group(BTreeMap::new()),
            _ => return None,
        };
        Some(object)
    }

    /// Carries out an operation: the value of the completion in the history, or none when the state
    /// does not allow it.
    ///
    /// # Panics
    /// When the object has no such operation.
    pub fn serve(&mut self, f: &str, argument: &Value) -> Option<Value> {
        let done = Some(argument.clone());
        match (self, f) {
            (Object::Register(value), "read") => Some(value.clone()),
            (Object::Register(value), "write") => {
                value.clone_from(argument);
                done
            }
            (Object::Register(value), "cas") => {
                if *value != argument[0] {
                    return None;
                }
                value.clone_from(&argument[1]);
                done
            }
            (Object::List(elements), "read") => {
                Some(if elements.is_empty() { Value::Null } else { json!(elements) })
            }
            (Object::List(elements), "append") => {
                elements.push(argument.clone());
                done
            }
            (Object::Set(elements), "read") => Some(json!(elements)),
            (Object::Set(elements), "add") => {
                if !elements.contains(argument) {
                    elements.push_front(argument.clone());
                }
                done
            }
            (Object::Counter(sum), "read") => Some(json!(sum)),
            (Object::Counter(sum), "add") => {
                *sum += argument.as_i64().expect("a counter is given whole numbers");
                done
            }
            (Object::Queue(elements), "enqueue") => {
                elements.push_back(argument.clone());
                done
            }
            (Object::Queue(elements), "dequeue") => elements.pop_front(),
            (Object::Mutex(holder), "acquire") => acquire(holder, argument).then_some(done)?,
            (Object::Mutex(holder), "release") => release(holder, argument).then_some(done)?,
            (Object::FencedLock(holder, token), "acquire") => {
                if !acquire(holder, argument) {
                    return None;
                }
                *token += 1;
                Some(json!(token))
            }
            (Object::FencedLock(holder, _), "release") => {
                release(holder, argument).then_some(done)?
            }
            (Object::Group(values), "txn") => {
                let steps = argument.as_array().expect("a transaction is a list of steps");
                Some(steps.iter().map(|step| take_step(values, step)).collect())
            }
            (object, f) => panic!("there is no {f} of {object:?}"),
        }
    }
}

fn acquire(holder: &mut Option<Value>, owner: &Value) -> bool {
    let free = holder.is_none();
    if free {
        *holder = Some(owner.clone());
    }
    free
}

fn release(holder: &mut Option<Value>, owner: &Value) -> bool {
    let held = holder.as_ref() == Some(owner);
    if held {
        *holder = None;
    }
    held
}

/// A micro-operation with the value it read or wrote.
fn take_step(values: &mut BTreeMap<String, Value>, step: &Value) -> Value {
    let key = step[1].as_str().expect("a step names its key");
    match step[0].as_str() {
        Some("w") => {
            values.insert(key.into(), step[2].clone());
            step.clone()
        }
        Some("r") => json!(["r", key, values.get(key)]),
        _ => panic!("there is no step {step}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_released_by_its_holder_alone_and_tokens_rise() {
        let mut lock = Object::of("fenced-lock").expect("there is one");
        assert_eq!(lock.serve("acquire", &json!("p1")), Some(json!(1)));
        assert_eq!(lock.serve("acquire", &json!("p1")), None);
        assert_eq!(lock.serve("release", &json!("p2")), None);
        assert_eq!(lock.serve("release", &json!("p1")), Some(json!("p1")));
        assert_eq!(lock.serve("acquire", &json!("p2")), Some(json!(2)));
    }

    #[test]
    fn a_transaction_reads_what_it_wrote_itself() {
        let mut group = Object::of("txn").expect("there is one");
        let steps = json!([["r", "x", null], ["w", "x", 3], ["r", "x", null], ["r", "y", null]]);
        let seen = json!([["r", "x", null], ["w", "x", 3], ["r", "x", 3], ["r", "y", null]]);
        assert_eq!(group.serve("txn", &steps), Some(seen));
    }

    #[test]
    fn a_queue_answers_the_oldest_element_and_nothing_when_empty() {
        let mut queue = Object::of("queue").expect("there is one");
        queue.serve("enqueue", &json!(1));
        queue.serve("enqueue", &json!(2));
        assert_eq!(queue.serve("dequeue", &Value::Null), Some(json!(1)));
        assert_eq!(queue.serve("dequeue", &Value::Null), Some(json!(2)));
        assert_eq!(queue.serve("dequeue", &Value::Null), None);
    }
}

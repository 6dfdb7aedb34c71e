//! The kinds of items that can stand under a key.

use std::collections::{BTreeSet, VecDeque};

use serde_json::{Value, json};

/// The item under a key. There is none under a key that was never used, or was deleted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Item {
    /// Anything that was written; a list and a counter are JSON as well.
    Value(Value),
    /// A set that grows.
    Set(Set),
    /// A queue, oldest element first. One that was emptied is still a queue.
    Queue(VecDeque<Value>),
    /// A lock that is held.
    Lock(Lock),
}

/// Elements in the order in which they came, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Set {
    elements: Vec<Value>,
    /// The JSON of every element with the fields of its objects sorted: equal elements have equal
    /// texts.
    texts: BTreeSet<String>,
}

/// The state of a lock that is held.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Lock {
    /// The owner that acquired it.
    pub(super) owner: String,
    /// The log index at which that was.
    pub(super) token: u64,
}

impl Item {
    /// The value that a read answers.
    pub(super) fn as_json(&self) -> Value {
        match self {
            Item::Value(value) => value.clone(),
            Item::Set(set) => Value::Array(set.elements.clone()),
            Item::Queue(elements) => elements.iter().cloned().collect(),
            Item::Lock(Lock { owner, token }) => json!({"owner": owner, "token": token}),
        }
    }
}

impl Set {
    /// Adds an element; returns true if it is new.
    pub(super) fn insert(&mut self, element: &Value) -> bool {
        let mut sorted = element.clone();
        sorted.sort_all_objects();
        let new = self.texts.insert(sorted.to_string());
        if new {
            self.elements.push(element.clone());
        }
        assert_eq!(self.elements.len(), self.texts.len(), "every element has one text");
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_keeps_one_of_each_in_the_order_in_which_they_came() {
        let mut set = Set::default();
        let elements = [
            (json!(2), true),
            (json!({"b": 1, "a": [{"d": 1, "c": 2}]}), true),
            (json!(1), true),
            (json!("1"), true),
            (json!(2), false),
            (json!({"a": [{"c": 2, "d": 1}], "b": 1}), false),
            (json!([1, 2]), true),
            (json!([2, 1]), true),
        ];
        for (element, new) in &elements {
            assert_eq!(set.insert(element), *new, "{element}");
        }
        let kept = elements.iter().filter(|(_, new)| *new).map(|(element, _)| element.clone());
        assert_eq!(Item::Set(set).as_json(), kept.collect::<Value>());
    }
}

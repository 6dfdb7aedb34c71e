//! The kinds of items that can stand under a key.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde_json::{Value, json};

use super::SharedValue;
use super::sequence::Sequence;
use super::shared_map::SharedMap;

/// The item under a key. There is none under a key that was never used, or was deleted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Item {
    /// Anything that was written and is no list; a counter is JSON as well.
    Value(Arc<Value>),
    /// A list, whether written as one or appended to.
    List(Sequence),
    /// A set that grows.
    Set(Set),
    /// A queue, oldest element first. One that was emptied is still a queue.
    Queue(Sequence),
    /// A lock that is held.
    Lock(Lock),
}

/// Elements in the order in which they came, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Set {
    elements: Sequence,
    /// The elements that are whole numbers.
    integers: SharedMap<i64, ()>,
    /// The JSON of every other element with the fields of its objects sorted: equal elements have equal
    /// texts.
    texts: SharedMap<String, ()>,
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
    /// The item that a value becomes when it is written.
    pub(super) fn written(value: Value) -> Item {
        match value {
            Value::Array(elements) => Item::List(elements.into()),
            value => Item::Value(value.into()),
        }
    }

    /// The value that a read answers.
    pub(super) fn shared(&self) -> SharedValue {
        match self {
            Item::Value(value) => SharedValue::Whole(Arc::clone(value)),
            Item::List(elements) | Item::Queue(elements) | Item::Set(Set { elements, .. }) => {
                SharedValue::Sequence(elements.clone())
            }
            Item::Lock(Lock { owner, token }) => json!({"owner": owner, "token": token}).into(),
        }
    }
}

impl Set {
    /// The elements, in the order in which they came.
    pub(super) fn elements(&self) -> &Sequence {
        &self.elements
    }

    /// Adds an element; returns true if it is new.
    pub(super) fn insert(&mut self, element: Value) -> bool {
        let new = match element.as_i64() {
            Some(integer) => self.integers.insert(integer, ()).is_none(),
            None => {
                let mut sorted = element.clone();
                sorted.sort_all_objects();
                self.texts.insert(sorted.to_string(), ()).is_none()
            }
        };
        if new {
            self.elements.push(element);
        }
        let known = self.integers.len() + self.texts.len();
        assert_eq!(self.elements.len(), known, "every element is known once");
        new
    }
}

impl Extend<Value> for Set {
    fn extend<I: IntoIterator<Item = Value>>(&mut self, elements: I) {
        for element in elements {
            self.insert(element);
        }
    }
}

impl FromIterator<Value> for Set {
    fn from_iter<I: IntoIterator<Item = Value>>(elements: I) -> Set {
        let mut set = Set::default();
        set.extend(elements);
        set
    }
}

impl Hash for Set {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // The others say nothing that the elements do not.
        self.elements.hash(state);
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
            (json!(1.0), true),
            (json!("1"), true),
            (json!(u64::MAX), true),
            (json!(u64::MAX), false),
            (json!(2), false),
            (json!({"a": [{"c": 2, "d": 1}], "b": 1}), false),
            (json!([1, 2]), true),
            (json!([2, 1]), true),
        ];
        for (element, new) in &elements {
            assert_eq!(set.insert(element.clone()), *new, "{element}");
        }
        let kept = elements.iter().filter(|(_, new)| *new).map(|(element, _)| element.clone());
        assert_eq!(Item::Set(set).shared(), kept.collect::<Value>());
    }
}

//! The values of the keys, and how mutations change them. Tokens and versions are not known here.

use std::collections::BTreeMap;
use std::ops::Bound;

use serde_json::Value;

use super::item::{Item, Lock};
use super::size::{ANSWER_BYTES_MAX, json_bytes};
use super::{MicroFunction, MicroOperation, Mutation, OperationResult, Query, Transaction};

/// The item under each key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Values {
    items: BTreeMap<String, Item>,
}

/// The way back from one step of a transaction.
enum Undo {
    /// Puts back the item that stood there.
    Put(String, Option<Item>),
    /// Removes the last element of a list.
    Pop(String),
}

impl Values {
    /// The items behind the key `after`, or all of them, in the order of their keys.
    pub(super) fn items_after(
        &self,
        after: Option<&str>,
    ) -> impl Iterator<Item = (&String, &Item)> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.items.range::<str, _>((from, Bound::Unbounded))
    }

    /// Makes the change of the entry at `index`, or answers why not and leaves everything as it is.
    pub(super) fn mutate(&mut self, index: u64, mutation: &Mutation) -> OperationResult {
        match mutation {
            Mutation::Write { key, value } => {
                self.set(key, value);
                OperationResult::Ok(Value::Null)
            }
            Mutation::Delete { key } => {
                self.items.remove(key);
                OperationResult::Ok(Value::Null)
            }
            Mutation::Cas { key, expected, new } => {
                if self.read(key) != *expected {
                    return self.precondition_failed(key);
                }
                self.set(key, new);
                OperationResult::Ok(Value::Null)
            }
            Mutation::Append { key, value } => match self.append(key, value) {
                Some(length) => OperationResult::Ok(length.into()),
                None => self.wrong_type(key),
            },
            Mutation::Add { key, delta } => {
                match self.counter(key).and_then(|count| count.checked_add(*delta)) {
                    Some(sum) => {
                        self.set(key, &sum.into());
                        OperationResult::Ok(sum.into())
                    }
                    None => self.wrong_type(key),
                }
            }
            Mutation::Insert { key, element } => {
                match self.item(key, || Item::Set(Default::default())) {
                    Item::Set(set) => OperationResult::Ok(set.insert(element).into()),
                    _ => self.wrong_type(key),
                }
            }
            Mutation::Enqueue { key, element } => {
                match self.item(key, || Item::Queue(Default::default())) {
                    Item::Queue(queue) => {
                        queue.push_back(element.clone());
                        OperationResult::Ok(queue.len().into())
                    }
                    _ => self.wrong_type(key),
                }
            }
            Mutation::Dequeue { key } => match self.items.get_mut(key) {
                Some(Item::Queue(queue)) => {
                    queue.pop_front().map_or(OperationResult::Empty, OperationResult::Ok)
                }
                None => OperationResult::Empty,
                Some(_) => self.wrong_type(key),
            },
            Mutation::Acquire { key, owner } => match self.items.get(key) {
                None => {
                    let lock = Lock { owner: owner.clone(), token: index };
                    self.items.insert(key.clone(), Item::Lock(lock));
                    OperationResult::Ok(index.into())
                }
                Some(Item::Lock(_)) => self.precondition_failed(key),
                Some(_) => self.wrong_type(key),
            },
            Mutation::Release { key, owner } => match self.items.get(key) {
                Some(Item::Lock(lock)) if lock.owner == *owner => {
                    self.items.remove(key);
                    OperationResult::Ok(Value::Null)
                }
                Some(Item::Lock(_)) | None => self.precondition_failed(key),
                Some(_) => self.wrong_type(key),
            },
            Mutation::Transaction(transaction) => self.transact(transaction),
        }
    }

    /// Answers a query.
    pub(super) fn query(&self, query: &Query) -> OperationResult {
        match query {
            Query::Read { key } => OperationResult::Ok(self.read(key)),
            Query::Counter { key } => match self.counter(key) {
                Some(count) => OperationResult::Ok(count.into()),
                None => self.wrong_type(key),
            },
            Query::Holder { key } => match self.items.get(key) {
                Some(Item::Lock(_)) | None => OperationResult::Ok(self.read(key)),
                Some(_) => self.wrong_type(key),
            },
            Query::Transaction(transaction) => {
                let filled_in = |(operation, key): (&MicroOperation, String)| {
                    let MicroOperation(f, name, _) = operation;
                    answered(*f, name, self.read(&key))
                };
                OperationResult::Ok(transaction.steps().map(filled_in).collect())
            }
        }
    }

    /// Does every micro-operation, or takes back those that it did.
    fn transact(&mut self, transaction: &Transaction) -> OperationResult {
        let mut undo = Vec::new();
        let mut answer = Vec::new();
        // What it wrote was looked at when it was asked; what it reads must fit in beside it.
        let mut bytes = transaction.bytes();
        for (MicroOperation(f, name, value), key) in transaction.steps() {
            let value = match f {
                MicroFunction::Read => {
                    let found = self.read(&key);
                    bytes += json_bytes(&found);
                    if bytes > ANSWER_BYTES_MAX {
                        self.take_back(undo);
                        return OperationResult::TooLarge;
                    }
                    found
                }
                MicroFunction::Write => {
                    let before = self.set(&key, value);
                    undo.push(Undo::Put(key, before));
                    value.clone()
                }
                MicroFunction::Append => {
                    let absent = !self.items.contains_key(&key);
                    if self.append(&key, value).is_none() {
                        // What is in the way may be what the transaction wrote itself.
                        let wrong_type = self.wrong_type(&key);
                        self.take_back(undo);
                        return wrong_type;
                    }
                    undo.push(if absent { Undo::Put(key, None) } else { Undo::Pop(key) });
                    value.clone()
                }
            };
            answer.push(answered(*f, name, value));
        }
        OperationResult::Ok(Value::Array(answer))
    }

    /// Takes back the steps of a transaction, the last first.
    fn take_back(&mut self, undo: Vec<Undo>) {
        for step in undo.into_iter().rev() {
            match step {
                Undo::Put(key, None) => {
                    self.items.remove(&key);
                }
                Undo::Put(key, Some(item)) => {
                    self.items.insert(key, item);
                }
                Undo::Pop(key) => match self.items.get_mut(&key) {
                    Some(Item::Value(Value::Array(list))) => {
                        list.pop();
                    }
                    _ => unreachable!("a list that was appended to is a list"),
                },
            }
        }
    }

    /// Sets a value, or removes it if it is `null`; gives what stood there.
    fn set(&mut self, key: &str, value: &Value) -> Option<Item> {
        if value.is_null() {
            self.items.remove(key)
        } else {
            self.items.insert(key.to_string(), Item::Value(value.clone()))
        }
    }

    /// Adds to the end of a list and gives its length, if it is a list.
    fn append(&mut self, key: &str, value: &Value) -> Option<usize> {
        match self.item(key, || Item::Value(Value::Array(Vec::new()))) {
            Item::Value(Value::Array(list)) => {
                list.push(value.clone());
                Some(list.len())
            }
            _ => None,
        }
    }

    /// The item under the key; if there is none, one that is made for it.
    fn item(&mut self, key: &str, make: impl FnOnce() -> Item) -> &mut Item {
        self.items.entry(key.to_string()).or_insert_with(make)
    }

    fn read(&self, key: &str) -> Value {
        self.items.get(key).map(Item::as_json).unwrap_or_default()
    }

    fn counter(&self, key: &str) -> Option<i64> {
        match self.items.get(key) {
            None => Some(0),
            Some(Item::Value(value)) => value.as_i64(),
            Some(_) => None,
        }
    }

    fn precondition_failed(&self, key: &str) -> OperationResult {
        OperationResult::PreconditionFailed { actual: self.found(key) }
    }

    fn wrong_type(&self, key: &str) -> OperationResult {
        OperationResult::WrongType { actual: self.found(key) }
    }

    /// The value found, for an answer that says what is in the way.
    fn found(&self, key: &str) -> Option<Value> {
        Some(self.read(key)).filter(|value| json_bytes(value) <= ANSWER_BYTES_MAX)
    }
}

/// A micro-operation with its value, as it is answered.
fn answered(f: MicroFunction, key: &str, value: Value) -> Value {
    let operation = MicroOperation(f, key.to_string(), value);
    serde_json::to_value(operation).expect("a micro-operation has a JSON form")
}

//! The values of the keys, and how mutations change them. Tokens and versions are not known here.

use serde_json::Value;

use super::item::{Item, Lock};
use super::shared_map::SharedMap;
use super::size::{ANSWER_BYTES_MAX, Budget};
use super::{
    MicroFunction, MicroOperation, Mutation, OperationResult, Query, SharedValue, Transaction,
};

/// The item under each key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Values {
    items: SharedMap<String, Item>,
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
        self.items.iter_after(after)
    }

    /// Puts an item under a key, for a state that is read.
    pub(super) fn put(&mut self, key: String, item: Item) {
        self.items.insert(key, item);
    }

    /// The item under a key, for a state that is read.
    pub(super) fn under(&mut self, key: &str) -> Option<&mut Item> {
        self.items.get_mut(key)
    }

    /// Makes the change of the entry at `index`, or answers why not and leaves everything as it is.
    pub(super) fn mutate(&mut self, index: u64, mutation: Mutation) -> OperationResult {
        match mutation {
            Mutation::Write { key, value } => {
                self.set(&key, value);
                OperationResult::Ok(Value::Null.into())
            }
            Mutation::Delete { key } => {
                self.items.remove(key.as_str());
                OperationResult::Ok(Value::Null.into())
            }
            Mutation::Cas { key, expected, new } => {
                if self.read(&key) != expected {
                    return self.precondition_failed(&key);
                }
                self.set(&key, new);
                OperationResult::Ok(Value::Null.into())
            }
            Mutation::Append { key, value } => match self.append(&key, value) {
                Some(length) => OperationResult::Ok(length.into()),
                None => self.wrong_type(&key),
            },
            Mutation::Add { key, delta } => {
                match self.counter(&key).and_then(|count| count.checked_add(delta)) {
                    Some(sum) => {
                        self.set(&key, sum.into());
                        OperationResult::Ok(sum.into())
                    }
                    None => self.wrong_type(&key),
                }
            }
            Mutation::Insert { key, element } => {
                match self.item(&key, || Item::Set(Default::default())) {
                    Item::Set(set) => OperationResult::Ok(set.insert(element).into()),
                    _ => self.wrong_type(&key),
                }
            }
            Mutation::Enqueue { key, element } => {
                match self.item(&key, || Item::Queue(Default::default())) {
                    Item::Queue(queue) => {
                        queue.push(element);
                        OperationResult::Ok(queue.len().into())
                    }
                    _ => self.wrong_type(&key),
                }
            }
            Mutation::Dequeue { key } => match self.items.get_mut(key.as_str()) {
                Some(Item::Queue(queue)) => queue
                    .pop_first()
                    .map_or(OperationResult::Empty, |it| OperationResult::Ok(it.into())),
                None => OperationResult::Empty,
                Some(_) => self.wrong_type(&key),
            },
            Mutation::Acquire { key, owner } => match self.items.get(key.as_str()) {
                None => {
                    self.items.insert(key, Item::Lock(Lock { owner, token: index }));
                    OperationResult::Ok(index.into())
                }
                Some(Item::Lock(_)) => self.precondition_failed(&key),
                Some(_) => self.wrong_type(&key),
            },
            Mutation::Release { key, owner } => match self.items.get(key.as_str()) {
                Some(Item::Lock(lock)) if lock.owner == owner => {
                    self.items.remove(key.as_str());
                    OperationResult::Ok(Value::Null.into())
                }
                Some(Item::Lock(_)) | None => self.precondition_failed(&key),
                Some(_) => self.wrong_type(&key),
            },
            Mutation::Transaction(transaction) => self.transact(&transaction),
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
                    (*f, name.clone(), self.read(&key))
                };
                let operations = transaction.steps().map(filled_in).collect();
                OperationResult::Ok(SharedValue::Operations(operations))
            }
        }
    }

    /// Does every micro-operation, or takes back those that it did.
    fn transact(&mut self, transaction: &Transaction) -> OperationResult {
        let mut undo = Vec::new();
        let mut answer = Vec::new();
        // What it wrote was looked at when it was asked; what it reads must fit in beside it.
        let mut budget = Budget::new(ANSWER_BYTES_MAX);
        budget.spend_bytes(transaction.bytes());
        for (MicroOperation(f, name, value), key) in transaction.steps() {
            let value = match f {
                MicroFunction::Read => {
                    let found = self.read(&key);
                    found.spend(&mut budget);
                    if budget.left().is_none() {
                        self.take_back(undo);
                        return OperationResult::TooLarge;
                    }
                    found
                }
                MicroFunction::Write => {
                    let before = self.set(&key, value.clone());
                    undo.push(Undo::Put(key, before));
                    value.clone().into()
                }
                MicroFunction::Append => {
                    let absent = self.items.get(key.as_str()).is_none();
                    if self.append(&key, value.clone()).is_none() {
                        // What is in the way may be what the transaction wrote itself.
                        let wrong_type = self.wrong_type(&key);
                        self.take_back(undo);
                        return wrong_type;
                    }
                    undo.push(if absent { Undo::Put(key, None) } else { Undo::Pop(key) });
                    value.clone().into()
                }
            };
            answer.push((*f, name.clone(), value));
        }
        OperationResult::Ok(SharedValue::Operations(answer))
    }

    /// Takes back the steps of a transaction, the last first.
    fn take_back(&mut self, undo: Vec<Undo>) {
        for step in undo.into_iter().rev() {
            match step {
                Undo::Put(key, None) => {
                    self.items.remove(key.as_str());
                }
                Undo::Put(key, Some(item)) => {
                    self.items.insert(key, item);
                }
                Undo::Pop(key) => match self.items.get_mut(key.as_str()) {
                    Some(Item::List(list)) => {
                        list.pop();
                    }
                    _ => unreachable!("a list that was appended to is a list"),
                },
            }
        }
    }

    /// Sets a value, or removes it if it is `null`; gives what stood there.
    fn set(&mut self, key: &str, value: Value) -> Option<Item> {
        if value.is_null() {
            self.items.remove(key)
        } else {
            self.items.insert(key.to_string(), Item::written(value))
        }
    }

    /// Adds to the end of a list and gives its length, if it is a list.
    fn append(&mut self, key: &str, value: Value) -> Option<usize> {
        match self.item(key, || Item::List(Default::default())) {
            Item::List(list) => {
                list.push(value);
                Some(list.len())
            }
            _ => None,
        }
    }

    /// The item under the key; if there is none, one that is made for it.
    fn item(&mut self, key: &str, make: impl FnOnce() -> Item) -> &mut Item {
        if self.items.get(key).is_none() {
            self.items.insert(key.to_string(), make());
        }
        self.items.get_mut(key).expect("it is there")
    }

    fn read(&self, key: &str) -> SharedValue {
        self.items.get(key).map_or_else(|| Value::Null.into(), Item::shared)
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
    fn found(&self, key: &str) -> Option<SharedValue> {
        Some(self.read(key)).filter(|value| !value.is_larger_than(ANSWER_BYTES_MAX))
    }
}

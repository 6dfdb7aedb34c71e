//! Small numbers in place of values.

use std::collections::HashMap;

use serde_json::Value;

/// A value of one partition of a history. Equal values have equal numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(pub u32);

impl ValueId {
    /// No value: the key is absent.
    pub const ABSENT: ValueId = ValueId(0);
}

/// The values of one partition, numbered in the order in which they were met. JSON's null is
/// [`ValueId::ABSENT`].
#[derive(Debug, Clone)]
pub struct Values {
    ids: HashMap<Value, ValueId>,
    values: Vec<Value>,
}

impl Values {
    /// Only [`ValueId::ABSENT`].
    pub fn new() -> Values {
        Values { ids: HashMap::from([(Value::Null, ValueId::ABSENT)]), values: vec![Value::Null] }
    }

    /// The number of a value.
    pub fn id(&mut self, value: &Value) -> ValueId {
        if let Some(id) = self.ids.get(value) {
            return *id;
        }
        let id = ValueId(u32::try_from(self.values.len()).expect("fewer than 2^32 values"));
        self.ids.insert(value.clone(), id);
        self.values.push(value.clone());
        id
    }

    /// The value with this number.
    ///
    /// # Panics
    /// If the number is of another partition.
    pub fn value(&self, id: ValueId) -> &Value {
        &self.values[id.0 as usize]
    }

    /// How many values there are; every number is below.
    pub fn count(&self) -> usize {
        self.values.len()
    }
}

impl Default for Values {
    fn default() -> Values {
        Values::new()
    }
}

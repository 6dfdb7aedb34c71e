//! Small numbers in place of values.

use std::collections::HashMap;

use crate::history::{Datum, OwnedDatum};
use crate::scrambler::Scrambled;

/// At most so many places of the table of small integers go to each value.
const SPARSEST: usize = 4;

/// So many places the table may have however few values there are.
const FEW: usize = 64;

/// A value of one partition of a history. Equal values have equal numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(pub u32);

impl ValueId {
    /// No value: the key is absent.
    pub const ABSENT: ValueId = ValueId(0);
}

/// The values of one partition, numbered in the order in which they were met. Null is
/// [`ValueId::ABSENT`].
#[derive(Debug, Clone)]
pub struct Values {
    /// The numbers of small integers, by the integer; 0 for those that were not met. Nearly all
    /// histories count their values, and who reads a value mostly reads one that was written just
    /// before: here those stand together, in a hash table they do not.
    small: Vec<u32>,
    /// The numbers of all other integers.
    integers: HashMap<i64, ValueId, Scrambled>,
    others: HashMap<OwnedDatum, ValueId>,
    values: Vec<OwnedDatum>,
}

impl Values {
    /// Only [`ValueId::ABSENT`].
    pub fn new() -> Values {
        Values {
            small: Vec::new(),
            integers: HashMap::default(),
            others: HashMap::new(),
            values: vec![Datum::Null.to_owned()],
        }
    }

    /// The number of a value.
    pub fn id(&mut self, value: Datum<'_>) -> ValueId {
        let next = ValueId(u32::try_from(self.values.len()).expect("fewer than 2^32 values"));
        let id = match value {
            Datum::Null => return ValueId::ABSENT,
            Datum::Integer(number) => self.integer(number, next),
            other => *self.others.entry(other.to_owned()).or_insert(next),
        };
        if id == next {
            self.values.push(value.to_owned());
        }
        id
    }

    /// The number of an integer, which is `next` if it was not met before.
    fn integer(&mut self, integer: i64, next: ValueId) -> ValueId {
        let at = usize::try_from(integer).unwrap_or(usize::MAX);
        match self.small.get(at) {
            Some(&number) if number > 0 => return ValueId(number),
            _ => {}
        }
        if at >= SPARSEST * (self.values.len() + FEW) {
            return *self.integers.entry(integer).or_insert(next);
        }
        // It may have been too great for the table when it was met.
        if let Some(number) = self.integers.get(&integer) {
            return *number;
        }
        if at >= self.small.len() {
            self.small.resize(at + 1, 0);
        }
        self.small[at] = next.0;
        next
    }

    /// The value with this number.
    ///
    /// # Panics
    /// If the number is of another partition.
    pub fn value(&self, id: ValueId) -> Datum<'_> {
        self.values[id.0 as usize].borrow()
    }

    /// The number of values; every value is below.
    pub fn count(&self) -> usize {
        self.values.len()
    }
}

impl Default for Values {
    fn default() -> Values {
        Values::new()
    }
}

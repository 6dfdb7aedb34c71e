//! The origins of the values that the operations of a counterexample saw.

use std::collections::BTreeSet;

use crate::model::{Transition, ValueId};
use crate::object::Object;

/// The operations that left and that saw each value.
pub(super) struct Sources {
    transitions: Vec<Option<Transition>>,
    initial: Option<ValueId>,
    invoked: Vec<u64>,
    completed: Vec<Option<u64>>,
}

impl Sources {
    pub(super) fn new(object: &dyn Object) -> Sources {
        let places = 0..object.intervals().len();
        Sources {
            transitions: places.clone().map(|place| object.transition(place)).collect(),
            initial: object.initial_value(),
            invoked: object.intervals().iter().map(|interval| interval.invoked).collect(),
            completed: places.map(|place| object.completed(place)).collect(),
        }
    }

    fn saw(&self, place: usize) -> Option<ValueId> {
        self.transitions[place].and_then(|transition| transition.requires)
    }

    fn left(&self, place: usize) -> Option<ValueId> {
        self.transitions[place].and_then(|transition| transition.leaves)
    }

    /// Adds to some operations, for each value that one of them saw and none of them left, the
    /// last operation that can have left it.
    pub(super) fn add_to(&self, operations: &BTreeSet<usize>) -> BTreeSet<usize> {
        let mut all = operations.clone();
        let mut open: Vec<usize> = operations.iter().copied().collect();
        while let Some(reader) = open.pop() {
            let Some(value) = self.saw(reader).filter(|value| self.initial != Some(*value)) else {
                continue;
            };
            if all.iter().any(|place| self.left(*place) == Some(value)) {
                continue;
            }
            let answered = self.completed[reader].unwrap_or(u64::MAX);
            let source = (0..self.transitions.len())
                .filter(|place| self.left(*place) == Some(value))
                .max_by_key(|place| (self.invoked[*place] < answered, self.invoked[*place]));
            if let Some(source) = source {
                all.insert(source);
                open.push(source);
            }
        }
        all
    }

    /// Takes one operation away from some, and with it those that saw a value which none of the
    /// others left.
    pub(super) fn without(&self, operations: &BTreeSet<usize>, gone: usize) -> BTreeSet<usize> {
        let mut rest = operations.clone();
        rest.remove(&gone);
        loop {
            let lacks_its_source = |place: &usize| {
                self.saw(*place).filter(|value| self.initial != Some(*value)).is_some_and(|value| {
                    operations.iter().any(|source| self.left(*source) == Some(value))
                        && !rest.iter().any(|source| self.left(*source) == Some(value))
                })
            };
            let Some(orphan) = rest.iter().copied().find(lacks_its_source) else { return rest };
            rest.remove(&orphan);
        }
    }
}

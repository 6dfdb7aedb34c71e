//! The operations of a register with the values that they saw and left.

use crate::counterexample::words::{told, value, when};
use crate::history::{EventType, OperationRef};
use crate::model::{Transition, ValueId};
use crate::partition::Partition;

/// The operations that leave a value.
#[derive(Clone, Copy, Default)]
struct Sources {
    count: usize,
    first: usize,
}

/// A register.
pub(super) struct Register<'a> {
    pub(super) partition: &'a Partition<'a>,
    pub(super) operations: Vec<OperationRef<'a>>,
    transitions: Vec<Option<Transition>>,
    pub(super) initial: Option<ValueId>,
    /// The places of the operations that contradict each other, the last one to complete first.
    pub(super) shown: Vec<usize>,
    /// By number of the value.
    sources: Vec<Sources>,
}

impl<'a> Register<'a> {
    pub(super) fn new(partition: &'a Partition<'a>, shown: Vec<usize>) -> Register<'a> {
        let object = &*partition.object;
        let places = 0..partition.len();
        let transitions: Vec<Option<Transition>> =
            places.clone().map(|place| object.transition(place)).collect();
        let mut sources = vec![Sources::default(); object.values().count()];
        for place in places.clone() {
            if let Some(ValueId(value)) = transitions[place].and_then(|it| it.leaves) {
                let known = &mut sources[value as usize];
                if known.count == 0 {
                    known.first = place;
                }
                known.count += 1;
            }
        }
        let operations = places.map(|place| partition.operation(place)).collect();
        let initial = object.initial_value();
        Register { partition, operations, transitions, initial, shown, sources }
    }

    pub(super) fn places(&self) -> std::ops::Range<usize> {
        0..self.operations.len()
    }

    pub(super) fn text(&self, id: ValueId) -> String {
        value(self.partition.object.values().value(id))
    }

    pub(super) fn is_known(&self, place: usize) -> bool {
        self.operations[place].outcome() == EventType::Ok
    }

    /// The value that an operation saw, if it took effect.
    pub(super) fn requires(&self, place: usize) -> Option<ValueId> {
        self.transitions[place]?.requires
    }

    /// The value that an operation surely saw.
    pub(super) fn saw(&self, place: usize) -> Option<ValueId> {
        self.requires(place).filter(|_| self.is_known(place))
    }

    /// The value that an operation leaves, if it takes effect.
    pub(super) fn leaves(&self, place: usize) -> Option<ValueId> {
        self.transitions[place]?.leaves
    }

    /// The value that an operation shows to have been in effect by its end.
    pub(super) fn shows(&self, place: usize) -> Option<ValueId> {
        self.leaves(place).or(self.requires(place)).filter(|_| self.is_known(place))
    }

    pub(super) fn began(&self, place: usize) -> u64 {
        self.operations[place].invoked()
    }

    /// The index by which an operation had taken effect, if it ever did.
    pub(super) fn ended(&self, place: usize) -> u64 {
        let completed = self.operations[place].completed();
        completed.filter(|_| self.is_known(place)).unwrap_or(u64::MAX)
    }

    pub(super) fn precedes(&self, one: usize, other: usize) -> bool {
        self.ended(one) < self.began(other)
    }

    /// The operations that can have left a value by an index.
    pub(super) fn sources(&self, value: ValueId, until: u64) -> impl Iterator<Item = usize> {
        let none = self.sources[value.0 as usize].count == 0;
        let places = if none { 0..0 } else { self.places() };
        places.filter(move |it| self.leaves(*it) == Some(value) && self.began(*it) < until)
    }

    /// The only operation that ever leaves a value, unless it was there at first.
    pub(super) fn only_source(&self, value: ValueId) -> Option<usize> {
        let Sources { count, first } = self.sources[value.0 as usize];
        (count == 1 && self.initial != Some(value)).then_some(first)
    }

    /// `process 4 changed k3 from 1 to 2 at 0.040 s`
    pub(super) fn told(&self, place: usize) -> String {
        told(self.operations[place])
    }

    /// Returns what an operation shows as the end of a sentence: `19 had been acknowledged at 0.1 s`.
    pub(super) fn shown_value(&self, place: usize) -> String {
        let operation = self.operations[place];
        let (at, process) = (when(operation), operation.process());
        match (self.requires(place), self.leaves(place)) {
            (None, Some(ValueId::ABSENT)) => {
                format!("a deletion had been acknowledged {at}")
            }
            (None, Some(left)) => format!("{} had been acknowledged {at}", self.text(left)),
            (Some(_), Some(left)) => {
                format!("the change to {} had been acknowledged {at}", self.text(left))
            }
            (seen, None) => {
                let seen = seen.map(|it| self.text(it)).unwrap_or_default();
                format!("process {process} had read {seen} {at}")
            }
        }
    }

    /// `100 was in effect by then`
    pub(super) fn in_effect(&self, place: usize) -> String {
        let shown = self.shows(place).map(|it| self.text(it)).unwrap_or_default();
        format!("{shown} was in effect by then")
    }

    /// ` and nothing wrote 12 again`
    pub(super) fn not_again(&self, value: ValueId) -> String {
        match value {
            ValueId::ABSENT => " and nothing deleted it".to_string(),
            value => format!(" and nothing wrote {} again", self.text(value)),
        }
    }

    /// `100 had been replaced`
    pub(super) fn was_replaced(&self, value: ValueId) -> String {
        match value {
            ValueId::ABSENT => "there was a value by then".to_string(),
            value => format!("{} had been replaced", self.text(value)),
        }
    }
}

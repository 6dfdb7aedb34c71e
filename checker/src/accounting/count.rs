//! Counts and times of elements.

use crate::history::{Datum, OperationRef};
use crate::model::{ValueId, Values};

/// Something for each value.
#[derive(Default)]
pub(super) struct PerValue<T> {
    values: Values,
    /// By the number of the value. That of null has one too, and null is no element.
    pub(super) entries: Vec<T>,
}

impl<T: Clone + Default> PerValue<T> {
    pub(super) fn of(&mut self, value: Datum<'_>) -> &mut T {
        let number = self.values.id(value).0 as usize;
        if number >= self.entries.len() {
            self.entries.resize(number + 1, T::default());
        }
        &mut self.entries[number]
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Datum<'_>, &T)> {
        (0..).zip(&self.entries).map(|(number, entry)| (self.values.value(ValueId(number)), entry))
    }
}

/// A place in the history, by index, and its time. The derived order is by index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct EventTime {
    pub(super) index: u64,
    pub(super) time: u64,
}

impl EventTime {
    /// Before the first operation.
    pub(super) const BEGINNING: EventTime = EventTime { index: 0, time: 0 };

    pub(super) fn of_invocation(operation: OperationRef<'_>) -> EventTime {
        EventTime { index: operation.invoked(), time: operation.start() }
    }

    /// None for an operation that never ended.
    pub(super) fn of_completion(operation: OperationRef<'_>) -> Option<EventTime> {
        Some(EventTime { index: operation.completed()?, time: operation.end()? })
    }

    pub(super) fn words(self) -> String {
        crate::words::at(self.time, self.index)
    }
}

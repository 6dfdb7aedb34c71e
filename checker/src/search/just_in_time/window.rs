//! The operations that are open at one moment.

use crate::search::by_value::Op;
use crate::search::just_in_time::slots::SlotSet;
use crate::search::just_in_time::timeline::{Event, EventIndex, Known, Timeline};

/// The operations that are open before the event at `place`.
#[derive(Debug)]
pub(super) struct Window<'a, S> {
    pub(super) timeline: &'a Timeline,
    /// The place of the next event.
    pub(super) place: EventIndex,
    /// The operation that owns, or last owned, each slot.
    owners: Vec<Known>,
    /// For each value, the open reads of it.
    pub(super) reads: Vec<S>,
    /// The open operations that saw another value than some.
    pub(super) others: S,
    /// All open observers.
    pub(super) observers: S,
    /// For each value, the open writes of it.
    pub(super) writes: Vec<S>,
    /// All open writes.
    pub(super) all_writes: S,
    /// The open compare-and-sets.
    pub(super) sets: S,
    /// Places of the invocations of all that is open, rising.
    opened: Vec<EventIndex>,
}

impl<'a, S: SlotSet> Window<'a, S> {
    /// The start: nothing is open.
    pub(super) fn new(timeline: &'a Timeline) -> Window<'a, S> {
        let empty = S::empty(timeline.slots);
        let none_yet = Known {
            op: Op::Read(0),
            invoked: 0,
            returned: 0,
            slot: 0,
            step: 0,
            retractable: false,
        };
        Window {
            timeline,
            place: 0,
            owners: vec![none_yet; timeline.slots],
            reads: vec![empty.clone(); timeline.values],
            others: empty.clone(),
            observers: empty.clone(),
            writes: vec![empty.clone(); timeline.values],
            all_writes: empty.clone(),
            sets: empty,
            opened: Vec::new(),
        }
    }

    /// The operation in a slot.
    pub(super) fn owner(&self, slot: usize) -> &Known {
        &self.owners[slot]
    }

    /// Goes past the next event.
    pub(super) fn advance(&mut self) {
        match self.timeline.events[self.place as usize] {
            Event::Invocation(operation) => self.open(operation),
            Event::Return(operation) => self.close(operation),
        }
        self.place += 1;
    }

    /// Goes back before the last event.
    pub(super) fn retreat(&mut self) {
        self.place -= 1;
        match self.timeline.events[self.place as usize] {
            Event::Invocation(operation) => self.close(operation),
            Event::Return(operation) => self.open(operation),
        }
    }

    /// Goes to any moment.
    pub(super) fn go_to(&mut self, place: EventIndex) {
        while self.place > place {
            self.retreat();
        }
        while self.place < place {
            self.advance();
        }
    }

    fn open(&mut self, operation: u32) {
        let operation = self.timeline.known[operation as usize];
        let slot = operation.slot as usize;
        self.owners[slot] = operation;
        let place = self.opened.partition_point(|opened| *opened < operation.invoked);
        self.opened.insert(place, operation.invoked);
        match operation.op {
            Op::Read(value) => {
                self.reads[value as usize].insert(slot);
                self.observers.insert(slot);
            }
            Op::SawAnother(_) => {
                self.others.insert(slot);
                self.observers.insert(slot);
            }
            Op::Write(value) => {
                self.writes[value as usize].insert(slot);
                self.all_writes.insert(slot);
            }
            Op::CompareAndSet { .. } => self.sets.insert(slot),
        }
    }

    fn close(&mut self, operation: u32) {
        let operation = &self.timeline.known[operation as usize];
        let slot = operation.slot as usize;
        let place = self.opened.partition_point(|opened| *opened < operation.invoked);
        self.opened.remove(place);
        match operation.op {
            Op::Read(value) => {
                self.reads[value as usize].remove(slot);
                self.observers.remove(slot);
            }
            Op::SawAnother(_) => {
                self.others.remove(slot);
                self.observers.remove(slot);
            }
            Op::Write(value) => {
                self.writes[value as usize].remove(slot);
                self.all_writes.remove(slot);
            }
            Op::CompareAndSet { .. } => self.sets.remove(slot),
        }
    }

    /// The earliest moment to which the same of what is open or unknown had been invoked as to
    /// this one. Moments that differ in nothing else become equal.
    pub(super) fn earliest_alike(&self, moment: EventIndex) -> EventIndex {
        let open = self.opened.partition_point(|invoked| *invoked < moment);
        let known = if open == 0 { 0 } else { self.opened[open - 1] + 1 };
        let since = &self.timeline.unknown_since;
        let available = since.partition_point(|since| *since <= moment);
        let unknown = if available == 0 { 0 } else { since[available - 1] };
        known.max(unknown)
    }
}

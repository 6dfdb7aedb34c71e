//! A partition as a row of invocations and returns.
//!
//! A *moment* is the gap before the event at that place. What is linearized, is linearized in a
//! gap before a return; everything invoked at an earlier place can take part.

use std::collections::HashMap;

use crate::search::alike::grouped;
use crate::search::by_value::{ByValue, Op};
use crate::search::roles::Roles;

/// A place in the row of events, or the gap before it.
pub(super) type EventIndex = u32;

/// The moment that never comes.
pub(super) const NEVER: EventIndex = EventIndex::MAX;

/// An operation that took effect.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub(super) op: Op,
    /// Place of the invocation.
    pub(super) invoked: EventIndex,
    /// Place of the return; [`NEVER`] if it is after the end of an excerpt.
    pub(super) returned: EventIndex,
    /// The slot that it owns in between.
    pub(super) slot: u32,
    /// Its place in the list of steps.
    pub(super) step: u32,
    /// True if it may also never have taken effect. It is no observer then.
    pub(super) retractable: bool,
}

/// One event, with the number of its operation.
#[derive(Debug, Clone, Copy)]
pub(super) enum Event {
    Invocation(u32),
    Return(u32),
}

/// Mutations of unknown outcome that do the same. They are interchangeable: an order that uses `n`
/// of them can as well use the `n` that were invoked first. So it is enough to count.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) op: Op,
    /// From which moment on each can take effect, rising.
    pub(super) available: Vec<EventIndex>,
}

/// Invocations and returns in their order, and what may have happened besides.
#[derive(Debug, Clone)]
pub(super) struct Timeline {
    pub(super) known: Vec<Known>,
    pub(super) events: Vec<Event>,
    pub(super) groups: Vec<Group>,
    /// For each value, the group of writes that leave it.
    pub(super) unknown_writes: Vec<Option<u32>>,
    /// For each value, the groups of compare-and-sets that require it.
    pub(super) unknown_sets: Vec<Vec<u32>>,
    /// From which moments on any mutation of unknown outcome can take effect, rising.
    pub(super) unknown_since: Vec<EventIndex>,
    /// The values that may be there at the start.
    pub(super) initial: Vec<u32>,
    /// Mutations invoked before this moment can be taken to have been overwritten at once.
    pub(super) overwritten: EventIndex,
    /// The number of values.
    pub(super) values: usize,
    /// The most operations that are open at a time.
    pub(super) slots: usize,
    /// The step that saw a value which nothing leaves, and completed first of those.
    pub(super) unwritten_read: Option<usize>,
}

impl Timeline {
    /// The row of events of a partition, without what cannot matter.
    pub(super) fn new(problem: &ByValue) -> Timeline {
        let roles = Roles::new(problem);
        let mut moments = Vec::with_capacity(2 * problem.steps.len());
        let mut known = Vec::with_capacity(problem.steps.len());
        let mut unknown = Vec::new();
        for (place, step) in problem.steps.iter().enumerate() {
            let op = roles.simplify(step.op);
            if let Some(returned) = step.returned() {
                let operation = known.len() as u32;
                moments.push((step.invoked, Event::Invocation(operation)));
                moments.push((returned, Event::Return(operation)));
                let step = place as u32;
                known.push(Known {
                    op,
                    invoked: 0,
                    returned: 0,
                    slot: 0,
                    step,
                    retractable: false,
                });
            } else if roles.may_be_seen(step.op) {
                unknown.push((step.invoked, op));
            }
        }
        moments.sort_by_key(|(index, event)| (*index, matches!(event, Event::Return(_))));
        let available = |invoked: u64| {
            let before = |(index, event): &(u64, Event)| {
                (*index, matches!(event, Event::Return(_))) < (invoked, true)
            };
            moments.partition_point(before) as EventIndex
        };
        let unknown = unknown.iter().map(|(invoked, op)| (*op, available(*invoked))).collect();
        let events = moments.into_iter().map(|(_, event)| event).collect();
        let mut timeline = Timeline::assemble(known, events, unknown, problem.values as usize);
        timeline.initial = vec![roles.simplify_value(problem.initial)];
        timeline.unwritten_read = roles.unwritten_read(problem);
        timeline
    }

    /// The same from any value on, where the mutations at the `retractable` places may also never
    /// have taken effect.
    pub(super) fn of_window(problem: &ByValue, retractable: &[bool]) -> Timeline {
        let mut timeline = Timeline::new(problem);
        for operation in &mut timeline.known {
            operation.retractable = retractable[operation.step as usize];
        }
        timeline.initial = timeline.values_that_differ();
        timeline.unwritten_read = None;
        timeline
    }

    /// Numbers places and slots, and groups what is unknown.
    fn assemble(
        mut known: Vec<Known>,
        events: Vec<Event>,
        unknown: Vec<(Op, EventIndex)>,
        values: usize,
    ) -> Timeline {
        let mut free = Vec::new();
        let mut slots = 0;
        for (place, event) in events.iter().enumerate() {
            match *event {
                Event::Invocation(operation) => {
                    let operation = &mut known[operation as usize];
                    operation.invoked = place as EventIndex;
                    operation.returned = NEVER;
                    operation.slot = free.pop().unwrap_or_else(|| {
                        slots += 1;
                        slots - 1
                    });
                }
                Event::Return(operation) => {
                    let operation = &mut known[operation as usize];
                    operation.returned = place as EventIndex;
                    free.push(operation.slot);
                }
            }
        }

        let mut unknown_since: Vec<EventIndex> =
            unknown.iter().map(|(_, available)| *available).collect();
        unknown_since.sort_unstable();
        let groups: Vec<Group> =
            grouped(unknown).into_iter().map(|(op, available)| Group { op, available }).collect();
        let mut unknown_writes = vec![None; values];
        let mut unknown_sets = vec![Vec::new(); values];
        for (place, group) in groups.iter().enumerate() {
            match group.op {
                Op::Write(value) => unknown_writes[value as usize] = Some(place as u32),
                Op::CompareAndSet { from, .. } => {
                    unknown_sets[from as usize].push(place as u32);
                }
                Op::Read(_) | Op::SawAnother(_) => unreachable!("observers are not kept"),
            }
        }
        Timeline {
            known,
            events,
            groups,
            unknown_writes,
            unknown_sets,
            unknown_since,
            initial: Vec::new(),
            overwritten: 0,
            values,
            slots: slots as usize,
            unwritten_read: None,
        }
    }

    /// The events from one moment through a later place, freed from everything before: what
    /// may have gone before, it can only have left less. If this has no legal order, neither has
    /// the whole.
    ///
    /// Any value may be there. Of the operations that are open at the start, observers may have
    /// been served: they are left out. Writes may have been used or overwritten, or not: they can
    /// be used, but need not be. A compare-and-set may have taken effect or not: it counts as one
    /// of unknown outcome, which can even take effect after its return. All mutations of unknown
    /// outcome are still to be had.
    pub(super) fn excerpt(&self, from: EventIndex, through: EventIndex) -> Timeline {
        let mut known = Vec::new();
        let mut events = Vec::new();
        let mut unknown = Vec::new();
        let mut number = HashMap::new();
        let span = &self.events[from as usize..=through as usize];
        let before = self.known.iter().take_while(|operation| operation.invoked < from);
        for (place, carried) in before.enumerate().filter(|(_, it)| it.returned >= from) {
            match carried.op {
                Op::Read(_) | Op::SawAnother(_) => {}
                Op::CompareAndSet { .. } => unknown.push((carried.op, 0)),
                Op::Write(_) => {
                    number.insert(place as u32, known.len() as u32);
                    events.push(Event::Invocation(known.len() as u32));
                    known.push(*carried);
                }
            }
        }
        let carried = events.len() as EventIndex;
        // The moment in the excerpt of each moment in the whole.
        let mut moments = Vec::with_capacity(span.len() + 1);
        for event in span {
            moments.push(events.len() as EventIndex);
            match *event {
                Event::Invocation(operation) => {
                    number.insert(operation, known.len() as u32);
                    events.push(Event::Invocation(known.len() as u32));
                    known.push(self.known[operation as usize]);
                }
                Event::Return(operation) => {
                    if let Some(number) = number.get(&operation) {
                        events.push(Event::Return(*number));
                    }
                }
            }
        }
        for group in &self.groups {
            for available in &group.available {
                if *available <= through {
                    let place = available.saturating_sub(from) as usize;
                    let moment = if *available <= from { 0 } else { moments[place] };
                    unknown.push((group.op, moment));
                }
            }
        }
        let mut excerpt = Timeline::assemble(known, events, unknown, self.values);
        excerpt.initial = excerpt.values_that_differ();
        excerpt.overwritten = carried;
        excerpt
    }

    /// The values that some operation names, and one that none does.
    fn values_that_differ(&self) -> Vec<u32> {
        let mut named = vec![false; self.values];
        let known = self.known.iter().map(|operation| operation.op);
        for op in known.chain(self.groups.iter().map(|group| group.op)) {
            match op {
                Op::Read(value) | Op::Write(value) | Op::SawAnother(value) => {
                    named[value as usize] = true;
                }
                Op::CompareAndSet { from, to } => {
                    named[from as usize] = true;
                    named[to as usize] = true;
                }
            }
        }
        let unnamed = named.iter().position(|named| !named);
        (0..self.values)
            .filter(|value| named[*value] || Some(*value) == unnamed)
            .map(|value| value as u32)
            .collect()
    }

    /// The number of mutations of a group that can take effect at a moment.
    pub(super) fn available(&self, group: u32, moment: EventIndex) -> u32 {
        let available = &self.groups[group as usize].available;
        available.partition_point(|since| *since <= moment) as u32
    }

    /// The operation whose return is at this place, in the numbering of the steps.
    pub(super) fn step_at(&self, place: EventIndex) -> usize {
        match self.events[place as usize] {
            Event::Invocation(operation) | Event::Return(operation) => {
                self.known[operation as usize].step as usize
            }
        }
    }
}

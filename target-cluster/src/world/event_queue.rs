//! The events to come, in order of time, and of two at one time in the order in which they were
//! put in.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use crate::core::Time;

/// An event to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Event {
    /// A message arrives.
    Delivery(usize),
    /// A client's request arrives.
    Request(usize),
    /// A reply arrives at a client.
    Reply(usize),
    /// A node takes in what gathered.
    Turn(Process),
    /// A deadline of a node may be due.
    Timer(Process),
    /// The barrier of a node ends.
    Barrier(Process),
    /// The work of a node's disk is due that no request waits for.
    Deferred(Process),
    /// The next step of writing a node's snapshot is done.
    Save(Process),
    /// A node that is down starts.
    Start(Process),
    /// A fault begins.
    Fault(usize),
    /// A fault ends.
    FaultEnds(usize),
}

/// A process that ran on a node: what is to come for it ends with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Process {
    /// The position of the node.
    pub(crate) node: u32,
    /// The number of times that the node had been down before.
    pub(crate) life: u32,
}

/// The events to come.
#[derive(Debug, Default)]
pub(crate) struct EventQueue {
    /// By time in nanoseconds, and by number.
    heap: BinaryHeap<Reverse<(u64, u64, Event)>>,
    number: u64,
}

impl EventQueue {
    /// Puts in an event.
    pub(crate) fn push(&mut self, time: Time, event: Event) {
        self.number += 1;
        self.heap.push(Reverse((time.as_nanos() as u64, self.number, event)));
    }

    /// Takes out the next event, if it comes by then.
    pub(crate) fn pop(&mut self, until: Time) -> Option<(Time, Event)> {
        let Reverse((time, ..)) = self.heap.peek()?;
        if *time > until.as_nanos() as u64 {
            return None;
        }
        self.heap.pop().map(|Reverse((time, _, event))| (Duration::from_nanos(time), event))
    }
}

/// Things that wait for an event, by place.
#[derive(Debug)]
pub(crate) struct Slots<T> {
    slots: Vec<Option<T>>,
    free: Vec<usize>,
}

impl<T> Default for Slots<T> {
    fn default() -> Slots<T> {
        Slots { slots: Vec::new(), free: Vec::new() }
    }
}

impl<T> Slots<T> {
    /// Puts one in; returns its place.
    pub(crate) fn put(&mut self, thing: T) -> usize {
        match self.free.pop() {
            Some(place) => {
                self.slots[place] = Some(thing);
                place
            }
            None => {
                self.slots.push(Some(thing));
                self.slots.len() - 1
            }
        }
    }

    /// The number of those that wait.
    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Those that wait.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.slots.iter().flatten()
    }

    /// Takes out the one at a place.
    pub(crate) fn take(&mut self, place: usize) -> T {
        self.free.push(place);
        self.slots[place].take().expect("each is taken once")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_one_time_come_in_the_order_of_their_putting_in() {
        let mut queue = EventQueue::default();
        let second = Duration::from_secs(1);
        queue.push(second * 2, Event::Fault(9));
        queue.push(second, Event::Fault(7));
        queue.push(second, Event::Fault(3));
        assert_eq!(queue.pop(second), Some((second, Event::Fault(7))));
        assert_eq!(queue.pop(second), Some((second, Event::Fault(3))));
        assert_eq!(queue.pop(second), None);
        assert_eq!(queue.pop(second * 5), Some((second * 2, Event::Fault(9))));
    }
}

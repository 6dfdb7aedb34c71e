//! The choices that were made in the line of a queue.

use std::rc::Rc;

/// The elements that went out up to some moment, and by what.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Way {
    /// The number of dequeues that were used which may have taken anything.
    pub(super) unseen: usize,
    /// All elements of enqueues before this one are gone.
    pub(super) base: usize,
    /// Other enqueues whose elements are gone, rising.
    gone: Vec<usize>,
    pub(super) maybe_enqueued: Counts,
    pub(super) maybe_dequeued: Counts,
    /// Dequeues under way that took an element, rising.
    pub(super) dequeued: Vec<usize>,
    /// Observations under way that found the queue empty.
    pub(super) found_empty: Vec<usize>,
}

impl Way {
    /// The less, the more can come.
    pub(super) fn cost(&self) -> (usize, usize, usize) {
        let maybe: usize = self.maybe_enqueued.0.iter().map(|(_, count)| *count).sum();
        (self.unseen, self.base + self.gone.len() + maybe, maybe)
    }

    /// The number of parts that a copy has.
    pub(super) fn size(&self) -> usize {
        self.gone.len() + self.dequeued.len() + self.found_empty.len()
    }

    /// The end of the enqueues whose elements may be gone.
    pub(super) fn end(&self) -> usize {
        self.gone.last().map_or(self.base, |last| last + 1)
    }

    pub(super) fn is_gone(&self, enqueue: usize) -> bool {
        enqueue < self.base || self.gone.binary_search(&enqueue).is_ok()
    }

    pub(super) fn take_out(&mut self, enqueue: usize) {
        insert(&mut self.gone, enqueue);
    }

    pub(super) fn take_out_maybe(&mut self, value: usize) {
        self.maybe_enqueued.add(value);
    }

    /// Goes past what is gone.
    pub(super) fn settle(&mut self) {
        let passed = self.gone.iter().zip(self.base..).take_while(|(it, at)| **it == *at).count();
        self.gone.drain(..passed);
        self.base += passed;
    }

    pub(super) fn has_taken(&self, dequeue: usize) -> bool {
        self.dequeued.binary_search(&dequeue).is_ok()
    }

    pub(super) fn dequeue(&mut self, dequeue: usize) {
        insert(&mut self.dequeued, dequeue);
    }

    pub(super) fn forget_dequeue(&mut self, dequeue: usize) {
        self.dequeued.retain(|it| *it != dequeue);
    }

    pub(super) fn has_found_empty(&self, empties: &[usize]) -> bool {
        empties.iter().all(|it| self.found_empty.contains(it))
    }

    pub(super) fn find_empty(&mut self, empties: &[usize]) {
        self.found_empty = empties.to_vec();
    }

    pub(super) fn forget_empty(&mut self, empty: usize) {
        self.found_empty.retain(|it| *it != empty);
    }
}

fn insert(numbers: &mut Vec<usize>, number: usize) {
    let at = numbers.partition_point(|it| *it < number);
    numbers.insert(at, number);
}

/// The number of operations of unknown outcome that were used, by value. Copies share what they
/// can.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Counts(Rc<Vec<(usize, usize)>>);

impl Counts {
    pub(super) fn count(&self, value: usize) -> usize {
        let at = self.0.binary_search_by_key(&value, |(it, _)| *it);
        at.map_or(0, |at| self.0[at].1)
    }

    pub(super) fn add(&mut self, value: usize) {
        let counts = Rc::make_mut(&mut self.0);
        match counts.binary_search_by_key(&value, |(it, _)| *it) {
            Ok(at) => counts[at].1 += 1,
            Err(at) => counts.insert(at, (value, 1)),
        }
    }

    /// Returns whether it has no more of any value.
    pub(super) fn is_within(&self, other: &Counts) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
            || self.0.iter().all(|(value, count)| *count <= other.count(*value))
    }

    /// The counts without those of another one, which is within it.
    pub(super) fn less(&self, other: &Counts) -> Vec<(usize, usize)> {
        if Rc::ptr_eq(&self.0, &other.0) {
            return Vec::new();
        }
        let left = self.0.iter().map(|(value, count)| (*value, count - other.count(*value)));
        left.filter(|(_, count)| *count > 0).collect()
    }
}

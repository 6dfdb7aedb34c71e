//! Contradictions of a queue that counting shows.
//!
//! If `v` was dequeued `k` times by some moment, and fewer of its enqueues had been invoked by an
//! earlier one, then one of those dequeues took an element that came in later. All that had come in
//! by then had to go out before it: so there are no more of any value than there are dequeues which
//! had been invoked and can have taken it. An observation that the queue was empty demands the same
//! of what had come in when it began.
//!
//! This finds most of what a [sweep](crate::model::queue::repeating) gets stuck on, in far fewer
//! operations: all others may have happened at any time, or never.

use std::collections::BTreeSet;

use crate::model::queue::line::{Dequeue, Line};

/// From so many values on, only the one is looked at whose dequeue fits nowhere.
const FEW_VALUES: usize = 128;

/// Operations that contradict each other among those of which the last one returned at an index.
pub(super) fn contradiction(line: &Line, until: u64) -> Option<Vec<usize>> {
    let counted = Counted::new(line, until);
    if let Some(empty) = line.empties.iter().find(|it| it.returned == until) {
        let left_over = counted.left_over(empty.invoked)?;
        return Some(counted.places([empty.place], &left_over));
    }
    let last = line.dequeues.iter().find(|it| it.returned == until)?;
    let values = 0..line.by_value.len();
    let others = values.clone().filter(|value| values.len() <= FEW_VALUES && *value != last.value);
    let found = [last.value].into_iter().chain(others).filter_map(|value| counted.behind(value));
    found.min_by_key(Vec::len)
}

/// Operations by value, up to an index.
struct Counted<'a> {
    line: &'a Line,
    until: u64,
    /// The number of dequeues of each value that had begun.
    begun: Vec<usize>,
    /// The number of those that had begun and may have taken anything.
    unseen: usize,
    /// For each value, its enqueues that surely happened, by return.
    came_in: Vec<Vec<usize>>,
}

impl<'a> Counted<'a> {
    fn new(line: &'a Line, until: u64) -> Counted<'a> {
        let is_begun = |invoked: &&u64| **invoked < until;
        let maybe = line.maybe_dequeued.iter().map(|it| it.iter().filter(is_begun).count());
        let mut begun: Vec<usize> = maybe.collect();
        for dequeue in line.dequeues.iter().filter(|it| it.invoked < until) {
            begun[dequeue.value] += 1;
        }
        let unseen = line.unseen.iter().filter(is_begun).count();
        let mut came_in = line.by_value.clone();
        for group in &mut came_in {
            group.sort_by_key(|it| line.enqueues[*it].returned);
        }
        Counted { line, until, begun, unseen, came_in }
    }

    /// Dequeues of a value of which one took what came in behind something that was still there.
    fn behind(&self, value: usize) -> Option<Vec<usize>> {
        let is_of_it = |it: &&Dequeue| it.value == value && it.returned <= self.until;
        let taken: Vec<usize> =
            self.line.dequeues.iter().filter(is_of_it).map(|it| it.place).collect();
        let known = self.line.by_value[value].iter().map(|it| self.line.enqueues[*it].invoked);
        let maybe = self.line.maybe_enqueued[value].iter().copied();
        let mut invoked: Vec<u64> = known.chain(maybe).collect();
        invoked.sort_unstable();
        // One of them took this one, or one that came later.
        let last = invoked.get(taken.len().checked_sub(1)?).copied();
        match last.filter(|invoked| *invoked < self.until) {
            None => Some(self.places(taken, &[])),
            Some(invoked) => Some(self.places(taken, &self.left_over(invoked)?)),
        }
    }

    /// Values with their numbers of enqueues that returned before an index, which are more than can
    /// have gone out. None if they may all be gone.
    fn left_over(&self, before: u64) -> Option<Vec<(usize, usize)>> {
        let is_before = |it: &usize| self.line.enqueues[*it].returned < before;
        let counts = self.came_in.iter().map(|group| group.partition_point(is_before));
        let left =
            counts.zip(&self.begun).map(|(count, begun)| (count.saturating_sub(*begun), count));
        let mut left: Vec<(usize, usize, usize)> =
            left.zip(0..).map(|((left, count), value)| (left, count, value)).collect();
        // As few as show it: those of which most are left for how many there are.
        left.retain(|(left, ..)| *left > 0);
        left.sort_by_key(|(left, count, value)| (count - left, *count, *value));
        let (mut sum, mut shown) = (0, Vec::new());
        for (left, count, value) in left {
            // So many dequeues may have taken one of them.
            let enough = (self.unseen + 1 - sum).min(left);
            shown.push((value, count - (left - enough)));
            sum += left;
            if sum > self.unseen {
                return Some(shown);
            }
        }
        None
    }

    /// The places of some operations, and of the first enqueues of values.
    fn places(
        &self,
        operations: impl IntoIterator<Item = usize>,
        enqueues: &[(usize, usize)],
    ) -> Vec<usize> {
        let enqueues = enqueues.iter().flat_map(|(value, count)| &self.came_in[*value][..*count]);
        let places = enqueues.filter_map(|it| self.line.enqueues[*it].place);
        let places: BTreeSet<usize> = operations.into_iter().chain(places).collect();
        places.into_iter().collect()
    }
}

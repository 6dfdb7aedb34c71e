//! The operations on a queue by value, and what can come next in its line.

use crate::model::queue::repeating::Now;
use crate::model::queue::way::Way;
use crate::model::queue::{Found, Input, Output, Queue};
use crate::model::{Call, Calls};

/// An enqueue that surely happened.
#[derive(Debug, Clone, Copy)]
pub(super) struct Enqueue {
    /// None for an element that was there at first.
    pub(super) place: Option<usize>,
    pub(super) invoked: u64,
    pub(super) returned: u64,
    pub(super) value: usize,
}

/// A dequeue that took this value, or an observation that there was none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dequeue {
    pub(super) place: usize,
    pub(super) invoked: u64,
    pub(super) returned: u64,
    pub(super) value: usize,
}

/// The operations on a queue. Indices of events are greater by two for each element that was there
/// at first.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// By invocation.
    pub(super) enqueues: Vec<Enqueue>,
    /// For each value, its enqueues.
    pub(super) by_value: Vec<Vec<usize>>,
    /// For each value, the invocations of enqueues of unknown outcome.
    pub(super) maybe_enqueued: Vec<Vec<u64>>,
    pub(super) dequeues: Vec<Dequeue>,
    /// For each value, the invocations of dequeues that took it or nothing.
    pub(super) maybe_dequeued: Vec<Vec<u64>>,
    /// The invocations of dequeues that may have taken anything.
    pub(super) unseen: Vec<u64>,
    /// Observations that the queue was empty.
    pub(super) empties: Vec<Dequeue>,
}

impl Line {
    pub(super) fn of(calls: &Calls<'_, Queue>) -> Line {
        let mut line = Line::default();
        for (value, at) in calls.initial().iter().zip((0..).step_by(2)) {
            line.enqueue(Enqueue {
                place: None,
                invoked: at,
                returned: at + 1,
                value: value.0 as usize,
            });
        }
        let later = 2 * calls.initial().len() as u64;
        for (place, timed) in calls.iter().enumerate() {
            let invoked = timed.invoked + later;
            let returned = timed.returned.map(|at| at + later);
            let found = match *timed.call {
                Call::Known(Input::Enqueue(value), _) | Call::Unknown(Input::Enqueue(value)) => {
                    let value = value.0 as usize;
                    match returned {
                        Some(returned) => {
                            line.enqueue(Enqueue { place: Some(place), invoked, returned, value });
                        }
                        None => group(&mut line.maybe_enqueued, value).push(invoked),
                    }
                    continue;
                }
                Call::Known(Input::Dequeue(_), Output::Dequeued(value)) => Found::Element(value),
                Call::Known(Input::Dequeue(_), _) => Found::Nothing,
                Call::Unknown(Input::Dequeue(found)) => found,
            };
            match (found, returned) {
                (Found::Element(value), Some(returned)) => {
                    let value = value.0 as usize;
                    line.dequeues.push(Dequeue { place, invoked, returned, value });
                }
                (Found::Nothing, Some(returned)) => {
                    line.empties.push(Dequeue { place, invoked, returned, value: 0 });
                }
                (Found::Element(value), None) => {
                    group(&mut line.maybe_dequeued, value.0 as usize).push(invoked);
                }
                (Found::Anything, _) => line.unseen.push(invoked),
                (Found::Nothing, None) => {}
            }
        }
        let taken = line.dequeues.iter().map(|it| it.value + 1).max().unwrap_or(0);
        let groups = [line.by_value.len(), line.maybe_enqueued.len(), line.maybe_dequeued.len()];
        let values = groups.into_iter().fold(taken, usize::max);
        line.by_value.resize_with(values, Vec::new);
        line.maybe_enqueued.resize_with(values, Vec::new);
        line.maybe_dequeued.resize_with(values, Vec::new);
        line
    }

    fn enqueue(&mut self, enqueue: Enqueue) {
        group(&mut self.by_value, enqueue.value).push(self.enqueues.len());
        self.enqueues.push(enqueue);
    }

    /// The line if only what surely happened up to an index is believed, and only of some values.
    pub(super) fn believing(&self, is_believed: &[bool], until: u64) -> Line {
        let mut line = Line {
            maybe_enqueued: self.maybe_enqueued.clone(),
            maybe_dequeued: self.maybe_dequeued.clone(),
            by_value: vec![Vec::new(); self.by_value.len()],
            ..Line::default()
        };
        for enqueue in self.enqueues.iter().filter(|it| it.invoked < until) {
            match is_believed[enqueue.value] && enqueue.returned <= until {
                true => line.enqueue(*enqueue),
                false => line.maybe_enqueued[enqueue.value].push(enqueue.invoked),
            }
        }
        for dequeue in self.dequeues.iter().filter(|it| it.invoked < until) {
            match is_believed[dequeue.value] && dequeue.returned <= until {
                true => line.dequeues.push(*dequeue),
                false => line.maybe_dequeued[dequeue.value].push(dequeue.invoked),
            }
        }
        line.unseen = self.unseen.iter().copied().filter(|it| *it < until).collect();
        line.empties = self.empties.iter().copied().filter(|it| it.returned <= until).collect();
        for group in line.maybe_enqueued.iter_mut().chain(&mut line.maybe_dequeued) {
            group.sort_unstable();
        }
        line
    }

    /// The places of all that surely happened up to an index.
    pub(super) fn known_by(&self, index: u64) -> Vec<usize> {
        let enqueues = self.enqueues.iter().filter(|it| it.returned <= index);
        let dequeues = self.dequeues.iter().chain(&self.empties).filter(|it| it.returned <= index);
        let places = enqueues.filter_map(|it| it.place).chain(dequeues.map(|it| it.place));
        let mut places: Vec<usize> = places.collect();
        places.sort_unstable();
        places
    }

    /// Has a dequeue take its value: the ways on from there.
    pub(super) fn take(
        &self,
        way: &Way,
        number: usize,
        now: &Now,
        ways: &mut Vec<Way>,
        steps: &mut u64,
    ) {
        let Dequeue { value, .. } = self.dequeues[number];
        let mut before = way.clone();
        before.dequeue(number);
        let mut candidates: Vec<Candidate> = Vec::new();
        if let Some(invoked) = self.next_maybe_enqueued(way, value, now) {
            candidates.push(Candidate { enqueue: None, invoked, returned: u64::MAX });
        }
        let group = &self.by_value[value];
        let from = group.partition_point(|it| *it < way.base);
        let mut first_return = u64::MAX;
        for &enqueue in &group[from..] {
            *steps += 1;
            let Enqueue { invoked, returned, .. } = self.enqueues[enqueue];
            if invoked > now.index.min(first_return) {
                break;
            }
            if returned < first_return && !way.is_gone(enqueue) {
                first_return = returned;
                candidates.push(Candidate { enqueue: Some(enqueue), invoked, returned });
            }
        }
        candidates.sort_by_key(|candidate| candidate.invoked);
        let mut first_return = u64::MAX;
        let mut last: Option<usize> = None;
        for Candidate { enqueue, invoked, returned } in candidates {
            // One that was invoked later must return earlier, or it is no better in any way.
            if last.is_some() && returned >= first_return {
                continue;
            }
            let Some((mut way, needed)) = self.without_what_returned(&before, invoked, now, steps)
            else {
                break;
            };
            match enqueue {
                Some(enqueue) => way.take_out(enqueue),
                None => way.take_out_maybe(value),
            }
            way.settle();
            way.forget_dequeue(number);
            if last == Some(needed) {
                ways.pop();
            }
            ways.push(way);
            (first_return, last) = (returned, Some(needed));
        }
    }

    /// Has all that surely came in by now be gone, so that the queue was found empty. Says how many
    /// elements that took.
    pub(super) fn empty(&self, way: &Way, now: &Now, steps: &mut u64) -> Option<(Way, usize)> {
        let (mut way, needed) = self.without_what_returned(way, now.index, now, steps)?;
        way.settle();
        way.find_empty(&now.empties);
        Some((way, needed))
    }

    /// Takes out all that returned before an index, and says how many elements these are. None if
    /// there are not enough dequeues.
    fn without_what_returned(
        &self,
        way: &Way,
        until: u64,
        now: &Now,
        steps: &mut u64,
    ) -> Option<(Way, usize)> {
        let mut after = way.clone();
        *steps += 4 + way.size() as u64 / 8;
        let mut needed = 0;
        for (number, enqueue) in self.enqueues.iter().enumerate().skip(way.base) {
            *steps += 1;
            if enqueue.invoked >= until {
                break;
            }
            if enqueue.returned < until && !way.is_gone(number) {
                if !self.goes_out(&mut after, enqueue.value, now) {
                    return None;
                }
                after.take_out(number);
                needed += 1;
            }
        }
        Some((after, needed))
    }

    /// Has some dequeue that is under way take a value, if there is one.
    fn goes_out(&self, way: &mut Way, value: usize, now: &Now) -> bool {
        if let Some(number) = now.dequeues[value].iter().find(|it| !way.has_taken(**it)) {
            way.dequeue(*number);
            return true;
        }
        let maybe = &self.maybe_dequeued[value];
        if maybe.get(way.maybe_dequeued.count(value)).is_some_and(|at| *at < now.index) {
            way.maybe_dequeued.add(value);
            return true;
        }
        let is_left = way.unseen < now.unseen;
        way.unseen += usize::from(is_left);
        is_left
    }

    /// The invocation of the next enqueue of unknown outcome of a value, if it has begun.
    fn next_maybe_enqueued(&self, way: &Way, value: usize, now: &Now) -> Option<u64> {
        let next = self.maybe_enqueued[value].get(way.maybe_enqueued.count(value)).copied();
        next.filter(|at| *at < now.index)
    }

    /// Returns whether `one` can do all that `other` can.
    ///
    /// It can if it has less taken out, and what the other one has more can go out next: for each
    /// dequeue that the other one has used more there is an enqueue of its value, and one of unknown
    /// outcome for each of the rest. Besides, for an enqueue that only `one` has taken out, the other
    /// one may have taken one of the same value that was invoked no later and returns no earlier:
    /// that can stand for it in all that follows.
    pub(super) fn covers(&self, one: &Way, other: &Way, steps: &mut u64) -> bool {
        *steps += 1;
        if one.unseen > other.unseen
            || !one.has_found_empty(&other.found_empty)
            || !one.dequeued.iter().all(|it| other.has_taken(*it))
            || !one.maybe_enqueued.is_within(&other.maybe_enqueued)
            || !one.maybe_dequeued.is_within(&other.maybe_dequeued)
        {
            return false;
        }
        let from = one.base.min(other.base);
        let until = one.end().max(other.end());
        *steps += (until - from) as u64;
        let (mut more, mut others) = (Vec::new(), Vec::new());
        for number in from..until {
            match (one.is_gone(number), other.is_gone(number)) {
                (true, false) => more.push(number),
                (false, true) => others.push(number),
                _ => {}
            }
        }
        let mut maybe_others = other.maybe_enqueued.less(&one.maybe_enqueued);
        // What stands for something else must not have been needed by what follows.
        let mut first_return = u64::MAX;
        for number in more {
            let Enqueue { invoked, returned, value, .. } = self.enqueues[number];
            let stands_for = |it: &usize| {
                let other = self.enqueues[*it];
                other.value == value && other.invoked <= invoked && other.returned >= returned
            };
            if let Some(at) = others.iter().position(stands_for) {
                first_return = first_return.min(self.enqueues[others.remove(at)].returned);
                continue;
            }
            let next = maybe_others.iter_mut().find(|(it, count)| *it == value && *count > 0);
            let Some((_, count)) = next else { return false };
            let used = one.maybe_enqueued.count(value) + *count - 1;
            if self.maybe_enqueued[value][used] > invoked {
                return false;
            }
            *count -= 1;
        }
        if first_return < u64::MAX
            && (others.iter().any(|it| self.enqueues[*it].invoked > first_return)
                || maybe_others.iter().any(|(_, count)| *count > 0))
        {
            return false;
        }
        let mut left: Vec<usize> = others.iter().map(|it| self.enqueues[*it].value).collect();
        for (value, count) in maybe_others {
            left.extend(std::iter::repeat_n(value, count));
        }
        let taken = other.dequeued.iter().filter(|it| !one.has_taken(**it));
        let taken = taken.map(|it| self.dequeues[*it].value);
        let maybe_taken = other.maybe_dequeued.less(&one.maybe_dequeued);
        let maybe_taken =
            maybe_taken.iter().flat_map(|(value, count)| std::iter::repeat_n(*value, *count));
        taken.chain(maybe_taken).all(|value| {
            let at = left.iter().position(|it| *it == value);
            at.map(|at| left.swap_remove(at)).is_some()
        })
    }
}

/// An enqueue that may be the next one; none stands for the next one of unknown outcome.
struct Candidate {
    enqueue: Option<usize>,
    invoked: u64,
    returned: u64,
}

/// The entry of a value, made if there is none.
fn group<T: Default>(groups: &mut Vec<T>, value: usize) -> &mut T {
    if value >= groups.len() {
        groups.resize_with(value + 1, T::default);
    }
    &mut groups[value]
}

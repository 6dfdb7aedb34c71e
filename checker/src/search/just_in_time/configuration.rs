//! The state of an order, as far as the rest of the history can tell.

use std::rc::Rc;

use crate::search::by_value::Op;
use crate::search::just_in_time::slots::SlotSet;
use crate::search::just_in_time::timeline::{EventIndex, Known, Timeline};
use crate::search::just_in_time::window::Window;

/// The state of a search at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Configuration<S> {
    /// The present value.
    pub(super) value: u32,
    /// The moment of the last write that counts. What was invoked before it and is neither
    /// done nor returned can still be put right before that write.
    pub(super) overwritten: EventIndex,
    /// The open operations that are linearized.
    pub(super) done: S,
    /// The number used of each group of unknown outcome.
    pub(super) used: Used,
}

/// The number used of each group of unknown outcome. Shared between configurations until it
/// changes, which is seldom.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Used {
    counts: Rc<[u32]>,
    total: u32,
}

impl Used {
    fn none(groups: usize) -> Used {
        Used { counts: vec![0; groups].into(), total: 0 }
    }

    pub(super) fn of(&self, group: u32) -> u32 {
        self.counts[group as usize]
    }

    /// The number used of all groups.
    pub(super) fn total(&self) -> u32 {
        self.total
    }

    /// Returns whether no group was used more often than in `other`.
    fn spares(&self, other: &Used) -> bool {
        Rc::ptr_eq(&self.counts, &other.counts)
            || self.total <= other.total
                && self.counts.iter().zip(&*other.counts).all(|(own, its)| own <= its)
    }

    /// The number of writes of a value that `other` has used beyond those that `self` has.
    fn spared_writes(&self, other: &Used, value: u32, timeline: &Timeline) -> usize {
        timeline.unknown_writes[value as usize]
            .map_or(0, |group| (other.of(group) - self.of(group)) as usize)
    }

    pub(super) fn add(&mut self, group: u32) {
        Rc::make_mut(&mut self.counts)[group as usize] += 1;
        self.total += 1;
    }
}

impl<S: SlotSet> Configuration<S> {
    /// All that a history can start from.
    pub(super) fn starts(timeline: &Timeline) -> Vec<Configuration<S>> {
        let used = Used::none(timeline.groups.len());
        let start = |value: &u32| Configuration {
            value: *value,
            overwritten: timeline.overwritten,
            done: S::empty(timeline.slots),
            used: used.clone(),
        };
        timeline.initial.iter().map(start).collect()
    }

    /// Returns whether every order that completes `other` shows an order that completes `self`.
    ///
    /// That is so if `self` has the same value, was overwritten no earlier, has served all
    /// observers that `other` has, did the same compare-and-sets, has used no more of what is
    /// unknown, and has at least the writes left: for every write that `self` has used and `other`
    /// has not, `other` has used another of the same value that returns no earlier (one of unknown
    /// outcome never returns) and can take its place in the order. No write weighs on `self` that
    /// does not weigh on `other`: what is used was invoked before the last write that counts, so
    /// the writes that were not overwritten yet are unused in both.
    pub(super) fn covers(&self, other: &Self, window: &Window<'_, S>) -> bool {
        self.value == other.value
            && self.overwritten >= other.overwritten
            && other.done.within(&self.done, &window.observers)
            && self.done.agrees(&other.done, &window.sets)
            && self.used.spares(&other.used)
            && (self.done.within(&other.done, &window.all_writes)
                || self.has_better_writes_left(other, window))
    }

    fn has_better_writes_left(&self, other: &Self, window: &Window<'_, S>) -> bool {
        let own_debts =
            || self.done.without(&other.done).filter(|it| window.all_writes.contains(*it));
        own_debts().all(|debt| {
            let Known { op: Op::Write(value), returned, .. } = *window.owner(debt) else {
                unreachable!("only writes are among the writes");
            };
            let same_and_not_before = |slot: &usize| {
                window.writes[value as usize].contains(*slot)
                    && window.owner(*slot).returned >= returned
            };
            let debts = own_debts().filter(same_and_not_before).count();
            let credits = other.done.without(&self.done).filter(same_and_not_before).count();
            debts <= credits + self.used.spared_writes(&other.used, value, window.timeline)
        })
    }

    /// Bytes that it takes if it shares none of them. All configurations of a search take as many.
    pub(super) fn size(&self) -> usize {
        size_of::<Self>() + size_of_val(self.done.words()) + size_of_val(&*self.used.counts)
    }

    /// The cost of this, the most promising first. What covers another does not cost more.
    pub(super) fn cost(&self, window: &Window<'_, S>) -> i64 {
        let used = self.done.shared(&window.all_writes);
        let served = self.done.shared(&window.observers);
        i64::from(self.used.total) * UNKNOWN_COST + i64::from(used) - i64::from(served)
    }
}

/// A mutation of unknown outcome that is used is lost for the rest of the history, a known one
/// would return soon anyway.
const UNKNOWN_COST: i64 = 8;

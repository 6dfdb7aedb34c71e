//! The choice among several objects that have no legal order.

use crate::counterexample::window;
use crate::decide::{Evidence, decide};
use crate::object::Object;
use crate::search::{Limits, Outcome};

/// Steps for all prefixes that are looked at, and for each of them: a second's work. If they do not
/// suffice, the one that is chosen is a rather early one.
const STEPS_IN_ALL: u64 = 4_000_000;
const STEPS_FOR_A_PREFIX: u64 = 1_000_000;

/// The place of the object whose contradiction was seen first, of some that have no legal order,
/// each with the reason. That is the one whose shortest prefix without a legal order ends first:
/// what came later may be a consequence.
pub(crate) fn first_seen(objects: &[(&dyn Object, &Evidence)], memory: usize) -> usize {
    if objects.len() < 2 {
        return 0;
    }
    let mut by_end: Vec<(u64, usize)> = objects
        .iter()
        .enumerate()
        .map(|(place, (object, evidence))| (known_end(*object, evidence), place))
        .collect();
    by_end.sort_unstable();
    let mut search = Search { memory, steps_left: STEPS_IN_ALL };
    let (mut end, mut first) = by_end[0];
    end = search.shortest(objects[first].0, end);
    for (known, place) in by_end.into_iter().skip(1) {
        let object = objects[place].0;
        let Some(before) = end.checked_sub(1) else { break };
        if known <= before || search.is_invalid(object, before) {
            (end, first) = (search.shortest(object, known.min(before)), place);
        }
    }
    first
}

/// An index up to which there certainly is no legal order.
fn known_end(object: &dyn Object, evidence: &Evidence) -> u64 {
    let intervals = object.intervals();
    let known = match evidence {
        Evidence::Contradiction(places, _) => {
            places.iter().filter_map(|place| intervals[*place].returned()).max()
        }
        Evidence::EndedAt(place) => intervals[*place].returned(),
        Evidence::None => None,
    };
    known.unwrap_or(u64::MAX)
}

struct Search {
    memory: usize,
    steps_left: u64,
}

impl Search {
    /// Returns whether it is certain that there is no legal order of what happened up to an index.
    fn is_invalid(&mut self, object: &dyn Object, last: u64) -> bool {
        let intervals = object.intervals();
        let cost = intervals.partition_point(|it| it.invoked <= last) as u64;
        if self.steps_left < cost {
            return false;
        }
        let (prefix, _) = object.weakened(&|place| window::kept(intervals[place], None, last));
        let steps = STEPS_FOR_A_PREFIX.min(self.steps_left);
        let decision = decide(&*prefix, Limits { steps, memory: self.memory });
        self.steps_left = self.steps_left.saturating_sub(decision.steps.max(cost));
        decision.outcome == Outcome::Invalid
    }

    /// The index of the first completion up to which there is no legal order, as far as the steps
    /// allow, if there is none up to `end`.
    fn shortest(&mut self, object: &dyn Object, end: u64) -> u64 {
        let returned = object.intervals().iter().filter_map(|it| it.returned());
        let mut completions: Vec<u64> = returned.filter(|at| *at <= end).collect();
        completions.sort_unstable();
        // Every prefix of a history that has a legal order has one, so the prefixes can be halved.
        let (mut none_up_to, mut at) = (0, completions.len().saturating_sub(1));
        while none_up_to < at {
            let middle = (none_up_to + at) / 2;
            match self.is_invalid(object, completions[middle]) {
                true => at = middle,
                false => none_up_to = middle + 1,
            }
        }
        completions.get(at).copied().unwrap_or(end)
    }
}

//! The fewest operations that still contradict each other.

use std::collections::BTreeSet;

use crate::counterexample::core::Core;
use crate::counterexample::fewest::fewest;
use crate::counterexample::questions::{Effort, Questions};
use crate::counterexample::relevance;
use crate::counterexample::sources::Sources;
use crate::counterexample::window;
use crate::decide::{Evidence, decide};
use crate::object::{Kept, Object};
use crate::search::{Limits, Outcome};

/// Steps for all prefixes in which an earlier contradiction is looked for, and for each of them: a
/// second's work. Of a hundred thousand operations the earliest is found, of a million a rather
/// early one.
const STEPS_FOR_THE_EARLIEST: u64 = 2_000_000;
const STEPS_FOR_A_PREFIX: u64 = 1_000_000;

/// Finds a minimal contradiction in a object whose operations have no legal order. If one is known
/// that need not be minimal, only it and what bears on it is looked at.
pub(super) fn core(object: &dyn Object, evidence: Evidence, memory: usize) -> Core {
    let mut effort = Effort::new(memory);
    match evidence {
        Evidence::None => {
            let effort = &mut effort;
            minimize(Questions { object, since: None, effort }, None)
        }
        Evidence::EndedAt(last) => window::find(object, last, &mut effort).unwrap_or_else(|| {
            let effort = &mut effort;
            minimize(Questions { object, since: None, effort }, Some(last))
        }),
        Evidence::Contradiction(places, since) => {
            let Earliest { places, since, certain } = earliest(object, places, since, memory);
            let intervals = object.intervals();
            let believed: BTreeSet<usize> = places.into_iter().collect();
            let returned = |place: &usize| Some((intervals[*place].returned()?, *place));
            let (end, last) = believed.iter().filter_map(returned).max().unzip();
            let bears_on_it = match since {
                None => relevance::mutations(object, &believed),
                Some(_) => None,
            };
            let kept = |place| {
                if believed.contains(&place) {
                    Some(Kept::AsRecorded)
                } else if let Some(since) = since {
                    let within = window::kept(intervals[place], Some(since), end?);
                    within.and(Some(Kept::Invoked))
                } else if bears_on_it.as_ref().is_none_or(|places| places.contains(&place)) {
                    Some(Kept::Invoked)
                } else {
                    None
                }
            };
            among(object, &kept, since, last.filter(|_| certain), &mut effort)
        }
    }
}

/// The core of a weaker object, in the places of the whole.
fn among(
    object: &dyn Object,
    kept: &dyn Fn(usize) -> Option<Kept>,
    since: Option<u64>,
    last: Option<usize>,
    effort: &mut Effort,
) -> Core {
    let (narrowed, origins) = object.weakened(kept);
    let last = last.and_then(|last| origins.binary_search(&last).ok());
    let core = minimize(Questions { object: &*narrowed, since, effort }, last);
    Core {
        shown: core.shown.into_iter().map(|place| origins[place]).collect(),
        last: origins[core.last],
        ..core
    }
}

/// A contradiction, and whether there certainly was a legal order before its last completion.
struct Earliest {
    places: Vec<usize>,
    since: Option<u64>,
    certain: bool,
}

/// Looks for an earlier contradiction than one that is known: the earliest says most of how things
/// went wrong. Those that tell of the same prefix are equally good.
fn earliest(object: &dyn Object, known: Vec<usize>, since: Option<u64>, memory: usize) -> Earliest {
    let intervals = object.intervals();
    let end =
        |places: &[usize]| places.iter().filter_map(|place| intervals[*place].returned()).max();
    let mut completions: Vec<u64> = intervals.iter().filter_map(|it| it.returned()).collect();
    completions.sort_unstable();
    let mut at = completions.partition_point(|index| Some(*index) < end(&known));
    let (mut places, mut since) = (known, since);
    let (mut none_up_to, mut left) = (0, STEPS_FOR_THE_EARLIEST);
    // Every prefix of a history that has a legal order has one, so the prefixes can be halved. But
    // mostly the one that is known is the earliest, or nearly so: first, each prefix is shorter by
    // twice as much.
    let mut shorter_by = Some(1);
    while none_up_to < at && left > 0 {
        let middle = match shorter_by {
            Some(completions) => at.saturating_sub(completions).max(none_up_to),
            None => (none_up_to + at) / 2,
        };
        let last = completions[middle];
        let (prefix, origins) =
            object.weakened(&|place| window::kept(intervals[place], None, last));
        let decision = decide(&*prefix, Limits { steps: STEPS_FOR_A_PREFIX, memory });
        left = left.saturating_sub(decision.steps.max(origins.len() as u64));
        match (decision.outcome, decision.evidence) {
            (Outcome::Invalid, Evidence::Contradiction(earlier, begins)) => {
                places = earlier.into_iter().map(|place| origins[place]).collect();
                since = begins;
                at = middle;
                shorter_by = shorter_by.map(|completions| 2 * completions);
            }
            (Outcome::Valid, _) => {
                none_up_to = middle + 1;
                shorter_by = None;
            }
            _ => break,
        }
    }
    let is_at = |end: Option<u64>| end.is_some() && end == completions.get(at).copied();
    let certain = none_up_to == at && is_at(end(&places));
    Earliest { places, since, certain }
}

/// Takes the shortest prefix that has no legal order, which ends with the completion of `last` if
/// that is known, then as few of its operations as possible, dropped in ever smaller chunks (Zeller
/// & Hildebrandt, "Simplifying and isolating failure-inducing input", IEEE TSE 28(2), 2002).
///
/// Believing less never makes a contradiction, so an operation that was found to be needed once
/// stays needed, and one pass with chunks of one makes the result minimal.
fn minimize(mut questions: Questions<'_>, last: Option<usize>) -> Core {
    let Questions { object, since, .. } = questions;
    let intervals = object.intervals();
    let known = last.and_then(|place| Some((intervals[place].returned()?, place)));
    let (end, last) = known.unwrap_or_else(|| shortest_prefix(&mut questions));
    let completed = |place: &usize| intervals[*place].returned().is_some_and(|at| at <= end);
    let believed: BTreeSet<usize> = (0..intervals.len()).filter(completed).collect();

    let is_read = |place: usize| object.is_observer(place);
    // Without the last completion there is an order: it stays.
    let believed = fewest(believed, last, is_read, |fewer| {
        let answer = questions.is_contradiction(fewer, end);
        (!questions.effort.is_spent()).then_some(answer)
    });

    if since.is_some() {
        return Core::of_window(object, &believed, last, questions.effort.all_answered);
    }

    // An operation that is shown for its value is held to be true as it was recorded, its
    // completion after the end of the prefix included. That may make others superfluous.
    let sources = Sources::new(object);
    let mut shown = sources.add_to(&believed);
    let mut untried: Vec<usize> = shown.iter().copied().collect();
    while let Some(gone) = untried.pop() {
        let fewer = sources.without(&shown, gone);
        if questions.is_contradiction(&fewer, u64::MAX) {
            shown = fewer;
            untried.retain(|place| shown.contains(place));
        }
    }
    let last = match shown.contains(&last) {
        true => last,
        false => shown
            .iter()
            .copied()
            .max_by_key(|place| intervals[*place].returned())
            .expect("no operations are no contradiction"),
    };
    Core { shown, last, minimal: questions.effort.all_answered, since }
}

/// The first completion up to which the history is a contradiction: its index and operation.
fn shortest_prefix(questions: &mut Questions<'_>) -> (u64, usize) {
    let intervals = questions.object.intervals().iter().zip(0..);
    let mut completions: Vec<(u64, usize)> =
        intervals.filter_map(|(interval, place)| Some((interval.returned()?, place))).collect();
    completions.sort_unstable();
    // Every prefix of a history that has a legal order has one, so the prefixes can be halved.
    // The whole history is known to be a contradiction.
    let (mut none_up_to, mut at) = (0, completions.len() - 1);
    while none_up_to < at {
        let middle = (none_up_to + at) / 2;
        let end = completions[middle].0;
        let believed = completions[..=middle].iter().map(|(_, place)| *place).collect();
        if questions.is_contradiction(&believed, end) {
            at = middle;
        } else {
            none_up_to = middle + 1;
        }
    }
    completions[at]
}

//! The fewest operations that still contradict each other.

use std::collections::BTreeSet;

use crate::counterexample::questions::{Effort, Questions};
use crate::counterexample::relevance;
use crate::counterexample::sources::Sources;
use crate::counterexample::window;
use crate::decide::{Evidence, decide};
use crate::model::Model;
use crate::partition::{Claim, Partition};
use crate::search::{Limits, Outcome};

/// Steps for all prefixes in which an earlier contradiction is looked for, and for each of them: a
/// second's work. Of a hundred thousand operations the earliest is found, of a million a rather
/// early one.
const STEPS_FOR_THE_EARLIEST: u64 = 2_000_000;
const STEPS_FOR_A_PREFIX: u64 = 1_000_000;

/// A contradiction.
#[derive(Debug)]
pub(super) struct Core {
    /// The operations that contradict each other, and those that left the values they saw, as
    /// places in the partition.
    pub(super) shown: BTreeSet<usize>,
    /// The one that completed last; as a rule, there was a legal order before its completion.
    pub(super) last: usize,
    /// Whether it is certain that without any one of them there is a legal order.
    pub(super) minimal: bool,
    /// If they contradict each other whatever had returned by the time the first of them was
    /// invoked: the index of that invocation. Otherwise their past is believed as well, as far as it
    /// is shown.
    pub(super) since: Option<u64>,
}

impl Core {
    /// Operations that contradict each other whatever was there before, with those that left the
    /// values they saw.
    pub(super) fn of_window<M: Model>(
        model: &M,
        partition: &Partition<'_, M>,
        operations: &BTreeSet<usize>,
        last: usize,
        minimal: bool,
    ) -> Core {
        let since = operations.iter().map(|place| partition.operation(*place).invoked()).min();
        Core { shown: Sources::new(model, partition).add_to(operations), last, minimal, since }
    }
}

/// Finds a minimal contradiction in a partition that has no legal order. If one is known that need
/// not be minimal, only it and what bears on it is looked at.
pub(super) fn core<M: Model>(
    model: &M,
    partition: &Partition<'_, M>,
    evidence: Evidence,
    memory: usize,
) -> Core {
    let mut effort = Effort::new(memory);
    match evidence {
        Evidence::None => {
            let effort = &mut effort;
            minimize(Questions { model, partition, since: None, effort }, None)
        }
        Evidence::EndedAt(last) => window::find(model, partition, last, &mut effort)
            .unwrap_or_else(|| {
                let effort = &mut effort;
                minimize(Questions { model, partition, since: None, effort }, Some(last))
            }),
        Evidence::Contradiction(places, since) => {
            let Earliest { places, since, certain } =
                earliest(model, partition, places, since, memory);
            let believed: BTreeSet<usize> = places.into_iter().collect();
            let returned = |place: &usize| Some((partition.returned(*place)?, *place));
            let (end, last) = believed.iter().filter_map(returned).max().unzip();
            let bears_on_it = match since {
                None => relevance::mutations(model, partition, &believed),
                Some(_) => None,
            };
            let claim = |place| {
                if believed.contains(&place) {
                    Some(Claim::AsRecorded)
                } else if let Some(since) = since {
                    let within = window::claim(partition, place, Some(since), end?);
                    within.and(Some(Claim::Invoked))
                } else if bears_on_it.as_ref().is_none_or(|places| places.contains(&place)) {
                    Some(Claim::Invoked)
                } else {
                    None
                }
            };
            among(model, partition, claim, since, last.filter(|_| certain), &mut effort)
        }
    }
}

/// The core of a weaker partition, in the places of the whole.
fn among<M: Model>(
    model: &M,
    partition: &Partition<'_, M>,
    claim: impl Fn(usize) -> Option<Claim>,
    since: Option<u64>,
    last: Option<usize>,
    effort: &mut Effort,
) -> Core {
    let (narrowed, origins) = partition.weakened(model, claim);
    let last = last.and_then(|last| origins.binary_search(&last).ok());
    let core = minimize(Questions { model, partition: &narrowed, since, effort }, last);
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
fn earliest<M: Model>(
    model: &M,
    partition: &Partition<'_, M>,
    known: Vec<usize>,
    since: Option<u64>,
    memory: usize,
) -> Earliest {
    let end = |places: &[usize]| places.iter().filter_map(|place| partition.returned(*place)).max();
    let mut completions: Vec<u64> =
        (0..partition.operations.len()).filter_map(|place| partition.returned(place)).collect();
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
            partition.weakened(model, |place| window::claim(partition, place, None, last));
        let decision = decide(model, &prefix, Limits { steps: STEPS_FOR_A_PREFIX, memory });
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
fn minimize<M: Model>(mut questions: Questions<'_, M>, last: Option<usize>) -> Core {
    let Questions { model, partition, since, .. } = questions;
    let known = last.and_then(|place| Some((partition.returned(place)?, place)));
    let (end, last) = known.unwrap_or_else(|| shortest_prefix(&mut questions));
    let completed = |place: usize| partition.returned(place).is_some_and(|at| at <= end);
    let believed: BTreeSet<usize> =
        (0..partition.operations.len()).filter(|place| completed(*place)).collect();

    let is_read = |place: usize| partition.is_observer(model, place);
    // Without the last completion there is an order: it stays.
    let believed = fewest(believed, last, is_read, |fewer| questions.is_contradiction(fewer, end));

    if since.is_some() {
        return Core::of_window(model, partition, &believed, last, questions.effort.all_answered);
    }

    // An operation that is shown for its value is held to be true as it was recorded, its
    // completion after the end of the prefix included. That may make others superfluous.
    let sources = Sources::new(model, partition);
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
            .max_by_key(|place| partition.returned(*place))
            .expect("no operations are no contradiction"),
    };
    Core { shown, last, minimal: questions.effort.all_answered, since }
}

/// As few of some operations as still contradict each other, among them the one at `last`. Reads
/// are dropped first, since an acknowledged write says more than a read of its value, and the oldest
/// first, so that what remains is close to the end.
pub(super) fn fewest(
    mut believed: BTreeSet<usize>,
    last: usize,
    is_read: impl Fn(usize) -> bool,
    mut is_contradiction: impl FnMut(&BTreeSet<usize>) -> bool,
) -> BTreeSet<usize> {
    let mut candidates: Vec<usize> =
        believed.iter().copied().filter(|place| *place != last).collect();
    candidates.sort_by_key(|place| (!is_read(*place), *place));
    let mut chunk = candidates.len().div_ceil(2).max(1);
    while !candidates.is_empty() {
        let mut kept = Vec::new();
        for dropped in candidates.chunks(chunk) {
            let dropped_places: BTreeSet<usize> = dropped.iter().copied().collect();
            let fewer: BTreeSet<usize> = believed.difference(&dropped_places).copied().collect();
            if is_contradiction(&fewer) {
                believed = fewer;
            } else {
                kept.extend_from_slice(dropped);
            }
        }
        candidates = kept;
        if chunk == 1 {
            break;
        }
        chunk = chunk.div_ceil(2);
    }
    believed
}

/// The first completion up to which the history is a contradiction: its index and operation.
fn shortest_prefix<M: Model>(questions: &mut Questions<'_, M>) -> (u64, usize) {
    let partition = questions.partition;
    let mut completions: Vec<(u64, usize)> = (0..partition.operations.len())
        .filter_map(|place| Some((partition.returned(place)?, place)))
        .collect();
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

//! The fewest operations that still contradict each other.

use std::collections::BTreeSet;

use crate::counterexample::relevance;
use crate::counterexample::sources::Sources;
use crate::counterexample::window::{self, Window};
use crate::decide::{Evidence, decide};
use crate::model::Model;
use crate::partition::{Claim, Partition};
use crate::search::{Limits, Outcome};

/// Steps for one question "is this still a contradiction?". A question that is not answered within
/// them counts as answered no, so that what remains is certain.
const STEPS_PER_QUESTION: u64 = 1_000_000;

/// Steps for all questions about one counterexample: some ten seconds. A counterexample that is
/// not quite minimal is better than one that comes too late.
const STEPS_IN_ALL: u64 = 30_000_000;

/// What it costs to make a question, in steps for each operation of the partition.
const STEPS_TO_MAKE_A_QUESTION: u64 = 2;

/// Steps for all prefixes in which an earlier contradiction is looked for: a second's work. Of a
/// hundred thousand operations the earliest is found, of a million a rather early one.
const STEPS_FOR_THE_EARLIEST: u64 = 2_000_000;

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

/// Finds a minimal contradiction in a partition that has no legal order. If one is known that need
/// not be minimal, only it and what bears on it is looked at.
pub(super) fn core<M: Model>(
    model: &M,
    partition: &Partition<'_, M>,
    evidence: Evidence,
    memory: usize,
) -> Core {
    let contradiction = match evidence {
        Evidence::None => return minimize(model, partition, None, memory),
        Evidence::EndedAt(last) => {
            return match window::find(model, partition, last, memory) {
                Some(Window { shown, since }) => {
                    Core { shown, last, minimal: true, since: Some(since) }
                }
                None => minimize(model, partition, Some(last), memory),
            };
        }
        Evidence::Contradiction(places) => places,
    };
    let believed = earliest(model, partition, contradiction, memory).into_iter().collect();
    let bears_on_it = relevance::mutations(model, partition, &believed);
    let (narrowed, origins) = partition.weakened(model, |place| {
        if believed.contains(&place) {
            Some(Claim::AsRecorded)
        } else if bears_on_it.as_ref().is_none_or(|places| places.contains(&place)) {
            Some(Claim::Invoked)
        } else {
            None
        }
    });
    let core = minimize(model, &narrowed, None, memory);
    Core {
        shown: core.shown.into_iter().map(|place| origins[place]).collect(),
        last: origins[core.last],
        minimal: core.minimal,
        since: core.since,
    }
}

/// Looks for an earlier contradiction than one that is known: the earliest says most of how things
/// went wrong. Those that tell of the same prefix are equally good.
fn earliest<M: Model>(
    model: &M,
    partition: &Partition<'_, M>,
    known: Vec<usize>,
    memory: usize,
) -> Vec<usize> {
    let end = |places: &[usize]| places.iter().filter_map(|place| partition.returned(*place)).max();
    let mut completions: Vec<u64> =
        (0..partition.operations.len()).filter_map(|place| partition.returned(place)).collect();
    completions.sort_unstable();
    let mut at = completions.partition_point(|index| Some(*index) < end(&known));
    let mut earliest = known;
    let (mut none_up_to, mut left) = (0, STEPS_FOR_THE_EARLIEST);
    // Every prefix of a history that has a legal order has one, so the prefixes can be halved.
    while none_up_to < at && left > 0 {
        let middle = (none_up_to + at) / 2;
        let last = completions[middle];
        let (prefix, origins) = partition.weakened(model, |place| {
            if partition.returned(place).is_some_and(|index| index <= last) {
                Some(Claim::AsRecorded)
            } else if partition.operation(place).invoked() <= last {
                Some(Claim::Invoked)
            } else {
                None
            }
        });
        let decision = decide(model, &prefix, Limits { steps: STEPS_PER_QUESTION, memory });
        left = left.saturating_sub(decision.steps.max(origins.len() as u64));
        match (decision.outcome, decision.evidence) {
            (Outcome::Invalid, Evidence::Contradiction(places)) => {
                earliest = places.into_iter().map(|place| origins[place]).collect();
                at = middle;
            }
            (Outcome::Valid, _) => none_up_to = middle + 1,
            _ => break,
        }
    }
    earliest
}

/// Takes the shortest prefix that has no legal order, which ends with the completion of `last` if
/// that is known, then as few of its operations as possible, dropped in ever smaller chunks (Zeller
/// & Hildebrandt, "Simplifying and isolating failure-inducing input", IEEE TSE 28(2), 2002).
///
/// Believing less never makes a contradiction, so an operation that was found to be needed once
/// stays needed, and one pass with chunks of one makes the result minimal.
fn minimize<M: Model>(
    model: &M,
    partition: &Partition<'_, M>,
    last: Option<usize>,
    memory: usize,
) -> Core {
    let mut questions =
        Questions { model, partition, memory, left: STEPS_IN_ALL, all_answered: true };
    let known = last.and_then(|place| Some((partition.returned(place)?, place)));
    let (end, last) = known.unwrap_or_else(|| questions.shortest_prefix());
    let completed = |place: usize| partition.returned(place).is_some_and(|at| at <= end);
    let believed: BTreeSet<usize> =
        (0..partition.operations.len()).filter(|place| completed(*place)).collect();

    let is_read = |place: usize| partition.is_observer(model, place);
    // Without the last completion there is an order: it stays.
    let believed = fewest(believed, last, is_read, |fewer| questions.is_contradiction(fewer, end));

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
    Core { shown, last, minimal: questions.all_answered, since: None }
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

/// Asks whether weaker histories are still contradictions.
struct Questions<'a, M: Model> {
    model: &'a M,
    partition: &'a Partition<'a, M>,
    memory: usize,
    /// Steps left for all questions.
    left: u64,
    all_answered: bool,
}

impl<M: Model> Questions<'_, M> {
    /// The first completion up to which the history is a contradiction: its index and operation.
    fn shortest_prefix(&mut self) -> (u64, usize) {
        let mut completions: Vec<(u64, usize)> = (0..self.partition.operations.len())
            .filter_map(|place| Some((self.partition.returned(place)?, place)))
            .collect();
        completions.sort_unstable();
        // Every prefix of a history that has a legal order has one, so the prefixes can be halved.
        // The whole history is known to be a contradiction.
        let (mut none_up_to, mut at) = (0, completions.len() - 1);
        while none_up_to < at {
            let middle = (none_up_to + at) / 2;
            let end = completions[middle].0;
            let believed = completions[..=middle].iter().map(|(_, place)| *place).collect();
            if self.is_contradiction(&believed, end) {
                at = middle;
            } else {
                none_up_to = middle + 1;
            }
        }
        completions[at]
    }

    /// Whether these operations contradict each other, whatever became of the others that were
    /// invoked up to index `end`.
    fn is_contradiction(&mut self, believed: &BTreeSet<usize>, end: u64) -> bool {
        let (weakened, _) = self.partition.weakened(self.model, |place| {
            if believed.contains(&place) {
                Some(Claim::AsRecorded)
            } else if self.partition.operation(place).invoked() <= end {
                Some(Claim::Invoked)
            } else {
                None
            }
        });
        let limits = Limits { steps: STEPS_PER_QUESTION.min(self.left), memory: self.memory };
        let decision = decide(self.model, &weakened, limits);
        let made = self.partition.operations.len() as u64 * STEPS_TO_MAKE_A_QUESTION;
        self.left = self.left.saturating_sub(decision.steps + made);
        match decision.outcome {
            Outcome::Invalid => true,
            Outcome::Valid => false,
            Outcome::OutOfSteps | Outcome::OutOfMemory => {
                self.all_answered = false;
                false
            }
        }
    }
}

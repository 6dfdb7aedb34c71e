//! From a history to an analysis.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::counterexample;
use crate::decide::{Decision, Evidence, decide, search};
use crate::history::{EventType, HistoryError, Operations, OwnedDatum};
use crate::lattice::Verdict;
use crate::model::{self, AnyModel, Recorded};
use crate::options::Options;
use crate::oracle::of_history::{self, Records};
use crate::parallel;
use crate::partition::{Partition, Source, SplitError, split};
use crate::search::{Limits, Outcome};
use crate::verdict::Analysis;

/// The progress of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Keys that are decided, or given up for want of budget.
    pub done: usize,
    /// All keys.
    pub total: usize,
}

/// Judges a history.
///
/// # Errors
/// When the history is not well formed, does not fit the model, or no model can be told from it.
pub fn check(operations: &Operations, options: &Options) -> Result<Analysis, HistoryError> {
    check_with_progress(operations, options, &|_| {})
}

/// Judges a history, and tells `progress` of every key from whichever thread judged it.
///
/// # Errors
/// As [`check`].
pub fn check_with_progress(
    operations: &Operations,
    options: &Options,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Analysis, HistoryError> {
    check_with_records(operations, options, &Records::default(), progress)
}

/// Judges a history, and holds what the nodes applied against it.
///
/// # Errors
/// As [`check`].
pub fn check_with_records(
    operations: &Operations,
    options: &Options,
    records: &Records<'_>,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Analysis, HistoryError> {
    let model = match &options.model {
        Some(name) => model::find(name).ok_or_else(|| HistoryError::UnknownModel(name.clone()))?,
        None => model::choose(operations)?.model,
    };
    let analysis = check_values(model, operations, options, progress)?;
    Ok(of_history::complete(analysis, model, operations, options, records))
}

/// Judges the values of a history by any model, one of the caller's own too. `options.model` is not
/// looked at, nor are versions, tokens and elements.
///
/// # Errors
/// When the history is not well formed or does not fit the model.
pub fn check_with_model<M: Recorded>(
    model: &M,
    operations: &Operations,
    options: &Options,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Analysis, HistoryError> {
    check_values(AnyModel::of(model), operations, options, progress)
}

fn check_values(
    model: AnyModel<'_>,
    operations: &Operations,
    options: &Options,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Analysis, HistoryError> {
    let name = model.description().name;
    let initial = OwnedDatum::from(&options.initial);
    let source =
        Source { history: operations, conventions: options.conventions, initial: initial.borrow() };
    let partitions = split(model, source, options.threads).map_err(|error| match error {
        SplitError::Operation(place, reason) => {
            let event = operations.get(place).line();
            HistoryError::Unfit { event, model: name, reason: reason.to_string() }
        }
        SplitError::Initial(reason) => {
            HistoryError::Initial { model: name, reason: reason.to_string() }
        }
    })?;

    let judged = judge(&partitions, options, progress);
    let mut analysis = Analysis {
        verdict: judged.verdict(),
        model: name.to_string(),
        algorithm: judged.algorithms(),
        operations: partitions.iter().map(|it| it.len() as u64).sum(),
        keys: partitions.len() as u64,
        steps: judged.steps,
        reason: None,
        counterexample: None,
        versions: None,
        audit: None,
        divergence: None,
        accounting: None,
    };
    match analysis.verdict {
        Verdict::Valid => {
            if let Some(nothing) = nothing_was_seen(operations) {
                analysis.verdict = Verdict::Unknown;
                analysis.reason = Some(nothing);
            }
        }
        Verdict::Unknown => analysis.reason = Some(judged.reason(&partitions)),
        Verdict::Invalid => {
            let mut invalid = judged.invalid;
            let objects: Vec<_> = invalid
                .iter()
                .map(|it| (&*partitions[it.partition].object, &it.evidence))
                .collect();
            let memory = options.budget.memory;
            let first = invalid.swap_remove(counterexample::first_seen(&objects, memory));
            analysis.algorithm = first.algorithm.to_string();
            let partition = &partitions[first.partition];
            analysis.counterexample = Some(counterexample::make(partition, first.evidence, memory));
        }
    }
    Ok(analysis)
}

/// The reason why a history cannot be wrong: no operation of it came back. None if one did, also if
/// all that it brought was a refusal.
fn nothing_was_seen(operations: &Operations) -> Option<String> {
    if operations.iter().any(|operation| operation.outcome() != EventType::Info) {
        return None;
    }
    Some(match operations.len() {
        0 => "nothing was tested: no client did anything".to_string(),
        1 => "nothing was tested: the only operation never came back".to_string(),
        some => format!("nothing was tested: none of the {some} operations came back"),
    })
}

/// The decisions of the partitions.
#[derive(Debug, Default)]
struct Judged {
    /// The partitions that have no legal order, of the first round that found any.
    invalid: Vec<Contradicted>,
    /// The number of partitions that each algorithm found to have one.
    decided_by: BTreeMap<&'static str, usize>,
    /// Partitions that spent the steps that fell to them.
    out_of_steps: Vec<usize>,
    /// Partitions that spent their memory.
    out_of_memory: Vec<usize>,
    /// Partitions whose model's own algorithm gave up for good: only the search goes on.
    left_to_search: BTreeSet<usize>,
    /// Steps taken.
    steps: u64,
}

/// A partition that has no legal order.
#[derive(Debug)]
struct Contradicted {
    partition: usize,
    /// The name of the algorithm that found it.
    algorithm: &'static str,
    /// The reason, as far as it is known.
    evidence: Evidence,
}

impl Judged {
    fn verdict(&self) -> Verdict {
        if !self.invalid.is_empty() {
            Verdict::Invalid
        } else if self.out_of_steps.is_empty() && self.out_of_memory.is_empty() {
            Verdict::Valid
        } else {
            Verdict::Unknown
        }
    }

    /// The algorithms that decided; of several, those that decided most partitions first.
    fn algorithms(&self) -> String {
        let mut algorithms: Vec<_> = self.decided_by.iter().collect();
        algorithms.sort_by_key(|(name, count)| (Reverse(**count), **name));
        match algorithms.as_slice() {
            [] => "none".to_string(),
            [(name, _)] => name.to_string(),
            several => several
                .iter()
                .map(|(name, count)| format!("{name} ({count})"))
                .collect::<Vec<_>>()
                .join(", "),
        }
    }

    /// Which budget ran out, and on which keys.
    fn reason(&self, partitions: &[Partition<'_>]) -> String {
        let keys = |undecided: &[usize]| match undecided {
            [only] => match partitions[*only].key {
                Some(key) => format!("key {key}"),
                None => "the history".to_string(),
            },
            [first, ..] => format!(
                "{} keys, {} among them",
                undecided.len(),
                partitions[*first].key.unwrap_or("one without a name")
            ),
            [] => String::new(),
        };
        let mut reasons = Vec::new();
        if !self.out_of_steps.is_empty() {
            reasons.push(format!(
                "after {} steps there was no decision on {}",
                self.steps,
                keys(&self.out_of_steps)
            ));
        }
        if !self.out_of_memory.is_empty() {
            reasons.push(format!("the memory did not suffice for {}", keys(&self.out_of_memory)));
        }
        reasons.join("; ")
    }
}

/// Steps that a key gets in the first round, and how many more for each of its operations. Nearly
/// every key is decided within them, and an invalid key that is easy is found before much is spent
/// on hard ones.
const FIRST_SHARE: u64 = 20_000;
const SHARE_OF_AN_OPERATION: u64 = 32;

/// The growth of the share from round to round, where the budget allows it. A search starts
/// from the beginning in each round; the rounds before the last cost a seventh of it.
const SHARE_GROWTH: u64 = 8;

/// Judges the partitions in rounds of growing shares, until all are decided, one is invalid or the
/// steps are spent.
fn judge(
    partitions: &[Partition<'_>],
    options: &Options,
    progress: &(dyn Fn(Progress) + Sync),
) -> Judged {
    let mut judged = Judged { out_of_steps: (0..partitions.len()).collect(), ..Judged::default() };
    let first_share =
        |partition: usize| FIRST_SHARE + SHARE_OF_AN_OPERATION * partitions[partition].len() as u64;
    // The only one gets all at once.
    let mut growth = if partitions.len() == 1 { u64::MAX } else { 1 };
    let mut is_first = true;
    while !judged.out_of_steps.is_empty() {
        let left = options.budget.steps.saturating_sub(judged.steps);
        let fair_share = left / judged.out_of_steps.len() as u64;
        // A share that is hardly larger than the one before decides nothing new.
        let worth_it = |partition: &usize| {
            let last = first_share(*partition).saturating_mul(growth / SHARE_GROWTH);
            is_first || fair_share >= last.saturating_mul(2)
        };
        if !judged.out_of_steps.iter().any(worth_it) {
            break;
        }
        is_first = false;
        let limits = |partition: usize| Limits {
            steps: first_share(partition).saturating_mul(growth).min(fair_share),
            memory: options.budget.memory,
        };
        let round = std::mem::take(&mut judged.out_of_steps);
        let already_done = partitions.len() - round.len();
        let report = |done| {
            progress(Progress { done: already_done + done, total: partitions.len() });
        };
        let decide = |partition: usize| {
            let object = &*partitions[partition].object;
            match judged.left_to_search.contains(&partition) {
                true => search(object, limits(partition)),
                false => decide(object, limits(partition)),
            }
        };
        let decisions = decide_all(&round, &decide, options.threads, &report);
        growth = growth.saturating_mul(SHARE_GROWTH);
        for (partition, decision) in round.into_iter().zip(decisions) {
            judged.steps += decision.steps;
            if decision.is_left_to_search {
                judged.left_to_search.insert(partition);
            }
            match decision.outcome {
                Outcome::Valid => *judged.decided_by.entry(decision.algorithm).or_default() += 1,
                Outcome::Invalid => {
                    let Decision { algorithm, evidence, .. } = decision;
                    judged.invalid.push(Contradicted { partition, algorithm, evidence });
                }
                Outcome::OutOfSteps => judged.out_of_steps.push(partition),
                Outcome::OutOfMemory => judged.out_of_memory.push(partition),
            }
        }
        if !judged.invalid.is_empty() {
            break;
        }
    }
    judged
}

/// Decides the partitions of a round on several threads: all of them, so that of several
/// contradictions the one that was seen first can be told.
fn decide_all(
    round: &[usize],
    decide: &(dyn Fn(usize) -> Decision + Sync),
    threads: NonZeroUsize,
    report: &(dyn Fn(usize) + Sync),
) -> Vec<Decision> {
    let done = AtomicUsize::new(0);
    parallel::map(round, threads, |&partition| {
        let decision = decide(partition);
        report(done.fetch_add(1, Ordering::Relaxed) + 1);
        decision
    })
}

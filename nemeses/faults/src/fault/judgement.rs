//! Judging whether what was seen proves a fault. Pure.
//!
//! Every judgement is one-sided: a delay is proven by no packet having been faster, a loss by a
//! counter that rose. What can be seen only over time is indeterminate when the fault begins and
//! judged again when it ends.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::effect::{Effect, Measurement};
use crate::grudge::Link;
use crate::host::{HostError, PerNode};
use crate::outcome::Outcome;

/// The result of an attempt.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Judgement {
    pub outcome: Outcome,
    pub effect: Effect,
    /// Set if the effect may still be seen over time, when it was not seen at once.
    pub open: bool,
    /// A note for readers.
    pub note: Option<String>,
}

impl Judgement {
    /// A judgement of what was seen at once or not at all.
    pub fn settled(outcome: Outcome, effect: Effect) -> Self {
        Self { outcome, effect, open: false, note: None }
    }

    /// A judgement of what may be seen later.
    pub fn open(outcome: Outcome, effect: Effect) -> Self {
        let open = matches!(outcome, Outcome::Indeterminate { .. });
        Self { outcome, effect, open, note: None }
    }

    /// A judgement of what was not attempted.
    pub fn skipped(reason: &str) -> Self {
        Self::settled(Outcome::Skipped { reason: reason.to_owned() }, Effect::new())
    }

    /// A judgement of what was done at every node and is known by that alone.
    pub fn of_nodes(results: &PerNode<Duration>, count: &str, time: &str) -> Self {
        Self::settled(outcome_of(results), slowest(count, time, results))
    }

    /// A judgement of what the service was asked for and has not answered yet.
    pub fn unanswered(effect: Effect) -> Self {
        Self::open(indeterminate("the service has not answered yet"), effect)
    }

    /// A judgement of what the service was asked for at every node, by the answers that have come.
    pub fn of_answers(answers: PerNode<Option<Duration>>, count: &str, time: &str) -> Self {
        let is_open = answers.values().any(|answer| *answer == Ok(None));
        let answers =
            answers.into_iter().filter_map(|(node, answer)| Some((node, answer.transpose()?)));
        let judgement = Self::of_nodes(&answers.collect(), count, time);
        if is_open { Self::unanswered(judgement.effect) } else { judgement }
    }

    /// The same by an answer that came late. It was asked for, so it is not as if it had been left
    /// out.
    pub fn told_late(self) -> Self {
        match self.outcome {
            Outcome::Skipped { reason } => Self { outcome: indeterminate(reason), ..self },
            _ => self,
        }
    }

    /// Returns true if it was not attempted.
    pub fn is_skipped(&self) -> bool {
        matches!(self.outcome, Outcome::Skipped { .. })
    }
}

impl From<HostError> for Judgement {
    fn from(error: HostError) -> Self {
        let outcome = match error {
            HostError::Unavailable(reason) => Outcome::Skipped { reason },
            HostError::Failed(reason) => Outcome::Indeterminate { reason },
        };
        Self::settled(outcome, Effect::new())
    }
}

pub(crate) fn indeterminate(reason: impl Into<String>) -> Outcome {
    Outcome::Indeterminate { reason: reason.into() }
}

/// Installed when it was seen at every node; skipped when this host cannot do it at any.
pub(crate) fn outcome_of<T>(results: &PerNode<T>) -> Outcome {
    let unavailable =
        |result: &Result<T, HostError>| matches!(result, Err(HostError::Unavailable(_)));
    let reason = failures(results).join("; ");
    if reason.is_empty() {
        Outcome::Installed
    } else if results.values().all(unavailable) {
        Outcome::Skipped { reason }
    } else {
        Outcome::Indeterminate { reason }
    }
}

/// The failures, one for each node.
pub(crate) fn failures<T>(results: &PerNode<T>) -> Vec<String> {
    let failed = results.iter().filter_map(|(node, result)| {
        let error = result.as_ref().err()?;
        Some(format!("{node}: {error}"))
    });
    failed.collect()
}

/// The number of nodes it was done to, and the time that the slowest took.
pub(crate) fn slowest(count: &str, time: &str, results: &PerNode<Duration>) -> Effect {
    let times: Vec<_> = results.values().filter_map(|result| result.as_ref().ok()).collect();
    let mut effect = Effect::new().counting(count, times.len() as u64);
    if let Some(slowest) = times.into_iter().max() {
        effect.set(time, milliseconds(*slowest));
    }
    effect
}

/// The nodes of a fault that did not run when it began.
pub(crate) fn already_down(nodes: &BTreeSet<String>, running: &BTreeSet<String>) -> Effect {
    let down: Vec<_> = nodes.difference(running).cloned().collect();
    if down.is_empty() {
        return Effect::new();
    }
    Effect::new().with("already_down", Measurement::Text(down.join(", ")))
}

/// To the microsecond.
pub(crate) fn milliseconds(time: Duration) -> Measurement {
    Measurement::Milliseconds(time.as_micros() as f64 / 1e3)
}

/// `n1 → n2, n2 → n1`
pub(crate) fn join(links: &BTreeSet<Link>) -> String {
    links.iter().map(Link::to_string).collect::<Vec<_>>().join(", ")
}

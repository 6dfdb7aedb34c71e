//! Is this still a contradiction?

use std::collections::BTreeSet;

use crate::decide::decide;
use crate::model::{Calls, Model};
use crate::partition::{Claim, Partition};
use crate::search::{Limits, Outcome};

/// Steps for one question. A question that is not answered within them counts as answered no, so
/// that what remains is certain.
const STEPS_PER_QUESTION: u64 = 200_000;

/// Steps for all questions about one counterexample: a second or two. A counterexample that is not
/// quite minimal is better than one that comes too late.
const STEPS_IN_ALL: u64 = 6_000_000;

/// From more states than this, no legal order is looked for.
const MOST_BEGINNINGS: usize = 64;

/// What the questions about one counterexample may cost.
#[derive(Debug)]
pub(super) struct Effort {
    steps_left: u64,
    memory: usize,
    /// Whether every question so far was answered.
    pub(super) all_answered: bool,
}

impl Effort {
    pub(super) fn new(memory: usize) -> Effort {
        Effort { steps_left: STEPS_IN_ALL, memory, all_answered: true }
    }

    /// Asks a question about so many operations, which is answered with an outcome and what it
    /// cost. None if it could not be answered.
    pub(super) fn ask(
        &mut self,
        operations: usize,
        question: impl FnOnce(Limits) -> (Outcome, u64),
    ) -> Option<Outcome> {
        self.steps_left = self.steps_left.saturating_sub(operations as u64);
        let steps = STEPS_PER_QUESTION.min(self.steps_left);
        let (outcome, cost) = match steps {
            0 => (Outcome::OutOfSteps, 0),
            _ => question(Limits { steps, memory: self.memory }),
        };
        self.steps_left = self.steps_left.saturating_sub(cost);
        let answer = Some(outcome).filter(|it| matches!(it, Outcome::Valid | Outcome::Invalid));
        self.all_answered &= answer.is_some();
        answer
    }
}

/// Asks whether weaker histories are still contradictions.
pub(super) struct Questions<'a, M: Model> {
    pub(super) model: &'a M,
    pub(super) partition: &'a Partition<'a, M>,
    /// If what was there before does not matter: when the partition begins.
    pub(super) since: Option<u64>,
    pub(super) effort: &'a mut Effort,
}

impl<M: Model> Questions<'_, M> {
    /// Whether these operations contradict each other, whatever became of the others that were
    /// invoked up to index `end`.
    pub(super) fn is_contradiction(&mut self, believed: &BTreeSet<usize>, end: u64) -> bool {
        let (mut weakened, _) = self.partition.weakened(self.model, |place| {
            if believed.contains(&place) {
                Some(Claim::AsRecorded)
            } else if self.partition.operation(place).invoked() <= end {
                Some(Claim::Invoked)
            } else {
                None
            }
        });
        let beginnings = match self.since {
            None => Some(vec![weakened.initial.clone()]),
            Some(_) => self.model.beginnings(&Calls::of(&weakened)),
        };
        let Some(beginnings) = beginnings.filter(|states| states.len() <= MOST_BEGINNINGS) else {
            self.effort.all_answered = false;
            return false;
        };
        beginnings.into_iter().all(|state| {
            weakened.initial = state;
            let answer = self.effort.ask(self.partition.operations.len(), |limits| {
                let decision = decide(self.model, &weakened, limits);
                (decision.outcome, decision.steps)
            });
            answer == Some(Outcome::Invalid)
        })
    }
}

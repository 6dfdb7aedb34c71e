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
        if self.effort.steps_left == 0 {
            self.effort.all_answered = false;
            return false;
        }
        let (mut weakened, _) = self.partition.weakened(self.model, |place| {
            if believed.contains(&place) {
                Some(Claim::AsRecorded)
            } else if self.partition.operation(place).invoked() <= end {
                Some(Claim::Invoked)
            } else {
                None
            }
        });
        self.pay(self.partition.operations.len() as u64);
        let beginnings = match self.since {
            None => Some(vec![weakened.initial.clone()]),
            Some(_) => self.model.beginnings(&Calls::of(&weakened)),
        };
        let Some(beginnings) = beginnings.filter(|states| states.len() <= MOST_BEGINNINGS) else {
            self.effort.all_answered = false;
            return false;
        };
        for state in beginnings {
            weakened.initial = state;
            let steps = STEPS_PER_QUESTION.min(self.effort.steps_left);
            let decision =
                decide(self.model, &weakened, Limits { steps, memory: self.effort.memory });
            self.pay(decision.steps);
            match decision.outcome {
                Outcome::Invalid => {}
                Outcome::Valid => return false,
                Outcome::OutOfSteps | Outcome::OutOfMemory => {
                    self.effort.all_answered = false;
                    return false;
                }
            }
        }
        true
    }

    fn pay(&mut self, steps: u64) {
        self.effort.steps_left = self.effort.steps_left.saturating_sub(steps);
    }
}

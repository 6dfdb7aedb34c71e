//! Questions whether weaker histories are still contradictions.

use std::collections::BTreeSet;

use crate::decide::decide;
use crate::object::{Kept, Object};
use crate::search::{Limits, Outcome};

/// Steps for one question. A question that is not answered within them counts as answered no, so
/// that what remains is certain.
const STEPS_PER_QUESTION: u64 = 200_000;

/// Steps for all questions about one counterexample: a second or two. A counterexample that is not
/// quite minimal is better than one that comes too late.
const STEPS_IN_ALL: u64 = 6_000_000;

/// From more states than this, no legal order is looked for.
const MOST_BEGINNINGS: usize = 64;

/// The limits of the questions about one counterexample.
#[derive(Debug)]
pub(super) struct Effort {
    steps_left: u64,
    memory: usize,
    /// True if every question so far was answered.
    pub(super) all_answered: bool,
}

impl Effort {
    pub(super) fn new(memory: usize) -> Effort {
        Effort { steps_left: STEPS_IN_ALL, memory, all_answered: true }
    }

    /// Returns whether no more questions are answered.
    pub(super) fn is_spent(&self) -> bool {
        self.steps_left == 0
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
pub(super) struct Questions<'a> {
    pub(super) object: &'a dyn Object,
    /// If what was there before does not matter: when the history begins.
    pub(super) since: Option<u64>,
    pub(super) effort: &'a mut Effort,
}

impl Questions<'_> {
    /// Returns whether these operations contradict each other, no matter what became of the others
    /// that were invoked up to index `end`.
    pub(super) fn is_contradiction(&mut self, believed: &BTreeSet<usize>, end: u64) -> bool {
        // To make the weaker history would take longer than all questions before.
        if self.effort.is_spent() {
            self.effort.all_answered = false;
            return false;
        }
        let intervals = self.object.intervals();
        let (weakened, _) = self.object.weakened(&|place| {
            if believed.contains(&place) {
                Some(Kept::AsRecorded)
            } else if intervals[place].invoked <= end {
                Some(Kept::Invoked)
            } else {
                None
            }
        });
        let mut is_contradiction = |object: &dyn Object| {
            let answer = self.effort.ask(intervals.len(), |limits| {
                let decision = decide(object, limits);
                (decision.outcome, decision.steps)
            });
            answer == Some(Outcome::Invalid)
        };
        match self.since {
            None => is_contradiction(&*weakened),
            Some(_) => match weakened.starts(MOST_BEGINNINGS) {
                Some(objects) => objects.iter().all(|object| is_contradiction(&**object)),
                None => {
                    self.effort.all_answered = false;
                    false
                }
            },
        }
    }
}

//! The operations of one key, judged by the offline checker again and again as they become more.

use std::num::NonZeroUsize;

use crate::decide::decide;
use crate::history::{Datum, Event, EventType, Operations, Pairing};
use crate::model::{AnyModel, Conventions};
use crate::partition::{Source, SplitError, split};
use crate::search::{Limits, Outcome};

/// The limits of one judgement where a search is needed: some ten milliseconds.
const LIMITS: Limits = Limits { steps: 100_000, memory: 64 << 20 };

/// So many completions are worth a judgement of a short log.
const FEW: usize = 16;

/// A log is worth a judgement when one in so many of its operations is new. It bounds the work: all
/// judgements of a log together look at each operation about so many times.
const SHARE: usize = 32;

/// If that takes many steps, each new completion pays for so many of them: a tenth of a
/// millisecond.
const STEPS: u64 = 1_000;

/// The terms on which a history is judged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms<'a> {
    pub(super) model: AnyModel<'a>,
    pub(super) conventions: Conventions,
    pub(super) initial: Datum<'a>,
}

/// The result of an event or a judgement of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing is wrong that would be known.
    GoOn,
    /// There is no legal order since the event with this index.
    Illegal(u64),
    /// Nothing will be known of this key any more.
    GiveUp,
}

/// Every operation on one key.
#[derive(Debug, Default)]
pub(super) struct Log {
    pairing: Pairing,
    /// The completions, by index, that came after the last judgement. No other event can make a
    /// legal history illegal.
    unjudged: Vec<u64>,
    /// The steps of the last judgement; the next one will hardly take less.
    steps: u64,
}

impl Log {
    /// Takes the next event, and judges all events so far if there is enough new. A log of more
    /// than `capacity` operations is judged for the last time.
    pub(super) fn take(&mut self, event: &Event, capacity: usize, terms: Terms<'_>) -> Step {
        if self.pairing.push_event(event, self.operations().len()).is_err() {
            return Step::GiveUp;
        }
        if matches!(event.kind, EventType::Ok | EventType::Fail) {
            self.unjudged.push(event.index);
        }
        if self.operations().len() > capacity {
            return match self.judge(terms) {
                Step::Illegal(index) => Step::Illegal(index),
                Step::GoOn | Step::GiveUp => Step::GiveUp,
            };
        }
        if self.is_due() { self.judge(terms) } else { Step::GoOn }
    }

    /// The operations paired so far.
    fn operations(&self) -> &Operations {
        self.pairing.operations()
    }

    /// The first event of which it is not known whether it made the history illegal.
    pub(super) fn first_unjudged(&self) -> Option<u64> {
        self.unjudged.first().copied()
    }

    /// Returns whether there is enough new for a judgement.
    fn is_due(&self) -> bool {
        self.unjudged.len() >= FEW && self.is_worth_it()
    }

    /// Returns whether a judgement of the little that is new does not cost too much.
    pub(super) fn is_worth_it(&self) -> bool {
        let new = self.unjudged.len();
        new * SHARE >= self.operations().len() && new as u64 * STEPS >= self.steps
    }

    /// Judges all events so far.
    pub(super) fn judge(&mut self, terms: Terms<'_>) -> Step {
        if self.unjudged.is_empty() {
            return Step::GoOn;
        }
        let Ok((outcome, steps)) = outcome(self.operations(), terms) else {
            return Step::GiveUp;
        };
        self.steps = steps;
        match outcome {
            Outcome::Valid => {
                self.unjudged.clear();
                Step::GoOn
            }
            Outcome::Invalid => Step::Illegal(self.first_illegal(terms)),
            Outcome::OutOfSteps | Outcome::OutOfMemory => Step::GoOn,
        }
    }

    /// The first event that made the history illegal, by bisection: what is illegal stays so.
    fn first_illegal(&self, terms: Terms<'_>) -> u64 {
        // The last of all is known to be one that has made it illegal.
        let (mut from, mut to) = (0, self.unjudged.len() - 1);
        while from < to {
            let middle = from.midpoint(to);
            let prefix = self.operations().until(self.unjudged[middle]);
            match outcome(&prefix, terms) {
                Ok((Outcome::Invalid, _)) => to = middle,
                _ => from = middle + 1,
            }
        }
        self.unjudged[to]
    }
}

/// Judges operations as the offline checker does; also tells how many steps that took.
fn outcome(operations: &Operations, terms: Terms<'_>) -> Result<(Outcome, u64), SplitError> {
    let Terms { model, conventions, initial } = terms;
    let source = Source { history: operations, conventions, initial };
    let (mut worst, mut steps) = (Outcome::Valid, 0);
    for partition in split(model, source, NonZeroUsize::MIN)? {
        let decision = decide(&*partition.object, LIMITS);
        steps += decision.steps;
        match decision.outcome {
            Outcome::Valid => {}
            Outcome::Invalid => return Ok((Outcome::Invalid, steps)),
            undecided => worst = undecided,
        }
    }
    Ok((worst, steps))
}

//! The operations of one key, judged by the offline checker again and again as they become more.

use std::num::NonZeroUsize;

use crate::decide::decide;
use crate::history::{Datum, Event, EventType, HistoryError, Operations, Pairing};
use crate::model::{Conventions, Model};
use crate::partition::{Source, SplitError, split};
use crate::search::{Limits, Outcome};

/// What one judgement may spend where a search is needed: some ten milliseconds.
const LIMITS: Limits = Limits { steps: 100_000, memory: 64 << 20 };

/// So many completions are worth a judgement of a short log.
const FEW: usize = 16;

/// A log is worth a judgement when one in so many of its operations is new. It bounds the work: all
/// judgements of a log together look at each operation about so many times.
const SHARE: usize = 32;

/// Where that takes many steps, each new completion pays for so many of them: a tenth of a
/// millisecond.
const STEPS: u64 = 1_000;

/// What a history is judged by, besides the model.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms<'a> {
    pub(super) conventions: Conventions,
    pub(super) initial: Datum<'a>,
}

/// What came of a judgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judgement {
    /// All events so far have a legal order.
    Legal,
    /// They have none since the event with this index.
    Illegal(u64),
    /// The limits did not suffice.
    Undecided,
    /// The operations do not fit the model.
    Unfit,
}

/// Every operation on one key.
#[derive(Debug, Default)]
pub(super) struct Log {
    pairing: Pairing,
    /// The completions, by index, that came after the last judgement. No other event can make a
    /// legal history illegal.
    unjudged: Vec<u64>,
    /// What the last judgement took; the next one will hardly take less.
    steps: u64,
}

impl Log {
    /// Takes the next event.
    ///
    /// # Errors
    /// When the events are no history.
    pub(super) fn push(&mut self, event: &Event) -> Result<(), HistoryError> {
        self.pairing.push_event(event, self.operations().len())?;
        if matches!(event.kind, EventType::Ok | EventType::Fail) {
            self.unjudged.push(event.index);
        }
        Ok(())
    }

    /// What was paired so far.
    pub(super) fn operations(&self) -> &Operations {
        self.pairing.operations()
    }

    /// The first event of which it is not known whether it made the history illegal.
    pub(super) fn first_unjudged(&self) -> Option<u64> {
        self.unjudged.first().copied()
    }

    /// Whether there is enough new for a judgement.
    pub(super) fn is_due(&self) -> bool {
        self.unjudged.len() >= FEW && self.is_worth_it()
    }

    /// Whether a judgement of the little that is new does not cost too much.
    pub(super) fn is_worth_it(&self) -> bool {
        let new = self.unjudged.len();
        new * SHARE >= self.operations().len() && new as u64 * STEPS >= self.steps
    }

    /// Judges all events so far.
    pub(super) fn judge<M: Model>(&mut self, model: &M, terms: Terms<'_>) -> Judgement {
        if self.unjudged.is_empty() {
            return Judgement::Legal;
        }
        let Ok((outcome, steps)) = outcome(model, self.operations(), terms) else {
            return Judgement::Unfit;
        };
        self.steps = steps;
        match outcome {
            Outcome::Valid => {
                self.unjudged.clear();
                Judgement::Legal
            }
            Outcome::Invalid => Judgement::Illegal(self.first_illegal(model, terms)),
            Outcome::OutOfSteps | Outcome::OutOfMemory => Judgement::Undecided,
        }
    }

    /// The first event that made the history illegal, by bisection: what is illegal stays so.
    fn first_illegal<M: Model>(&self, model: &M, terms: Terms<'_>) -> u64 {
        // The last of all is known to be one that has made it illegal.
        let (mut from, mut to) = (0, self.unjudged.len() - 1);
        while from < to {
            let middle = from.midpoint(to);
            let prefix = self.operations().until(self.unjudged[middle]);
            match outcome(model, &prefix, terms) {
                Ok((Outcome::Invalid, _)) => to = middle,
                _ => from = middle + 1,
            }
        }
        self.unjudged[to]
    }
}

/// Judges operations as the offline checker does; also tells how many steps that took.
fn outcome<M: Model>(
    model: &M,
    operations: &Operations,
    terms: Terms<'_>,
) -> Result<(Outcome, u64), SplitError> {
    let Terms { conventions, initial } = terms;
    let source = Source { history: operations, conventions, initial };
    let (mut worst, mut steps) = (Outcome::Valid, 0);
    for partition in split(model, source, NonZeroUsize::MIN)? {
        let decision = decide(model, &partition, LIMITS);
        steps += decision.steps;
        match decision.outcome {
            Outcome::Valid => {}
            Outcome::Invalid => return Ok((Outcome::Invalid, steps)),
            undecided => worst = undecided,
        }
    }
    Ok((worst, steps))
}

//! The operations of one key, judged by the offline checker again and again as they become more.

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
    /// After a judgement without decision: how many operations must be there for the next one.
    not_before: usize,
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
        let size = self.operations().len();
        self.unjudged.len() * SHARE >= size && size >= self.not_before
    }

    /// Judges all events so far.
    pub(super) fn judge<M: Model>(&mut self, model: &M, terms: Terms<'_>) -> Judgement {
        if self.unjudged.is_empty() {
            return Judgement::Legal;
        }
        match outcome(model, self.operations(), terms) {
            Ok(Outcome::Valid) => {
                self.unjudged.clear();
                self.not_before = 0;
                Judgement::Legal
            }
            Ok(Outcome::Invalid) => Judgement::Illegal(self.first_illegal(model, terms)),
            Ok(Outcome::OutOfSteps | Outcome::OutOfMemory) => {
                self.not_before = 2 * self.operations().len();
                Judgement::Undecided
            }
            Err(_) => Judgement::Unfit,
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
                Ok(Outcome::Invalid) => to = middle,
                _ => from = middle + 1,
            }
        }
        self.unjudged[to]
    }
}

/// Judges operations as the offline checker does.
fn outcome<M: Model>(
    model: &M,
    operations: &Operations,
    terms: Terms<'_>,
) -> Result<Outcome, SplitError> {
    let Terms { conventions, initial } = terms;
    let source = Source { history: operations, conventions, initial };
    let mut worst = Outcome::Valid;
    for partition in split(model, source)? {
        match decide(model, &partition, LIMITS).outcome {
            Outcome::Valid => {}
            Outcome::Invalid => return Ok(Outcome::Invalid),
            undecided => worst = undecided,
        }
    }
    Ok(worst)
}

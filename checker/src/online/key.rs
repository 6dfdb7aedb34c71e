//! One key of a history that is watched.

use crate::history::{Event, EventType, OperationRef, Operations};
use crate::model::{Call, Model, Values};
use crate::online::log::{Judgement, Log, Terms};
use crate::online::{Frontier, Standing};

/// How many configurations a key may have before its frontier gives up. Of a register with unique
/// values there are a handful; a thousand keep up with the operations.
const CONFIGURATIONS: usize = 1_000;

/// How a key is judged.
#[derive(Debug)]
pub(super) enum Key<M: Model> {
    /// All of its operations are kept.
    Logged(Log),
    /// They became too many; a frontier keeps what is open.
    Followed(Followed<M>),
}

/// What an event of a key came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing is wrong that would be known.
    GoOn,
    /// There is no legal order since the event with this index.
    Illegal(u64),
    /// Nothing will be known of this key any more.
    GiveUp,
}

impl From<Judgement> for Step {
    fn from(judgement: Judgement) -> Step {
        match judgement {
            Judgement::Legal | Judgement::Undecided => Step::GoOn,
            Judgement::Illegal(index) => Step::Illegal(index),
            Judgement::Unfit => Step::GiveUp,
        }
    }
}

impl<M: Model + Clone> Key<M> {
    pub(super) fn new() -> Key<M> {
        Key::Logged(Log::default())
    }

    /// Takes an event. `invocation` is the one that it completes. A log may become `capacity`
    /// operations long.
    pub(super) fn take(
        &mut self,
        event: &Event,
        invocation: Option<&Event>,
        capacity: usize,
        model: &M,
        terms: Terms<'_>,
    ) -> Step {
        match self {
            Key::Logged(log) => {
                if log.push(event).is_err() {
                    return Step::GiveUp;
                }
                if log.operations().len() > capacity {
                    return self.follow(model, terms);
                }
                if log.is_due() { log.judge(model, terms).into() } else { Step::GoOn }
            }
            Key::Followed(followed) => {
                let events = invocation.into_iter().chain([event]).cloned().collect();
                let operations = Operations::of(&crate::history::History { events });
                let operation = operations.as_ref().ok().and_then(|it| it.iter().next());
                let standing = operation.and_then(|operation| match invocation {
                    None => followed.invoke(model, terms, operation),
                    Some(_) => followed.complete(model, terms, operation),
                });
                match standing {
                    Some(Standing::Legal) => Step::GoOn,
                    Some(Standing::Illegal) => Step::Illegal(event.index),
                    Some(Standing::GaveUp) | None => Step::GiveUp,
                }
            }
        }
    }

    /// Judges what has not been judged yet; what is too little for its cost only if `at_any_cost`.
    pub(super) fn judge(&mut self, at_any_cost: bool, model: &M, terms: Terms<'_>) -> Step {
        match self {
            Key::Logged(log) if at_any_cost || log.is_worth_it() => log.judge(model, terms).into(),
            Key::Logged(_) | Key::Followed(_) => Step::GoOn,
        }
    }

    /// The first event of which it is not known whether it made the history illegal.
    pub(super) fn first_unjudged(&self) -> Option<u64> {
        match self {
            Key::Logged(log) => log.first_unjudged(),
            Key::Followed(_) => None,
        }
    }

    /// Goes on with a frontier.
    fn follow(&mut self, model: &M, terms: Terms<'_>) -> Step {
        let Key::Logged(log) = self else { return Step::GoOn };
        match log.judge(model, terms) {
            Judgement::Legal => {}
            // The frontier has no way to tell which event it was, and would hardly do better.
            Judgement::Undecided => return Step::GiveUp,
            judgement => return judgement.into(),
        }
        match Followed::of(log.operations(), model, terms) {
            Some(followed) => {
                *self = Key::Followed(followed);
                Step::GoOn
            }
            None => Step::GiveUp,
        }
    }
}

/// A frontier in terms of events.
#[derive(Debug)]
pub(super) struct Followed<M: Model> {
    frontier: Frontier<M>,
    values: Values,
}

impl<M: Model + Clone> Followed<M> {
    /// Follows operations that have a legal order; none if that takes too many configurations.
    fn of(operations: &Operations, model: &M, terms: Terms<'_>) -> Option<Followed<M>> {
        let mut values = Values::new();
        let initial = model.initial(terms.initial, &mut values).ok()?;
        let frontier = Frontier::new(model.clone(), initial, CONFIGURATIONS);
        let mut followed = Followed { frontier, values };
        let mut moments: Vec<(u64, OperationRef<'_>)> = Vec::new();
        for operation in operations.iter() {
            moments.push((operation.invoked(), operation));
            // What ended with unknown outcome counts as open, which comes to the same.
            moments.extend(operation.completed().map(|index| (index, operation)));
        }
        moments.sort_by_key(|(index, _)| *index);
        for (index, operation) in moments {
            let standing = if index == operation.invoked() {
                followed.invoke(model, terms, operation)
            } else {
                followed.complete(model, terms, operation)
            };
            if standing != Some(Standing::Legal) {
                return None;
            }
        }
        Some(followed)
    }

    /// Takes an invocation; none if it does not fit the model.
    fn invoke(
        &mut self,
        model: &M,
        terms: Terms<'_>,
        operation: OperationRef<'_>,
    ) -> Option<Standing> {
        match model.call(operation.as_unknown(), terms.conventions, &mut self.values).ok()? {
            Call::Unknown(input) => Some(self.frontier.invoke(operation.invoked(), input)),
            Call::Known(..) | Call::Silent => None,
        }
    }

    /// Takes a completion; none if it does not fit the model.
    fn complete(
        &mut self,
        model: &M,
        terms: Terms<'_>,
        operation: OperationRef<'_>,
    ) -> Option<Standing> {
        let id = operation.invoked();
        if operation.outcome() == EventType::Fail && !operation.was_refuted() {
            return Some(self.frontier.forget(id));
        }
        Some(match model.call(operation, terms.conventions, &mut self.values).ok()? {
            Call::Known(_, output) => self.frontier.complete(id, output),
            Call::Silent => self.frontier.forget(id),
            Call::Unknown(input) if model.is_observer(&input, None) => self.frontier.forget(id),
            Call::Unknown(_) => self.frontier.unknown(id),
        })
    }
}

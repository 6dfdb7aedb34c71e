//! A lock for each key whose acquisitions answer a fencing token: acquire, release.
//!
//! A client that writes under the lock sends the token along, and storage refuses a token smaller
//! than one it has seen. So a token must be greater than every one that was given out before
//! (Kleppmann, "How to do distributed locking", 2016; Burrows, "The Chubby lock service", OSDI
//! 2006, calls it a sequencer).

use crate::history::{Datum, OperationRef, Operations};
use crate::model::lock_interval::{Clash, LockInterval, Move, Owners, holders};
use crate::model::recorded::{all_answers, echoes};
use crate::model::{
    Call, Calls, Description, Direct, Hints, Misfit, Model, Mutex, Recorded, Solver, TimedCall,
    ValueId, Values,
};

pub use crate::model::mutex::Input;

/// A lock with fencing tokens for each key, which one owner at a time can hold. It is not
/// reentrant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FencedLock;

/// The holder of the lock, and the last token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct State {
    /// The owner; [`ValueId::ABSENT`] if it is free.
    pub holder: ValueId,
    /// The token that was given out last; the least number if there was none.
    pub token: i64,
}

/// An answer of a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Output {
    /// It was acquired, with this token.
    Acquired(i64),
    /// It was released.
    Released,
    /// Somebody held the lock that was to be acquired, or its releaser did not hold it.
    Refused,
}

static DESCRIPTION: Description = Description {
    name: "fenced-lock",
    aliases: &[],
    summary: "a lock with rising tokens a key: acquire, release",
    functions: &["acquire", "release"],
    read: None,
    collection: None,
};

/// The name in verdicts of the algorithm that needs no search.
const ALGORITHM: &str = "lock-intervals-by-token";

impl Model for FencedLock {
    type State = State;
    type Input = Input;
    type Output = Output;

    fn initial(&self) -> State {
        State { holder: ValueId::ABSENT, token: i64::MIN }
    }

    /// A token may be any that is greater than the last one. This gives out the least, which is
    /// also what is known of an acquisition without an answer.
    fn apply(&self, state: &State, input: &Input) -> (State, Output) {
        match *input {
            Input::Acquire(owner) if state.holder == ValueId::ABSENT => {
                let token = state.token.saturating_add(1);
                (State { holder: owner, token }, Output::Acquired(token))
            }
            Input::Release(owner) if state.holder == owner => {
                (State { holder: ValueId::ABSENT, ..*state }, Output::Released)
            }
            Input::Acquire(_) | Input::Release(_) => (*state, Output::Refused),
        }
    }

    fn step(&self, state: &State, input: &Input, output: Option<&Output>) -> Option<State> {
        let (after, answered) = self.apply(state, input);
        match (answered, output) {
            (Output::Acquired(least), Some(Output::Acquired(token))) => {
                (*token >= least).then_some(State { token: *token, ..after })
            }
            (_, None) => Some(after),
            (answered, Some(output)) => (answered == *output).then_some(after),
        }
    }

    fn hints(&self) -> &dyn Hints<FencedLock> {
        self
    }

    fn solver(&self) -> Option<&dyn Solver<FencedLock>> {
        Some(self)
    }
}

impl Recorded for FencedLock {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn decode_initial(&self, initial: Datum<'_>, values: &mut Values) -> Result<State, Misfit> {
        Ok(State { holder: values.id(initial), token: i64::MIN })
    }

    fn decode_input(
        &self,
        operation: OperationRef<'_>,
        values: &mut Values,
    ) -> Result<Input, Misfit> {
        Mutex.decode_input(operation, values)
    }

    fn decode_output(
        &self,
        operation: OperationRef<'_>,
        input: &Input,
        _values: &mut Values,
    ) -> Result<Output, Misfit> {
        let answer = operation.output();
        match (input, answer.as_integer()) {
            (Input::Acquire(_), Some(token)) => Ok(Output::Acquired(token)),
            (Input::Acquire(_), None) => {
                Err(Misfit::new(format!("acquire answers a whole number, not {answer}")))
            }
            (Input::Release(_), _) => Ok(Output::Released),
        }
    }

    fn refusal(&self, _input: &Input) -> Option<Output> {
        Some(Output::Refused)
    }

    fn fits_answers(&self, operations: &Operations) -> bool {
        all_answers(operations, "acquire", |it| it.output().as_integer().is_some())
            && !all_answers(operations, "acquire", echoes)
    }
}

impl Solver<FencedLock> for FencedLock {
    /// If owners are processes: the lock intervals (see
    /// `lock_interval.rs`) come one after the other in the order of their
    /// tokens. That respects time if none ends after the beginning of a later one.
    fn decide(&self, calls: &Calls<'_, Self>) -> Option<Direct> {
        if calls.initial().holder != ValueId::ABSENT {
            return None;
        }
        let mut moves = Vec::with_capacity(calls.len());
        for (place, timed) in calls.iter().enumerate() {
            let TimedCall { call, invoked, returned } = timed;
            let (input, _) = call.parts();
            let (owner, releases) = match *input {
                _ if matches!(call, Call::Known(_, Output::Refused)) => return None,
                Input::Acquire(owner) => (owner, false),
                Input::Release(owner) => (owner, true),
            };
            moves.push(Move { place, owner, releases, invoked, returned });
        }
        let clash = against_the_tokens(calls, &Owners::of(moves.into_iter())?);
        Some(Clash::decision(clash, ALGORITHM, calls.len()))
    }

    /// The less the last token, the more can come next.
    fn beginnings(&self, calls: &Calls<'_, Self>) -> Option<Vec<State>> {
        let owners = calls.values_that_differ(|input| match *input {
            Input::Acquire(owner) | Input::Release(owner) => owner,
        });
        let state = |holder| State { holder, token: i64::MIN };
        Some(holders(owners).into_iter().map(state).collect())
    }
}

impl Hints<FencedLock> for FencedLock {
    fn is_observer(&self, _input: &Input, output: Option<&Output>) -> bool {
        output == Some(&Output::Refused)
    }
}

/// Two owners that held the lock at one time, or not in the order of their tokens.
fn against_the_tokens(calls: &Calls<'_, FencedLock>, owners: &Owners) -> Option<Clash> {
    let lock_intervals = match owners.lock_intervals() {
        Ok(lock_intervals) => lock_intervals,
        Err(clash) => return Some(clash),
    };
    let mut by_token: Vec<(i64, LockInterval)> = lock_intervals
        .into_iter()
        .filter_map(|lock_interval| match calls.get(lock_interval.acquisition.place).call {
            Call::Known(_, Output::Acquired(token)) => Some((*token, lock_interval)),
            _ => None,
        })
        .collect();
    by_token
        .sort_unstable_by_key(|(token, lock_interval)| (*token, lock_interval.acquisition.place));
    let mut last: Option<(i64, LockInterval)> = None;
    for (token, next) in by_token {
        if let Some((last_token, last)) = last
            && (last_token == token || last.to > next.from)
        {
            return Some(owners.clash(&last, &next));
        }
        last = Some((token, next));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: ValueId = ValueId(1);
    const BOB: ValueId = ValueId(2);

    fn state(holder: ValueId, token: i64) -> State {
        State { holder, token }
    }

    #[test]
    fn a_token_is_greater_than_the_one_before() {
        let free = state(ValueId::ABSENT, 5);
        let acquire =
            |token| FencedLock.step(&free, &Input::Acquire(ANN), Some(&Output::Acquired(token)));
        assert_eq!(acquire(6), Some(state(ANN, 6)));
        assert_eq!(acquire(90), Some(state(ANN, 90)));
        assert_eq!(acquire(5), None);
        assert_eq!(acquire(4), None);
    }

    #[test]
    fn an_acquisition_without_an_answer_takes_up_a_token() {
        let free = state(ValueId::ABSENT, 5);
        let held = FencedLock.step(&free, &Input::Acquire(ANN), None).expect("it is free");
        let free = FencedLock
            .step(&held, &Input::Release(ANN), Some(&Output::Released))
            .expect("Ann holds it");
        let acquire =
            |token| FencedLock.step(&free, &Input::Acquire(BOB), Some(&Output::Acquired(token)));
        assert_eq!(acquire(6), None);
        assert_eq!(acquire(7), Some(state(BOB, 7)));
    }

    #[test]
    fn one_owner_holds_it_until_that_owner_releases_it() {
        let held = state(ANN, 5);
        let acquire = FencedLock.step(&held, &Input::Acquire(BOB), Some(&Output::Acquired(6)));
        assert_eq!(acquire, None);
        assert_eq!(FencedLock.step(&held, &Input::Release(BOB), Some(&Output::Released)), None);
        assert_eq!(FencedLock.apply(&held, &Input::Acquire(BOB)), (held, Output::Refused));
        assert_eq!(FencedLock.apply(&held, &Input::Release(BOB)), (held, Output::Refused));
    }
}

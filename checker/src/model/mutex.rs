//! A lock for each key: acquire, release.

use crate::history::{Datum, OperationRef, Operations};
use crate::model::lock_interval::{Clash, Move, Owners, holders};
use crate::model::recorded::{all_answers, echoes};
use crate::model::{
    Call, Calls, Description, Direct, Hints, Misfit, Model, Recorded, Solver, TimedCall,
    Transition, ValueId, Values,
};

/// A lock for each key, which one owner at a time can hold. It is not reentrant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mutex;

/// A request to a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Input {
    /// Be held by this owner, if it is free.
    Acquire(ValueId),
    /// Be free, if this owner holds it.
    Release(ValueId),
}

/// An answer of a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Output {
    /// It was done.
    Done,
    /// Somebody held the lock that was to be acquired, or its releaser did not hold it.
    Refused,
}

static DESCRIPTION: Description = Description {
    name: "mutex",
    aliases: &["lock"],
    summary: "a lock a key: acquire, release",
    functions: &["acquire", "release"],
    read: None,
    collection: None,
};

/// The name in verdicts of the algorithm that needs no search.
const ALGORITHM: &str = "lock-intervals";

impl Model for Mutex {
    /// The holder of the lock; [`ValueId::ABSENT`] if it is free.
    type State = ValueId;
    type Input = Input;
    type Output = Output;

    fn initial(&self) -> ValueId {
        ValueId::ABSENT
    }

    fn apply(&self, state: &ValueId, input: &Input) -> (ValueId, Output) {
        match input {
            Input::Acquire(owner) if *state == ValueId::ABSENT => (*owner, Output::Done),
            Input::Release(owner) if state == owner => (ValueId::ABSENT, Output::Done),
            Input::Acquire(_) | Input::Release(_) => (*state, Output::Refused),
        }
    }

    // Asked for each operation: the calls behind it are to be inlined.
    #[inline]
    fn hints(&self) -> &dyn Hints<Mutex> {
        self
    }

    fn solver(&self) -> Option<&dyn Solver<Mutex>> {
        Some(self)
    }
}

impl Recorded for Mutex {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn decode_initial(&self, initial: Datum<'_>, values: &mut Values) -> Result<ValueId, Misfit> {
        Ok(values.id(initial))
    }

    fn decode_input(
        &self,
        operation: OperationRef<'_>,
        values: &mut Values,
    ) -> Result<Input, Misfit> {
        let owner = owner(operation, values);
        match operation.f() {
            "acquire" => Ok(Input::Acquire(owner)),
            "release" => Ok(Input::Release(owner)),
            other => Err(DESCRIPTION.lacks(other)),
        }
    }

    fn decode_output(
        &self,
        _operation: OperationRef<'_>,
        _input: &Input,
        _values: &mut Values,
    ) -> Result<Output, Misfit> {
        Ok(Output::Done)
    }

    fn refusal(&self, _input: &Input) -> Option<Output> {
        Some(Output::Refused)
    }

    fn fits_answers(&self, operations: &Operations) -> bool {
        let has_no_token = |it: OperationRef<'_>| echoes(it) && it.output().as_integer().is_none();
        all_answers(operations, "acquire", has_no_token)
    }
}

impl Solver<Mutex> for Mutex {
    /// If owners are processes: an order is one of the lock intervals (see
    /// `lock_interval.rs`), one after the other. It respects time if none
    /// ends after the beginning of a later one, that is, if the spans in which the lock surely was
    /// held are disjoint; and then the order of these spans is one (zones as of Gibbons & Korach,
    /// "Testing shared memories", SIAM J. Comput. 26(4), 1997).
    fn decide(&self, calls: &Calls<'_, Self>) -> Option<Direct> {
        if *calls.initial() != ValueId::ABSENT {
            return None;
        }
        let mut moves = Vec::with_capacity(calls.len());
        for (place, timed) in calls.iter().enumerate() {
            let (Call::Known(input, Output::Done) | Call::Unknown(input)) = timed.call else {
                return None;
            };
            let (owner, releases) = match *input {
                Input::Acquire(owner) => (owner, false),
                Input::Release(owner) => (owner, true),
            };
            let TimedCall { invoked, returned, .. } = timed;
            moves.push(Move { place, owner, releases, invoked, returned });
        }
        let clash = two_holders(&Owners::of(moves.into_iter())?);
        Some(Clash::decision(clash, ALGORITHM, calls.len()))
    }

    fn beginnings(&self, calls: &Calls<'_, Self>) -> Option<Vec<ValueId>> {
        Some(holders(calls.values_that_differ(|input| match *input {
            Input::Acquire(owner) | Input::Release(owner) => owner,
        })))
    }
}

impl Hints<Mutex> for Mutex {
    #[inline]
    fn is_observer(&self, _input: &Input, output: Option<&Output>) -> bool {
        output == Some(&Output::Refused)
    }

    #[inline]
    fn transition(&self, input: &Input, output: Option<&Output>) -> Option<Transition> {
        if output == Some(&Output::Refused) {
            return None;
        }
        let (requires, leaves) = match *input {
            Input::Acquire(owner) => (ValueId::ABSENT, owner),
            Input::Release(owner) => (owner, ValueId::ABSENT),
        };
        Some(Transition { requires: Some(requires), leaves: Some(leaves) })
    }

    #[inline]
    fn excludes(&self, input: &Input, output: Option<&Output>) -> Option<ValueId> {
        let refused = output == Some(&Output::Refused);
        refused.then_some(match *input {
            Input::Acquire(_) => ValueId::ABSENT,
            Input::Release(owner) => owner,
        })
    }

    #[inline]
    fn value(&self, state: &ValueId) -> Option<ValueId> {
        Some(*state)
    }
}

/// The owner that an operation names; nil is the process itself.
fn owner(operation: OperationRef<'_>, values: &mut Values) -> ValueId {
    match operation.input() {
        Datum::Null => values.id(Datum::Integer(operation.process().cast_signed())),
        owner => values.id(owner),
    }
}

/// Two owners that held the lock at one time.
fn two_holders(owners: &Owners) -> Option<Clash> {
    let mut lock_intervals = match owners.lock_intervals() {
        Ok(lock_intervals) => lock_intervals,
        Err(clash) => return Some(clash),
    };
    lock_intervals.sort_unstable_by_key(|lock_interval| lock_interval.from);
    let both = lock_intervals.windows(2).find(|pair| pair[0].to > pair[1].from)?;
    Some(owners.clash(&both[0], &both[1]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FREE: ValueId = ValueId::ABSENT;
    const ANN: ValueId = ValueId(1);
    const BOB: ValueId = ValueId(2);

    #[test]
    fn one_owner_holds_it_until_that_owner_releases_it() {
        let after = |state, input| Mutex.step(&state, &input, Some(&Output::Done));
        assert_eq!(after(FREE, Input::Acquire(ANN)), Some(ANN));
        assert_eq!(after(ANN, Input::Acquire(BOB)), None);
        assert_eq!(after(ANN, Input::Acquire(ANN)), None);
        assert_eq!(after(ANN, Input::Release(BOB)), None);
        assert_eq!(after(ANN, Input::Release(ANN)), Some(FREE));
        assert_eq!(after(FREE, Input::Release(ANN)), None);
    }

    #[test]
    fn a_refusal_changes_nothing() {
        assert_eq!(Mutex.apply(&ANN, &Input::Acquire(BOB)), (ANN, Output::Refused));
        assert_eq!(Mutex.apply(&ANN, &Input::Release(BOB)), (ANN, Output::Refused));
        assert_eq!(Mutex.step(&FREE, &Input::Acquire(BOB), Some(&Output::Refused)), None);
    }
}

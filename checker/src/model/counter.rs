//! A counter for each key, to add to and read.

use crate::history::{Datum, EventType, OperationRef};
use crate::model::sums::{self, Addition, Read};
use crate::model::telling_sums;
use crate::model::{Call, Calls, Conventions, Description, Direct, Growth, Model, Timed, Values};

/// A counter of whole numbers for each key. A key that was never added to holds 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counter;

/// What a counter is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Input {
    /// Answer the sum.
    Read,
    /// Add this, which may be negative.
    Add(i64),
}

/// What a counter answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Output {
    /// The sum.
    Sum(i128),
    /// The addition was done.
    Added,
}

static DESCRIPTION: Description = Description {
    name: "counter",
    aliases: &[],
    summary: "a sum a key: add, read",
    functions: &["add", "read"],
};

impl Model for Counter {
    // Wide enough that no history of 64-bit additions can overflow it.
    type State = i128;
    type Input = Input;
    type Output = Output;

    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn call(
        &self,
        operation: OperationRef<'_>,
        conventions: Conventions,
        _values: &mut Values,
    ) -> Result<Call<Input, Output>, String> {
        if operation.outcome() == EventType::Fail {
            return Ok(Call::Silent);
        }
        let ok = operation.outcome() == EventType::Ok;
        let (input, output) = match operation.f() {
            "read" => {
                if conventions.silence(operation) {
                    return Ok(Call::Silent);
                }
                (Input::Read, Output::Sum(number("read answers", operation.output())?.into()))
            }
            "add" => (Input::Add(number("add takes", operation.input())?), Output::Added),
            other => return Err(DESCRIPTION.lacks(other)),
        };
        Ok(if ok { Call::Known(input, output) } else { Call::Unknown(input) })
    }

    fn initial(&self, initial: Datum<'_>, _values: &mut Values) -> Result<i128, String> {
        number("a counter holds", initial).map(i128::from)
    }

    fn apply(&self, state: &i128, input: &Input) -> (i128, Output) {
        match input {
            Input::Read => (*state, Output::Sum(*state)),
            Input::Add(amount) => (state + i128::from(*amount), Output::Added),
        }
    }

    fn is_observer(&self, input: &Input, _output: Option<&Output>) -> bool {
        matches!(input, Input::Read | Input::Add(0))
    }

    fn decide_directly(&self, calls: &Calls<'_, Counter>) -> Option<Direct> {
        let mut additions = Vec::new();
        let mut reads = Vec::new();
        for (place, Timed { call, invoked, returned }) in calls.iter().enumerate() {
            match *call {
                Call::Known(Input::Add(0), _) | Call::Unknown(Input::Add(0)) => {}
                Call::Known(Input::Add(amount), _) | Call::Unknown(Input::Add(amount)) => {
                    let amount = amount.into();
                    additions.push(Addition { place, invoked, returned, amount });
                }
                Call::Known(Input::Read, Output::Sum(sum)) => {
                    let returned = returned?;
                    reads.push(Read { place, invoked, returned, sum });
                }
                _ => {}
            }
        }
        let initial = *calls.initial();
        telling_sums::decide(initial, &additions, &reads).or_else(|| {
            let only_grows = additions.iter().all(|addition| addition.amount > 0);
            only_grows.then(|| sums::decide(initial, &additions, reads))?
        })
    }

    fn growth(&self, input: &Input) -> Option<Growth<i128>> {
        match input {
            Input::Add(amount) if *amount < 0 => None,
            Input::Read | Input::Add(_) => Some(Growth::Forward),
        }
    }

    fn outgrew(&self, state: &i128, _input: &Input, output: &Output) -> bool {
        matches!(output, Output::Sum(seen) if seen < state)
    }
}

/// A whole number; nil is 0, as a key that was never added to.
fn number(what: &str, value: Datum<'_>) -> Result<i64, String> {
    if value.is_null() {
        return Ok(0);
    }
    value.as_integer().ok_or_else(|| format!("{what} a whole number, not {value}"))
}

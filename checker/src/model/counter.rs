//! A counter for each key, to add to and read.

use std::collections::BTreeSet;

use crate::history::{Datum, OperationRef, Operations};
use crate::model::sums::{self, Addition, Read};
use crate::model::{
    Attempt, Call, Calls, Description, Direct, Growth, Hints, Misfit, Model, Recorded, Solver,
    TimedCall, Values,
};
use crate::model::{recorded, unique_subset_sums};

/// A counter of whole numbers for each key. A key that was never added to holds 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counter;

/// A request to a counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Input {
    /// Answer the sum.
    Read,
    /// Add this, which may be negative.
    Add(i64),
}

/// An answer of a counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Output {
    /// The sum.
    Sum(i128),
    /// The addition was done.
    Added,
}

/// Steps to look for a legal order level by level: at most so many, and of few operations fewer.
const MOST_STEPS: u64 = 200_000_000;
const FEWER_STEPS: u64 = 10_000_000;
const STEPS_AN_OPERATION: u64 = 10_000;

static DESCRIPTION: Description = Description {
    name: "counter",
    aliases: &[],
    summary: "a sum a key: add, read",
    functions: &["add", "read"],
    read: Some("read"),
    collection: None,
};

impl Model for Counter {
    // Wide enough that no history of 64-bit additions can overflow it.
    type State = i128;
    type Input = Input;
    type Output = Output;

    fn initial(&self) -> i128 {
        0
    }

    fn apply(&self, state: &i128, input: &Input) -> (i128, Output) {
        match input {
            Input::Read => (*state, Output::Sum(*state)),
            Input::Add(amount) => (state + i128::from(*amount), Output::Added),
        }
    }

    fn hints(&self) -> &dyn Hints<Counter> {
        self
    }

    fn solver(&self) -> Option<&dyn Solver<Counter>> {
        Some(self)
    }
}

impl Recorded for Counter {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn decode_initial(&self, initial: Datum<'_>, _values: &mut Values) -> Result<i128, Misfit> {
        number("a counter holds", initial).map(i128::from)
    }

    fn decode_input(
        &self,
        operation: OperationRef<'_>,
        _values: &mut Values,
    ) -> Result<Input, Misfit> {
        match operation.f() {
            "read" => Ok(Input::Read),
            "add" => number("add takes", operation.input()).map(Input::Add),
            other => Err(DESCRIPTION.lacks(other)),
        }
    }

    fn decode_output(
        &self,
        operation: OperationRef<'_>,
        input: &Input,
        _values: &mut Values,
    ) -> Result<Output, Misfit> {
        Ok(match input {
            Input::Read => Output::Sum(number("read answers", operation.output())?.into()),
            Input::Add(_) => Output::Added,
        })
    }

    fn fits_answers(&self, operations: &Operations) -> bool {
        // Where nothing was read, it is still a counter to which numbers are added again.
        let adds_again = || {
            let added: Option<Vec<i64>> =
                operations.iter().map(|it| it.input().as_integer()).collect();
            added.is_some_and(|added| added.len() > added.iter().collect::<BTreeSet<_>>().len())
        };
        let only_adds = operations.functions().all(|function| function == "add");
        recorded::all_reads(operations, |answer| answer.as_integer().is_some())
            || only_adds && adds_again()
    }
}

impl Solver<Counter> for Counter {
    fn decide(&self, calls: &Calls<'_, Counter>) -> Option<Direct> {
        match self.attempt(calls, MOST_STEPS) {
            Attempt::Decided(direct) => Some(direct),
            Attempt::GivenUp(_) | Attempt::LeftToSearch(_) | Attempt::OutOfSteps(_) => None,
        }
    }

    fn attempt(&self, calls: &Calls<'_, Counter>, most_steps: u64) -> Attempt {
        let mut additions = Vec::new();
        let mut reads = Vec::new();
        for (place, TimedCall { call, invoked, returned }) in calls.iter().enumerate() {
            match *call {
                Call::Known(Input::Add(0), _) | Call::Unknown(Input::Add(0)) => {}
                Call::Known(Input::Add(amount), _) | Call::Unknown(Input::Add(amount)) => {
                    let amount = amount.into();
                    additions.push(Addition { place, invoked, returned, amount });
                }
                Call::Known(Input::Read, Output::Sum(sum)) => {
                    let returned = returned.unwrap_or(u64::MAX);
                    reads.push(Read { place, invoked, returned, sum });
                }
                _ => {}
            }
        }
        let initial = *calls.initial();
        if let Some(direct) = unique_subset_sums::decide(initial, &additions, &reads) {
            return Attempt::Decided(direct);
        }
        let operations = (additions.len() + reads.len()) as u64;
        if additions.iter().any(|addition| addition.amount < 0) {
            return sums::out_of_reach(initial, &additions, &reads)
                .map_or(Attempt::GivenUp(operations), Attempt::Decided);
        }
        // A search is left with something for small histories of awkward amounts.
        let share = most_steps / 8 * 7;
        let most_steps = MOST_STEPS.min(FEWER_STEPS + STEPS_AN_OPERATION * operations);
        match sums::decide(initial, &additions, reads, most_steps.min(share)) {
            Ok(direct) => Attempt::Decided(direct),
            Err(spent) if share < most_steps => Attempt::LeftToSearch(spent),
            Err(spent) => Attempt::GivenUp(spent),
        }
    }
}

impl Hints<Counter> for Counter {
    fn is_observer(&self, input: &Input, _output: Option<&Output>) -> bool {
        matches!(input, Input::Read | Input::Add(0))
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
fn number(what: &str, value: Datum<'_>) -> Result<i64, Misfit> {
    if value.is_null() {
        return Ok(0);
    }
    let misfit = || Misfit::new(format!("{what} a whole number, not {value}"));
    value.as_integer().ok_or_else(misfit)
}

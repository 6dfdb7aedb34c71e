//! A counter for each key, to add to and read.

use serde_json::Value;

use crate::history::EventType;
use crate::model::{Call, Description, Model, NilReads, Values};
use crate::verdict::Operation;

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
    Sum(i64),
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
    type State = i64;
    type Input = Input;
    type Output = Output;

    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn call(
        &self,
        operation: &Operation,
        nil_reads: NilReads,
        _values: &mut Values,
    ) -> Result<Call<Input, Output>, String> {
        let ok = operation.outcome == EventType::Ok;
        let (input, output) = match operation.f.as_str() {
            "read" => {
                let says_nothing =
                    operation.output.is_null() && nil_reads == NilReads::Unknown || !ok;
                if says_nothing {
                    return Ok(Call::Silent);
                }
                (Input::Read, Output::Sum(number("read answers", &operation.output)?))
            }
            "add" => (Input::Add(number("add takes", &operation.input)?), Output::Added),
            other => return Err(DESCRIPTION.lacks(other)),
        };
        Ok(if ok { Call::Known(input, output) } else { Call::Unknown(input) })
    }

    fn initial(&self, initial: &Value, _values: &mut Values) -> Result<i64, String> {
        number("a counter holds", initial)
    }

    fn apply(&self, state: &i64, input: &Input) -> (i64, Output) {
        match input {
            Input::Read => (*state, Output::Sum(*state)),
            // Sums wrap so that every order of additions gives the same sum.
            Input::Add(amount) => (state.wrapping_add(*amount), Output::Added),
        }
    }

    fn is_observer(&self, input: &Input, _output: Option<&Output>) -> bool {
        matches!(input, Input::Read | Input::Add(0))
    }
}

/// A whole number; nil is 0, as a key that was never added to.
fn number(what: &str, value: &Value) -> Result<i64, String> {
    match value {
        Value::Null => Ok(0),
        other => other.as_i64().ok_or_else(|| format!("{what} a whole number, not {other}")),
    }
}

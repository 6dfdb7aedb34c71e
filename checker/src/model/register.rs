//! A register: one value a key, to read, write, compare-and-set and delete.

use crate::history::{Datum, EventType, OperationRef};
use crate::model::{Call, Calls, Conventions, Description, Model, Transition, ValueId, Values};

/// A register of one value, or none, for each key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Register;

/// What a register is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Input {
    /// Answer the value.
    Read,
    /// Make this the value; deleting writes [`ValueId::ABSENT`].
    Write(ValueId),
    /// If the value is `from`, make it `to`.
    CompareAndSet {
        /// The value that must be there.
        from: ValueId,
        /// The value that comes in its place.
        to: ValueId,
    },
}

/// What a register answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Output {
    /// The value that was read.
    Value(ValueId),
    /// The write was done.
    Written,
    /// Whether a compare-and-set found the value it expected.
    Swapped(bool),
}

static DESCRIPTION: Description = Description {
    name: "register",
    aliases: &["cas-register"],
    summary: "one value a key: read, write, cas, delete",
    functions: &["read", "write", "cas", "delete"],
};

impl Model for Register {
    type State = ValueId;
    type Input = Input;
    type Output = Output;

    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn call(
        &self,
        operation: OperationRef<'_>,
        conventions: Conventions,
        values: &mut Values,
    ) -> Result<Call<Input, Output>, String> {
        let (ok, failed) = match operation.outcome() {
            EventType::Fail if operation.f() != "cas" || !conventions.observe_failed_cas => {
                return Ok(Call::Silent);
            }
            outcome => (outcome != EventType::Info, outcome == EventType::Fail),
        };
        let (input, output) = match operation.f() {
            "read" => {
                if conventions.silence(operation) {
                    return Ok(Call::Silent);
                }
                (Input::Read, Output::Value(values.id(operation.output())))
            }
            "write" => (Input::Write(values.id(operation.input())), Output::Written),
            "delete" => (Input::Write(ValueId::ABSENT), Output::Written),
            "cas" => {
                let Some([from, to]) = operation.input().as_pair() else {
                    return Err(format!("cas takes [from, to], not {}", operation.input()));
                };
                let input = Input::CompareAndSet { from: values.id(from), to: values.id(to) };
                (input, Output::Swapped(!failed))
            }
            other => return Err(DESCRIPTION.lacks(other)),
        };
        Ok(if ok { Call::Known(input, output) } else { Call::Unknown(input) })
    }

    fn initial(&self, initial: Datum<'_>, values: &mut Values) -> Result<ValueId, String> {
        Ok(values.id(initial))
    }

    fn apply(&self, state: &ValueId, input: &Input) -> (ValueId, Output) {
        match *input {
            Input::Read => (*state, Output::Value(*state)),
            Input::Write(value) => (value, Output::Written),
            Input::CompareAndSet { from, to } if from == *state => (to, Output::Swapped(true)),
            Input::CompareAndSet { .. } => (*state, Output::Swapped(false)),
        }
    }

    fn is_observer(&self, input: &Input, output: Option<&Output>) -> bool {
        match input {
            Input::Read => true,
            Input::Write(_) => false,
            Input::CompareAndSet { from, to } => {
                from == to || output == Some(&Output::Swapped(false))
            }
        }
    }

    fn transition(&self, input: &Input, output: Option<&Output>) -> Option<Transition> {
        match (*input, output) {
            (Input::Read, Some(Output::Value(value))) => {
                Some(Transition { requires: Some(*value), leaves: None })
            }
            (Input::Write(value), _) => Some(Transition { requires: None, leaves: Some(value) }),
            (Input::CompareAndSet { from, to }, None | Some(Output::Swapped(true))) => {
                Some(Transition { requires: Some(from), leaves: (from != to).then_some(to) })
            }
            // A read without an answer and a cas that found another value are no transitions
            // from one value to one value.
            _ => None,
        }
    }

    fn excludes(&self, input: &Input, output: Option<&Output>) -> Option<ValueId> {
        match (*input, output) {
            (Input::CompareAndSet { from, .. }, Some(Output::Swapped(false))) => Some(from),
            _ => None,
        }
    }

    fn beginnings(&self, calls: &Calls<'_, Register>) -> Option<Vec<ValueId>> {
        Some(calls.values_that_differ(|input, output| match (*input, output) {
            (Input::Read, Some(Output::Value(value))) => [Some(*value), None],
            (Input::Read, _) => [None, None],
            (Input::Write(value), _) => [Some(value), None],
            (Input::CompareAndSet { from, to }, _) => [Some(from), Some(to)],
        }))
    }

    fn value(&self, state: &ValueId) -> Option<ValueId> {
        Some(*state)
    }
}

//! A register: one value a key, to read, write, compare-and-set and delete.

use crate::history::{Datum, OperationRef};
use crate::model::{Description, Hints, Misfit, Model, Recorded, Transition, ValueId, Values};

/// A register of one value, or none, for each key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Register;

/// A request to a register.
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

/// An answer of a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Output {
    /// The value that was read.
    Value(ValueId),
    /// The write was done.
    Written,
    /// True if a compare-and-set found the value it expected.
    Swapped(bool),
}

static DESCRIPTION: Description = Description {
    name: "register",
    aliases: &["cas-register"],
    summary: "one value a key: read, write, cas, delete",
    functions: &["read", "write", "cas", "delete"],
    read: Some("read"),
    collection: None,
};

impl Model for Register {
    type State = ValueId;
    type Input = Input;
    type Output = Output;

    fn initial(&self) -> ValueId {
        ValueId::ABSENT
    }

    fn apply(&self, state: &ValueId, input: &Input) -> (ValueId, Output) {
        match *input {
            Input::Read => (*state, Output::Value(*state)),
            Input::Write(value) => (value, Output::Written),
            Input::CompareAndSet { from, to } if from == *state => (to, Output::Swapped(true)),
            Input::CompareAndSet { .. } => (*state, Output::Swapped(false)),
        }
    }

    // Asked for each operation: the calls behind it are to be inlined.
    #[inline]
    fn hints(&self) -> &dyn Hints<Register> {
        self
    }
}

impl Recorded for Register {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn decode_initial(&self, initial: Datum<'_>, values: &mut Values) -> Result<ValueId, Misfit> {
        Ok(values.id(initial))
    }

    #[inline]
    fn decode_input(
        &self,
        operation: OperationRef<'_>,
        values: &mut Values,
    ) -> Result<Input, Misfit> {
        Ok(match operation.f() {
            "read" => Input::Read,
            "write" => Input::Write(values.id(operation.input())),
            "delete" => Input::Write(ValueId::ABSENT),
            "cas" => {
                let Some([from, to]) = swapped(operation.input()) else {
                    return Err(Misfit::new(format!(
                        "cas takes [from, to] or {{\"old\":…,\"new\":…}}, not {}",
                        operation.input()
                    )));
                };
                Input::CompareAndSet { from: values.id(from), to: values.id(to) }
            }
            other => return Err(DESCRIPTION.lacks(other)),
        })
    }

    #[inline]
    fn decode_output(
        &self,
        operation: OperationRef<'_>,
        input: &Input,
        values: &mut Values,
    ) -> Result<Output, Misfit> {
        Ok(match input {
            Input::Read => Output::Value(values.id(operation.output())),
            Input::Write(_) => Output::Written,
            Input::CompareAndSet { .. } => Output::Swapped(true),
        })
    }

    fn refusal(&self, input: &Input) -> Option<Output> {
        matches!(input, Input::CompareAndSet { .. }).then_some(Output::Swapped(false))
    }
}

/// The value that a cas expects and the one that it leaves; either may be nothing.
pub(crate) fn swapped(argument: Datum<'_>) -> Option<[Datum<'_>; 2]> {
    const NAMES: [[&str; 2]; 3] = [["old", "new"], ["from", "to"], ["expected", "new"]];
    let named = |names: &[&str; 2]| {
        let [from, to] = names.map(|name| argument.member(name));
        Some([from?, to?])
    };
    argument.as_pair().or_else(|| NAMES.iter().find_map(named))
}

impl Hints<Register> for Register {
    #[inline]
    fn is_observer(&self, input: &Input, output: Option<&Output>) -> bool {
        match input {
            Input::Read => true,
            Input::Write(_) => false,
            Input::CompareAndSet { from, to } => {
                from == to || output == Some(&Output::Swapped(false))
            }
        }
    }

    #[inline]
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

    #[inline]
    fn excludes(&self, input: &Input, output: Option<&Output>) -> Option<ValueId> {
        match (*input, output) {
            (Input::CompareAndSet { from, .. }, Some(Output::Swapped(false))) => Some(from),
            _ => None,
        }
    }

    #[inline]
    fn value(&self, state: &ValueId) -> Option<ValueId> {
        Some(*state)
    }
}

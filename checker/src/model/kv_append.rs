//! A string for each key, to get, put and append to.

use crate::history::{Datum, OperationRef};
use crate::model::growing::{self, Op, TimedOp};
use crate::model::{
    Call, Calls, Description, Direct, Growth, Hints, Misfit, Model, Recorded, Solver, TimedCall,
    Values,
};

/// A key-value map of strings that grow. A key that was never written holds the empty string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KvAppend;

/// A request to a string.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Input {
    /// Answer the string.
    Get,
    /// Become this string.
    Put(String),
    /// Grow by this string.
    Append(String),
}

/// An answer of a string.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Output {
    /// The string.
    Value(String),
    /// The put or append was done.
    Done,
}

static DESCRIPTION: Description = Description {
    name: "kv-append",
    aliases: &[],
    summary: "a string a key: get, put, append",
    functions: &["get", "put", "append"],
    read: Some("get"),
    collection: None,
};

impl Model for KvAppend {
    type State = String;
    type Input = Input;
    type Output = Output;

    fn initial(&self) -> String {
        String::new()
    }

    fn apply(&self, state: &String, input: &Input) -> (String, Output) {
        match input {
            Input::Get => (state.clone(), Output::Value(state.clone())),
            Input::Put(value) => (value.clone(), Output::Done),
            Input::Append(value) => (format!("{state}{value}"), Output::Done),
        }
    }

    fn hints(&self) -> &dyn Hints<KvAppend> {
        self
    }

    fn solver(&self) -> Option<&dyn Solver<KvAppend>> {
        Some(self)
    }
}

impl Recorded for KvAppend {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn decode_initial(&self, initial: Datum<'_>, _values: &mut Values) -> Result<String, Misfit> {
        text("a key holds", initial)
    }

    fn decode_input(
        &self,
        operation: OperationRef<'_>,
        _values: &mut Values,
    ) -> Result<Input, Misfit> {
        match operation.f() {
            "get" => Ok(Input::Get),
            "put" => text("put takes", operation.input()).map(Input::Put),
            "append" => text("append takes", operation.input()).map(Input::Append),
            other => Err(DESCRIPTION.lacks(other)),
        }
    }

    fn decode_output(
        &self,
        operation: OperationRef<'_>,
        input: &Input,
        _values: &mut Values,
    ) -> Result<Output, Misfit> {
        match input {
            Input::Get => text("get answers", operation.output()).map(Output::Value),
            Input::Put(_) | Input::Append(_) => Ok(Output::Done),
        }
    }
}

impl Solver<KvAppend> for KvAppend {
    fn decide(&self, calls: &Calls<'_, KvAppend>) -> Option<Direct> {
        if !calls.initial().is_empty() {
            return None;
        }
        let op_at = |place| {
            let timed = calls.get(place);
            let op = match timed.call {
                // To append nothing changes nothing and says nothing.
                Call::Known(Input::Append(piece), _) | Call::Unknown(Input::Append(piece)) => {
                    (!piece.is_empty()).then_some(Op::Append(piece))
                }
                Call::Known(Input::Put(piece), _) | Call::Unknown(Input::Put(piece)) => {
                    Some(Op::Anew(piece))
                }
                Call::Known(Input::Get, Output::Value(text)) => Some(Op::Read(text)),
                _ => None,
            };
            let TimedCall { invoked, returned, .. } = timed;
            op.map(|op| TimedOp { place, invoked, returned, op })
        };
        let ops: Vec<TimedOp<'_>> = (0..calls.len()).filter_map(op_at).collect();
        growing::decide(&ops)
    }
}

impl Hints<KvAppend> for KvAppend {
    fn is_observer(&self, input: &Input, _output: Option<&Output>) -> bool {
        match input {
            Input::Get => true,
            Input::Append(value) => value.is_empty(),
            Input::Put(_) => false,
        }
    }

    fn growth(&self, input: &Input) -> Option<Growth<String>> {
        match input {
            Input::Get | Input::Append(_) => Some(Growth::Forward),
            Input::Put(value) => Some(Growth::Anew(value.clone())),
        }
    }

    fn outgrew(&self, state: &String, _input: &Input, output: &Output) -> bool {
        match output {
            Output::Value(seen) => !seen.starts_with(state.as_str()),
            Output::Done => false,
        }
    }
}

/// A string; nil is the empty one, as a key that was never written.
fn text(what: &str, value: Datum<'_>) -> Result<String, Misfit> {
    if value.is_null() {
        return Ok(String::new());
    }
    let text = value.as_text().ok_or_else(|| format!("{what} a string, not {value}"))?;
    Ok(text.into_owned())
}

//! A list for each key, to append to and read.

use std::sync::Arc;

use crate::history::{Datum, OperationRef};
use crate::model::growing::{self, Op, TimedOp};
use crate::model::positions;
use crate::model::{
    Call, Calls, Collection, Description, Direct, ElementEffect, Growth, Hints, Misfit, Model,
    Recorded, Solver, Values,
};

/// A list that only grows, for each key. A key that was never appended to holds the empty list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AppendList;

/// The elements of a list as canonical JSON, a comma behind each. The text of one list begins with
/// that of another if and only if the list begins with the other: no element with its comma is the
/// beginning of another one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Elements(Arc<str>);

/// A request to a list.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Input {
    /// Answer the elements.
    Read,
    /// Put this one element at the end.
    Append(Elements),
}

/// An answer of a list.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Output {
    /// All elements.
    List(Elements),
    /// The append was done.
    Appended,
}

static DESCRIPTION: Description = Description {
    name: "append-list",
    aliases: &[],
    summary: "a list a key: append, read",
    functions: &["append", "read"],
    read: Some("read"),
    collection: Some(Collection::List),
};

impl Model for AppendList {
    type State = Elements;
    type Input = Input;
    type Output = Output;

    fn initial(&self) -> Elements {
        Elements::default()
    }

    fn apply(&self, state: &Elements, input: &Input) -> (Elements, Output) {
        match input {
            Input::Read => (state.clone(), Output::List(state.clone())),
            Input::Append(element) => (state.followed_by(element), Output::Appended),
        }
    }

    fn hints(&self) -> &dyn Hints<AppendList> {
        self
    }

    fn solver(&self) -> Option<&dyn Solver<AppendList>> {
        Some(self)
    }
}

impl Recorded for AppendList {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn decode_initial(&self, initial: Datum<'_>, _values: &mut Values) -> Result<Elements, Misfit> {
        Elements::of("a key holds", initial)
    }

    fn decode_input(
        &self,
        operation: OperationRef<'_>,
        _values: &mut Values,
    ) -> Result<Input, Misfit> {
        match operation.f() {
            "read" => Ok(Input::Read),
            "append" => Ok(Input::Append(Elements::one(operation.input()))),
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
            Input::Read => Elements::of("read answers", operation.output()).map(Output::List),
            Input::Append(_) => Ok(Output::Appended),
        }
    }

    fn element_effect<'a>(&self, operation: OperationRef<'a>) -> Option<ElementEffect<'a>> {
        match operation.f() {
            "append" => Some(ElementEffect::Insert(operation.input())),
            "read" => Some(ElementEffect::Observe),
            _ => None,
        }
    }
}

impl Solver<AppendList> for AppendList {
    fn decide(&self, calls: &Calls<'_, AppendList>) -> Option<Direct> {
        let op_at = |place| {
            let timed = calls.get(place);
            let op = match timed.call {
                Call::Known(Input::Append(element), _) | Call::Unknown(Input::Append(element)) => {
                    Op::Append(&element.0)
                }
                Call::Known(Input::Read, Output::List(elements)) => Op::Read(&elements.0),
                _ => return None,
            };
            Some(TimedOp { place, invoked: timed.invoked, returned: timed.returned, op })
        };
        let ops: Vec<TimedOp<'_>> = (0..calls.len()).filter_map(op_at).collect();
        let initial = &*calls.initial().0;
        let unique = if initial.is_empty() { growing::decide(&ops) } else { None };
        unique.or_else(|| Some(positions::decide(initial, &ops)))
    }
}

impl Hints<AppendList> for AppendList {
    fn is_observer(&self, input: &Input, _output: Option<&Output>) -> bool {
        matches!(input, Input::Read)
    }

    fn growth(&self, _input: &Input) -> Option<Growth<Elements>> {
        Some(Growth::Forward)
    }

    fn outgrew(&self, state: &Elements, _input: &Input, output: &Output) -> bool {
        matches!(output, Output::List(seen) if !seen.0.starts_with(&*state.0))
    }
}

impl Elements {
    fn one(element: Datum<'_>) -> Elements {
        Elements(format!("{element},").into())
    }

    /// The elements of a list; nil is the empty one, as a key that was never appended to.
    fn of(what: &str, list: Datum<'_>) -> Result<Elements, Misfit> {
        if list.is_null() {
            return Ok(Elements::default());
        }
        let inside = match list {
            Datum::Json(json) => json.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')),
            _ => None,
        };
        match inside {
            Some("") => Ok(Elements::default()),
            Some(inside) => Ok(Elements(format!("{inside},").into())),
            None => Err(Misfit::new(format!("{what} a list, not {list}"))),
        }
    }

    fn followed_by(&self, more: &Elements) -> Elements {
        Elements([&*self.0, &*more.0].concat().into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::history::OwnedDatum;

    fn elements(list: serde_json::Value) -> Elements {
        let list = OwnedDatum::from(&list);
        Elements::of("the test has", list.borrow()).expect("it is a list")
    }

    #[test]
    fn elements_come_one_behind_the_other() {
        let mut state = elements(json!(null));
        for element in [json!(1), json!([2, "a"]), json!(null)] {
            let element = Elements::one(OwnedDatum::from(&element).borrow());
            let (after, output) = AppendList.apply(&state, &Input::Append(element));
            assert_eq!(output, Output::Appended);
            state = after;
        }
        let (after, output) = AppendList.apply(&state, &Input::Read);
        assert_eq!(output, Output::List(elements(json!([1, [2, "a"], null]))));
        assert_eq!(after, state);
    }

    #[test]
    fn a_list_outgrows_what_is_not_before_it() {
        let outgrew = |state, seen| {
            AppendList.outgrew(&elements(state), &Input::Read, &Output::List(elements(seen)))
        };
        assert!(outgrew(json!([1]), json!([])));
        assert!(outgrew(json!([1]), json!([12])));
        assert!(outgrew(json!([1, 2]), json!([1, 3])));
        assert!(!outgrew(json!([1]), json!([1, 2])));
        assert!(!outgrew(json!([]), json!([1])));
    }

    #[test]
    fn only_lists_are_lists() {
        for wrong in [json!(1), json!("[1]"), json!({"a": 1}), json!(true)] {
            let datum = OwnedDatum::from(&wrong);
            assert!(Elements::of("read answers", datum.borrow()).is_err(), "{wrong}");
        }
    }
}

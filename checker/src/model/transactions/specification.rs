//! The specification of transactions.

use std::sync::Arc;

use crate::history::{Datum, OperationRef, StepKind, StepParts, transaction_step};
use crate::model::{Description, Hints, Misfit, Model, Recorded, Solver, ValueId, Values};

/// A group of registers and lists, changed by transactions. A key of a history is a group; one
/// without keys is a single group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Transactions;

/// The content of an object.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Content {
    /// A value that is no list; [`ValueId::ABSENT`] when there is none, or the empty list.
    Value(ValueId),
    /// A list that is not empty.
    List(Arc<[ValueId]>),
}

/// One step of a transaction. Objects go by the numbers of their names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Step {
    /// Answer what the object holds.
    Read(ValueId),
    /// Let the object hold this.
    Write(ValueId, Content),
    /// Put an element at the end of the list that the object holds. If it holds something else,
    /// the list begins anew.
    Append(ValueId, ValueId),
}

/// The objects that hold anything, in the order of their numbers.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct State(Vec<(ValueId, Content)>);

static DESCRIPTION: Description = Description {
    name: "txn",
    aliases: &["transactions"],
    summary: "objects a key, changed atomically: txn of r, w and append",
    functions: &["txn"],
    read: None,
    collection: None,
};

impl Model for Transactions {
    type State = State;
    type Input = Box<[Step]>;
    /// The content that each read saw.
    type Output = Box<[Content]>;

    fn initial(&self) -> State {
        State::default()
    }

    fn apply(&self, state: &State, input: &Box<[Step]>) -> (State, Box<[Content]>) {
        let mut after = state.clone();
        let mut answers = Vec::new();
        for step in input {
            match step {
                Step::Read(object) => answers.push(after.get(*object)),
                Step::Write(object, content) => after.set(*object, content.clone()),
                Step::Append(object, element) => {
                    let longer = after.get(*object).followed_by(*element);
                    after.set(*object, longer);
                }
            }
        }
        (after, answers.into())
    }

    fn hints(&self) -> &dyn Hints<Transactions> {
        self
    }

    fn solver(&self) -> Option<&dyn Solver<Transactions>> {
        Some(self)
    }
}

impl Recorded for Transactions {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn decode_initial(&self, initial: Datum<'_>, values: &mut Values) -> Result<State, Misfit> {
        let mut state = State::default();
        if initial.is_null() {
            return Ok(state);
        }
        let members = initial.as_members().ok_or_else(|| {
            format!("the objects of transactions hold {{\"x\":1,…}} at first, not {initial}")
        })?;
        for (name, value) in members {
            let content = Content::of(value, values);
            // JSON has only texts for names; histories name objects by numbers as well.
            if let Ok(number) = name.parse() {
                state.set(values.id(Datum::Integer(number)), content.clone());
            }
            let mut text = String::new();
            state.set(values.id(Datum::text(&name, &mut text)), content);
        }
        Ok(state)
    }

    fn decode_input(
        &self,
        operation: OperationRef<'_>,
        values: &mut Values,
    ) -> Result<Self::Input, Misfit> {
        match operation.f() {
            // Some recorders only say what was asked with the answer.
            "txn" if operation.input().is_null() && !operation.output().is_null() => {
                Ok(steps(operation.output(), values)?.0)
            }
            "txn" => Ok(steps(operation.input(), values)?.0),
            other => Err(DESCRIPTION.lacks(other)),
        }
    }

    fn decode_output(
        &self,
        operation: OperationRef<'_>,
        input: &Self::Input,
        values: &mut Values,
    ) -> Result<Self::Output, Misfit> {
        let (answered, output) = steps(operation.output(), values)?;
        if answered != *input {
            let (asked, answered) = (operation.input(), operation.output());
            return Err(Misfit::new(format!("{answered} is no answer to the transaction {asked}")));
        }
        Ok(output)
    }
}

impl Hints<Transactions> for Transactions {
    fn is_observer(&self, input: &Box<[Step]>, _output: Option<&Box<[Content]>>) -> bool {
        input.iter().all(|step| matches!(step, Step::Read(_)))
    }
}

impl Content {
    pub(super) const NOTHING: Content = Content::Value(ValueId::ABSENT);

    fn of(value: Datum<'_>, values: &mut Values) -> Content {
        match value.as_list() {
            Some(elements) => Content::list(&elements.map(|it| values.id(it)).collect::<Vec<_>>()),
            None => Content::Value(values.id(value)),
        }
    }

    pub(super) fn list(elements: &[ValueId]) -> Content {
        match elements {
            [] => Content::NOTHING,
            elements => Content::List(elements.into()),
        }
    }

    /// The elements, if it is a list; nothing is the empty one.
    pub(super) fn as_list(&self) -> Option<&[ValueId]> {
        match self {
            Content::List(elements) => Some(elements),
            Content::Value(ValueId::ABSENT) => Some(&[]),
            Content::Value(_) => None,
        }
    }

    fn followed_by(&self, element: ValueId) -> Content {
        Content::list(&[self.as_list().unwrap_or_default(), &[element]].concat())
    }
}

impl State {
    /// Steps that make this of objects that hold nothing.
    pub(super) fn as_writes(&self) -> Box<[Step]> {
        self.0.iter().map(|(object, content)| Step::Write(*object, content.clone())).collect()
    }

    fn get(&self, object: ValueId) -> Content {
        match self.0.binary_search_by_key(&object, |(object, _)| *object) {
            Ok(at) => self.0[at].1.clone(),
            Err(_) => Content::NOTHING,
        }
    }

    fn set(&mut self, object: ValueId, content: Content) {
        match self.0.binary_search_by_key(&object, |(object, _)| *object) {
            Ok(at) if content == Content::NOTHING => {
                self.0.remove(at);
            }
            Ok(at) => self.0[at].1 = content,
            Err(_) if content == Content::NOTHING => {}
            Err(at) => self.0.insert(at, (object, content)),
        }
    }
}

/// The steps of a transaction, and what stands in its reads.
type Parts = (Box<[Step]>, Box<[Content]>);

/// Reads a transaction.
fn steps(transaction: Datum<'_>, values: &mut Values) -> Result<Parts, Misfit> {
    let wrong = || {
        let like = r#"["r","x",null] or ["w","x",1]"#;
        Misfit::new(format!("txn takes steps like {like}, not {transaction}"))
    };
    let mut steps = Vec::new();
    let mut contents = Vec::new();
    for step in transaction.as_list().ok_or_else(wrong)? {
        let StepParts { kind, object, value } = transaction_step(step).ok_or_else(wrong)?;
        let object = values.id(object);
        match kind {
            StepKind::Read => {
                steps.push(Step::Read(object));
                contents.push(Content::of(value, values));
            }
            StepKind::Write => steps.push(Step::Write(object, Content::of(value, values))),
            StepKind::Append => steps.push(Step::Append(object, values.id(value))),
        }
    }
    Ok((steps.into(), contents.into()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::history::OwnedDatum;

    /// Applies transactions one after the other; each must answer what stands in its reads.
    #[track_caller]
    fn answers(transactions: &[Value]) -> bool {
        let mut values = Values::new();
        let mut state = State::default();
        transactions.iter().all(|transaction| {
            let datum = OwnedDatum::from(transaction);
            let (input, output) = steps(datum.borrow(), &mut values).expect("it is a transaction");
            match Transactions.step(&state, &input, Some(&output)) {
                Some(after) => {
                    state = after;
                    true
                }
                None => false,
            }
        })
    }

    #[test]
    fn a_transaction_sees_what_came_before_and_its_own_steps() {
        assert!(answers(&[
            json!([["r", "x", null], ["w", "x", 1], ["r", "x", 1], ["append", "z", 1]]),
            json!([["w", "y", 2], ["append", "z", 2], ["r", "z", [1, 2]]]),
            json!([["r", "x", 1], ["r", "y", 2], ["r", 3, null]]),
            json!([["w", "x", null], ["r", "x", null], ["r", "z", [1, 2]]]),
        ]));
        assert!(!answers(&[json!([["w", "x", 1]]), json!([["r", "x", null]])]));
        assert!(!answers(&[json!([["append", "z", 1]]), json!([["r", "z", [1, 2]]])]));
    }

    #[test]
    fn a_list_can_be_written_and_appended_to() {
        assert!(answers(&[
            json!([["w", "z", [1, 2]], ["append", "z", 3]]),
            json!([["r", "z", [1, 2, 3]], ["w", "z", []]]),
            json!([["r", "z", []], ["r", "z", null], ["w", "z", 7], ["append", "z", 8]]),
            json!([["r", "z", [8]]]),
        ]));
    }

    #[test]
    fn states_are_equal_when_the_objects_hold_the_same() {
        let mut values = Values::new();
        let [x, y, one] = [1, 2, 3].map(|it| values.id(Datum::Integer(it)));
        let mut state = State::default();
        state.set(y, Content::Value(one));
        state.set(x, Content::Value(one));
        state.set(y, Content::NOTHING);
        let mut other = State::default();
        other.set(x, Content::Value(one));
        assert_eq!(state, other);
    }

    #[test]
    fn what_is_no_transaction_is_refused() {
        for wrong in [json!(1), json!([1]), json!([["w", "x"]]), json!([["cas", "x", [1, 2]]])] {
            let datum = OwnedDatum::from(&wrong);
            assert!(steps(datum.borrow(), &mut Values::new()).is_err(), "{wrong}");
        }
    }
}

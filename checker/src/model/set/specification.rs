//! The specification of a growing set.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::history::{Datum, OperationRef, Operations};
use crate::model::recorded;
use crate::model::{
    Collection, Description, ElementEffect, Growth, Hints, Misfit, Model, Recorded, Solver,
    ValueId, Values,
};

/// A grow-only set for each key. A key that nothing was added to holds the empty set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Set;

/// A request to a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Input {
    /// Answer the elements.
    Read,
    /// Hold this element from now on.
    Add(ValueId),
}

/// An answer of a set.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Output {
    /// The elements that were read, by number. No set holds an element twice, so an answer that
    /// does is one that no set can have given.
    Elements(Arc<[ValueId]>),
    /// The element was added.
    Added,
}

static DESCRIPTION: Description = Description {
    name: "set",
    aliases: &["g-set"],
    summary: "a growing set a key: add, read",
    functions: &["add", "read"],
    read: Some("read"),
    collection: Some(Collection::Set),
};

impl Model for Set {
    type State = BTreeSet<ValueId>;
    type Input = Input;
    type Output = Output;

    fn initial(&self) -> BTreeSet<ValueId> {
        BTreeSet::new()
    }

    fn apply(&self, state: &BTreeSet<ValueId>, input: &Input) -> (BTreeSet<ValueId>, Output) {
        match input {
            Input::Read => (state.clone(), Output::Elements(state.iter().copied().collect())),
            Input::Add(element) => {
                let mut state = state.clone();
                state.insert(*element);
                (state, Output::Added)
            }
        }
    }

    fn hints(&self) -> &dyn Hints<Set> {
        self
    }

    fn solver(&self) -> Option<&dyn Solver<Set>> {
        Some(self)
    }
}

impl Recorded for Set {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn decode_initial(
        &self,
        initial: Datum<'_>,
        values: &mut Values,
    ) -> Result<BTreeSet<ValueId>, Misfit> {
        Ok(elements("a set is", initial, values)?.into_iter().collect())
    }

    fn decode_input(
        &self,
        operation: OperationRef<'_>,
        values: &mut Values,
    ) -> Result<Input, Misfit> {
        match operation.f() {
            "read" => Ok(Input::Read),
            "add" if operation.input().is_null() => Err(Misfit::new("add takes an element")),
            "add" => Ok(Input::Add(values.id(operation.input()))),
            other => Err(DESCRIPTION.lacks(other)),
        }
    }

    fn decode_output(
        &self,
        operation: OperationRef<'_>,
        input: &Input,
        values: &mut Values,
    ) -> Result<Output, Misfit> {
        Ok(match input {
            Input::Read => {
                let elements = elements("read answers", operation.output(), values)?;
                Output::Elements(elements.into())
            }
            Input::Add(_) => Output::Added,
        })
    }

    fn element_effect<'a>(&self, operation: OperationRef<'a>) -> Option<ElementEffect<'a>> {
        match operation.f() {
            "add" => Some(ElementEffect::Insert(operation.input())),
            "read" => Some(ElementEffect::Observe),
            _ => None,
        }
    }

    fn fits_answers(&self, operations: &Operations) -> bool {
        recorded::all_reads(operations, |answer| answer.as_list().is_some())
    }
}

impl Hints<Set> for Set {
    fn is_observer(&self, input: &Input, _output: Option<&Output>) -> bool {
        matches!(input, Input::Read)
    }

    fn growth(&self, _input: &Input) -> Option<Growth<BTreeSet<ValueId>>> {
        Some(Growth::Forward)
    }

    fn outgrew(&self, state: &BTreeSet<ValueId>, _input: &Input, output: &Output) -> bool {
        match output {
            Output::Elements(seen) => {
                !state.iter().all(|element| seen.binary_search(element).is_ok())
            }
            Output::Added => false,
        }
    }
}

/// The elements of a list, by number; nil has none.
fn elements(what: &str, list: Datum<'_>, values: &mut Values) -> Result<Vec<ValueId>, Misfit> {
    if list.is_null() {
        return Ok(Vec::new());
    }
    let list = list.as_list().ok_or_else(|| format!("{what} a list of elements, not {list}"))?;
    let mut elements: Vec<ValueId> = list.map(|element| values.id(element)).collect();
    elements.sort_unstable();
    Ok(elements)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(elements: &[u32]) -> BTreeSet<ValueId> {
        elements.iter().copied().map(ValueId).collect()
    }

    fn seen(elements: &[u32]) -> Output {
        Output::Elements(elements.iter().copied().map(ValueId).collect())
    }

    #[test]
    fn an_element_that_was_added_stays_and_is_there_once() {
        let (state, answer) = Set.apply(&set(&[]), &Input::Add(ValueId(7)));
        assert_eq!((&state, answer), (&set(&[7]), Output::Added));
        assert_eq!(Set.apply(&state, &Input::Add(ValueId(7))).0, set(&[7]));
        let (state, _) = Set.apply(&state, &Input::Add(ValueId(3)));
        assert_eq!(Set.apply(&state, &Input::Read), (set(&[3, 7]), seen(&[3, 7])));
    }

    #[test]
    fn no_set_answers_an_element_twice() {
        let read = |answer: &[u32]| Set.step(&set(&[3, 7]), &Input::Read, Some(&seen(answer)));
        assert!(read(&[3, 7]).is_some());
        assert!(read(&[3, 7, 7]).is_none());
        assert!(read(&[3]).is_none());
    }

    #[test]
    fn a_list_in_any_order_is_the_same_set() {
        let mut values = Values::new();
        let mut read = |json: &str| {
            let mut buffer = String::new();
            let list = Datum::parse(json, &mut buffer).expect("it is JSON");
            elements("read answers", list, &mut values)
        };
        assert_eq!(read("[5,9,7]"), read("[7,5,9]"));
        assert_ne!(read("[5,9]"), read("[5,9,9]"));
        assert_eq!(read("null"), Ok(vec![]));
        assert!(read("5").is_err());
    }

    #[test]
    fn a_set_outgrows_the_reads_that_lack_an_element_of_it() {
        assert!(Set.outgrew(&set(&[1, 2]), &Input::Read, &seen(&[1])));
        assert!(!Set.outgrew(&set(&[1, 2]), &Input::Read, &seen(&[1, 2, 3])));
    }
}

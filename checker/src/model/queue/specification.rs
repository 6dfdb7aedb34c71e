//! The specification of a first-in-first-out queue.

use std::collections::VecDeque;

use crate::history::{Datum, EventType, OperationRef};
use crate::model::{
    Collection, Description, ElementEffect, Hints, Misfit, Model, Recorded, Solver, ValueId, Values,
};

/// A queue for each key, empty at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Queue;

/// A request to a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Input {
    /// Take this element in at the end.
    Enqueue(ValueId),
    /// Give out the element at the front.
    Dequeue(Found),
}

/// The knowledge of what a dequeue found. The queue does not have it; but even if it is in doubt
/// when a dequeue took effect, it need not be in doubt which element it removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Found {
    /// It may have found any element, or none: the outcome is unknown.
    Anything,
    /// It found this element.
    Element(ValueId),
    /// It found the queue empty.
    Nothing,
}

/// An answer of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Output {
    /// The element was taken in.
    Enqueued,
    /// The element that was at the front.
    Dequeued(ValueId),
    /// There was no element.
    Empty,
}

static DESCRIPTION: Description = Description {
    name: "queue",
    aliases: &["fifo-queue"],
    summary: "a first-in-first-out queue a key: enqueue, dequeue",
    functions: &["enqueue", "dequeue"],
    read: None,
    collection: Some(Collection::Queue),
};

impl Model for Queue {
    type State = VecDeque<ValueId>;
    type Input = Input;
    type Output = Output;

    fn initial(&self) -> VecDeque<ValueId> {
        VecDeque::new()
    }

    fn apply(&self, state: &VecDeque<ValueId>, input: &Input) -> (VecDeque<ValueId>, Output) {
        let mut state = state.clone();
        match input {
            Input::Enqueue(element) => {
                state.push_back(*element);
                (state, Output::Enqueued)
            }
            Input::Dequeue(_) => match state.pop_front() {
                Some(element) => (state, Output::Dequeued(element)),
                None => (state, Output::Empty),
            },
        }
    }

    fn step(
        &self,
        state: &VecDeque<ValueId>,
        input: &Input,
        output: Option<&Output>,
    ) -> Option<VecDeque<ValueId>> {
        let front = state.front();
        match (input, output) {
            // If it took effect, it did so while its element was at the front.
            (Input::Dequeue(Found::Element(element)), None) if front != Some(element) => {
                Some(state.clone())
            }
            // A refusal is not worth a copy of the queue.
            (Input::Dequeue(_), Some(Output::Dequeued(element))) if front != Some(element) => None,
            (Input::Dequeue(_), Some(Output::Empty)) => state.is_empty().then(VecDeque::new),
            _ => {
                let (after, answered) = self.apply(state, input);
                output.is_none_or(|output| *output == answered).then_some(after)
            }
        }
    }

    fn hints(&self) -> &dyn Hints<Queue> {
        self
    }

    fn solver(&self) -> Option<&dyn Solver<Queue>> {
        Some(self)
    }
}

impl Recorded for Queue {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn decode_initial(
        &self,
        initial: Datum<'_>,
        values: &mut Values,
    ) -> Result<VecDeque<ValueId>, Misfit> {
        if initial.is_null() {
            return Ok(VecDeque::new());
        }
        let list = initial
            .as_list()
            .ok_or_else(|| format!("a queue is a list of elements, not {initial}"))?;
        Ok(list.map(|element| values.id(element)).collect())
    }

    /// Of a dequeue whose answer is no longer believed to have come at its time, it is still
    /// believed which element it would have removed.
    fn decode_input(
        &self,
        operation: OperationRef<'_>,
        values: &mut Values,
    ) -> Result<Input, Misfit> {
        match operation.f() {
            "enqueue" if operation.input().is_null() => {
                Err(Misfit::new("enqueue takes an element"))
            }
            "enqueue" => Ok(Input::Enqueue(values.id(operation.input()))),
            "dequeue" => {
                let is_known = matches!(operation.outcome(), EventType::Ok | EventType::Fail);
                Ok(Input::Dequeue(match values.id(operation.output()) {
                    ValueId::ABSENT if is_known => Found::Nothing,
                    ValueId::ABSENT => Found::Anything,
                    element => Found::Element(element),
                }))
            }
            other => Err(DESCRIPTION.lacks(other)),
        }
    }

    fn decode_output(
        &self,
        _operation: OperationRef<'_>,
        input: &Input,
        _values: &mut Values,
    ) -> Result<Output, Misfit> {
        Ok(match *input {
            Input::Enqueue(_) => Output::Enqueued,
            Input::Dequeue(Found::Element(element)) => Output::Dequeued(element),
            Input::Dequeue(Found::Nothing | Found::Anything) => Output::Empty,
        })
    }

    fn answers_refusals(&self) -> bool {
        true
    }

    /// A dequeue whose precondition was unmet saw the queue empty, as one that answered nil.
    fn refusal(&self, input: &Input) -> Option<Output> {
        matches!(input, Input::Dequeue(_)).then_some(Output::Empty)
    }

    fn element_effect<'a>(&self, operation: OperationRef<'a>) -> Option<ElementEffect<'a>> {
        match operation.f() {
            "enqueue" => Some(ElementEffect::Insert(operation.input())),
            "dequeue" => Some(ElementEffect::Remove),
            _ => None,
        }
    }
}

impl Hints<Queue> for Queue {
    fn is_observer(&self, input: &Input, output: Option<&Output>) -> bool {
        *input == Input::Dequeue(Found::Nothing) || output == Some(&Output::Empty)
    }

    /// One that saw nothing may as well have removed anything, at another time.
    fn retracted(&self, input: &Input) -> Input {
        match input {
            Input::Dequeue(Found::Nothing) => Input::Dequeue(Found::Anything),
            other => *other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(elements: &[u32]) -> VecDeque<ValueId> {
        elements.iter().copied().map(ValueId).collect()
    }

    const ANY: Input = Input::Dequeue(Found::Anything);

    #[test]
    fn what_came_in_first_goes_out_first() {
        let (state, _) = Queue.apply(&queue(&[]), &Input::Enqueue(ValueId(1)));
        let (state, _) = Queue.apply(&state, &Input::Enqueue(ValueId(2)));
        assert_eq!(state, queue(&[1, 2]));
        let (state, answer) = Queue.apply(&state, &ANY);
        assert_eq!((&state, answer), (&queue(&[2]), Output::Dequeued(ValueId(1))));
        let (state, answer) = Queue.apply(&state, &ANY);
        assert_eq!((&state, answer), (&queue(&[]), Output::Dequeued(ValueId(2))));
        assert_eq!(Queue.apply(&state, &ANY), (queue(&[]), Output::Empty));
    }

    #[test]
    fn a_step_refuses_what_a_queue_would_not_answer() {
        let two = Input::Dequeue(Found::Element(ValueId(2)));
        let step = |elements: &[u32], output| Queue.step(&queue(elements), &two, output);
        assert_eq!(step(&[2, 3], Some(&Output::Dequeued(ValueId(2)))), Some(queue(&[3])));
        assert_eq!(step(&[3, 2], Some(&Output::Dequeued(ValueId(2)))), None);
        assert_eq!(step(&[], Some(&Output::Dequeued(ValueId(2)))), None);
        assert_eq!(step(&[2], Some(&Output::Empty)), None);
        assert_eq!(step(&[], Some(&Output::Empty)), Some(queue(&[])));
    }

    #[test]
    fn a_dequeue_that_is_in_doubt_removes_its_own_element_or_none() {
        let two = Input::Dequeue(Found::Element(ValueId(2)));
        assert_eq!(Queue.step(&queue(&[2, 3]), &two, None), Some(queue(&[3])));
        assert_eq!(Queue.step(&queue(&[3, 2]), &two, None), Some(queue(&[3, 2])));
        assert_eq!(Queue.step(&queue(&[3, 2]), &ANY, None), Some(queue(&[2])));
    }
}

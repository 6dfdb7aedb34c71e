//! A first-in-first-out queue for each key: enqueue, dequeue.

mod decide;

use std::collections::VecDeque;

use crate::history::{Datum, EventType, OperationRef};
use crate::model::{
    Call, Calls, Conventions, Description, Direct, Handling, Model, ValueId, Values,
};
use crate::oracle::audit::Kind;

/// A queue for each key, empty at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Queue;

/// What a queue is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Input {
    /// Take this element in at the end.
    Enqueue(ValueId),
    /// Give out the element at the front.
    Dequeue(Found),
}

/// What is known of what a dequeue found. The queue does not know; but whoever doubts when a
/// dequeue took effect need not doubt which element it removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Found {
    /// It may have found any element, or none: the outcome is unknown.
    Anything,
    /// It found this element.
    Element(ValueId),
    /// It found the queue empty.
    Nothing,
}

/// What a queue answers.
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
};

impl Model for Queue {
    type State = VecDeque<ValueId>;
    type Input = Input;
    type Output = Output;

    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    /// A dequeue that failed because its precondition was unmet saw the queue empty, and so did
    /// one that answered nil. Of a dequeue whose answer is no longer believed to have come at its
    /// time, it is still believed which element it would have removed.
    fn call(
        &self,
        operation: OperationRef<'_>,
        _conventions: Conventions,
        values: &mut Values,
    ) -> Result<Call<Input, Output>, String> {
        let outcome = operation.outcome();
        match operation.f() {
            "enqueue" if operation.input().is_null() => Err("enqueue takes an element".to_string()),
            "enqueue" => {
                let input = Input::Enqueue(values.id(operation.input()));
                Ok(match outcome {
                    EventType::Ok => Call::Known(input, Output::Enqueued),
                    EventType::Fail => Call::Silent,
                    _ => Call::Unknown(input),
                })
            }
            "dequeue" => Ok(match (outcome, values.id(operation.output())) {
                (EventType::Fail, _) | (EventType::Ok, ValueId::ABSENT) => {
                    Call::Known(Input::Dequeue(Found::Nothing), Output::Empty)
                }
                (EventType::Ok, element) => {
                    let input = Input::Dequeue(Found::Element(element));
                    Call::Known(input, Output::Dequeued(element))
                }
                (_, ValueId::ABSENT) => Call::Unknown(Input::Dequeue(Found::Anything)),
                (_, element) => Call::Unknown(Input::Dequeue(Found::Element(element))),
            }),
            other => Err(DESCRIPTION.lacks(other)),
        }
    }

    fn initial(
        &self,
        initial: Datum<'_>,
        values: &mut Values,
    ) -> Result<VecDeque<ValueId>, String> {
        if initial.is_null() {
            return Ok(VecDeque::new());
        }
        let list = initial
            .as_list()
            .ok_or_else(|| format!("a queue is a list of elements, not {initial}"))?;
        Ok(list.map(|element| values.id(element)).collect())
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

    fn is_observer(&self, input: &Input, output: Option<&Output>) -> bool {
        *input == Input::Dequeue(Found::Nothing) || output == Some(&Output::Empty)
    }

    /// One that saw nothing may as well have removed anything, at another time.
    fn doubted(&self, input: &Input) -> Input {
        match input {
            Input::Dequeue(Found::Nothing) => Input::Dequeue(Found::Anything),
            other => *other,
        }
    }

    fn handling<'a>(&self, operation: OperationRef<'a>) -> Option<Handling<'a>> {
        match operation.f() {
            "enqueue" => Some(Handling::Puts(Kind::Queue, operation.input())),
            "dequeue" => Some(Handling::Takes),
            _ => None,
        }
    }

    fn decide_directly(&self, calls: &Calls<'_, Self>) -> Option<Direct> {
        decide::decide(calls)
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

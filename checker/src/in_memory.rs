//! Judges operations that are in memory, by any specification.

use crate::counterexample;
use crate::decide::{Evidence, decide};
use crate::lattice::Verdict;
use crate::model::{Call, Model};
use crate::object::{Object, Typed};
use crate::options::Budget;
use crate::search::{Limits, Outcome};

/// An operation with the times of its call and of its return, in any unit. Intervals are closed: at
/// equal times a call comes before a return.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation<I, O> {
    /// The request.
    pub input: I,
    /// The answer; none if the outcome is unknown, so that the operation may take effect at any
    /// time after its call, once or never.
    pub output: Option<O>,
    /// The time of the call.
    pub called: u64,
    /// The time of the return; without meaning if the outcome is unknown.
    pub returned: u64,
}

impl<I, O> Operation<I, O> {
    /// An operation that answered.
    pub fn new(called: u64, input: I, returned: u64, output: O) -> Operation<I, O> {
        Operation { input, output: Some(output), called, returned }
    }

    /// An operation of which nothing was heard again.
    pub fn unknown(called: u64, input: I) -> Operation<I, O> {
        Operation { input, output: None, called, returned: u64::MAX }
    }
}

/// The judgement of operations in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Judgement {
    /// Unknown if no operation came back with an answer, or the budget did not suffice.
    pub verdict: Verdict,
    /// The name of the algorithm that decided, or gave up last.
    pub algorithm: &'static str,
    /// Search steps spent.
    pub steps: u64,
    /// If the verdict is Invalid: the places of operations that no order explains, as few as could
    /// be found. No matter what became of the others, these contradict each other.
    pub contradiction: Vec<usize>,
}

/// An operation that cannot have happened as it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the operation at place {place} returned before it was called")]
#[non_exhaustive]
pub struct OperationError {
    /// The place of the operation.
    pub place: usize,
}

/// Judges the operations on one object, in any order, with the default [`Budget`].
///
/// # Errors
/// When an operation returned before it was called.
pub fn check_operations<M: Model>(
    model: &M,
    operations: &[Operation<M::Input, M::Output>],
) -> Result<Judgement, OperationError> {
    check_operations_within(model, operations, Budget::default())
}

/// Judges the operations on one object within a budget.
///
/// # Errors
/// As [`check_operations`].
pub fn check_operations_within<M: Model>(
    model: &M,
    operations: &[Operation<M::Input, M::Output>],
    budget: Budget,
) -> Result<Judgement, OperationError> {
    // Every end gets a number of its own; true stands for a return.
    let mut ends: Vec<(u64, bool, usize)> = Vec::with_capacity(2 * operations.len());
    for (place, operation) in operations.iter().enumerate() {
        ends.push((operation.called, false, place));
        if operation.output.is_some() {
            if operation.returned < operation.called {
                return Err(OperationError { place });
            }
            ends.push((operation.returned, true, place));
        }
    }
    ends.sort_unstable();
    let mut returned: Vec<Option<u64>> = vec![None; operations.len()];
    for (number, (_, is_return, place)) in (0..).zip(&ends) {
        if *is_return {
            returned[*place] = Some(number);
        }
    }
    let mut object = Typed::new(model);
    let mut places = Vec::with_capacity(operations.len());
    for (number, (_, is_return, place)) in (0..).zip(&ends) {
        let Operation { input, output, .. } = &operations[*place];
        let call = match output {
            Some(output) => Call::Known(input.clone(), output.clone()),
            None => Call::Unknown(input.clone()),
        };
        if !is_return && object.push_call(call, number, returned[*place]) {
            places.push(*place);
        }
    }
    let mut judgement = judge(&object, &places, budget);
    let answered = places.iter().any(|place| operations[*place].output.is_some());
    if judgement.verdict == Verdict::Valid && !answered {
        judgement.verdict = Verdict::Unknown;
    }
    Ok(judgement)
}

/// Judges an object whose operations stand at these places of the caller's list.
fn judge(object: &dyn Object, places: &[usize], budget: Budget) -> Judgement {
    let decision = decide(object, Limits { steps: budget.steps, memory: budget.memory });
    let verdict = match decision.outcome {
        Outcome::Valid => Verdict::Valid,
        Outcome::Invalid => Verdict::Invalid,
        Outcome::OutOfSteps | Outcome::OutOfMemory => Verdict::Unknown,
    };
    let mut contradiction = Vec::new();
    if verdict == Verdict::Invalid {
        let evidence: Evidence = decision.evidence;
        let found = counterexample::contradiction(object, evidence, budget.memory);
        contradiction.extend(found.into_iter().map(|place| places[place]));
        contradiction.sort_unstable();
    }
    Judgement { verdict, algorithm: decision.algorithm, steps: decision.steps, contradiction }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::register::{Input, Output};
    use crate::model::{Queue, Register, ValueId, queue};

    const ONE: ValueId = ValueId(1);
    const TWO: ValueId = ValueId(2_000_000_000);

    fn write(called: u64, value: ValueId, returned: u64) -> Operation<Input, Output> {
        Operation::new(called, Input::Write(value), returned, Output::Written)
    }

    fn read(called: u64, value: ValueId, returned: u64) -> Operation<Input, Output> {
        Operation::new(called, Input::Read, returned, Output::Value(value))
    }

    #[test]
    fn a_stale_read_is_shown_with_the_write_that_it_missed() {
        let stale = [write(0, ONE, 10), read(40, ONE, 50), write(20, TWO, 30), read(60, TWO, 70)];
        let judgement = check_operations(&Register, &stale).expect("they return after their calls");
        assert_eq!(judgement.verdict, Verdict::Invalid);
        assert_eq!(judgement.contradiction, [0, 1, 2]);
        let overlapping = [write(0, ONE, 10), read(30, ONE, 50), write(20, TWO, 30)];
        let judgement = check_operations(&Register, &overlapping).expect("here too");
        assert_eq!(judgement.verdict, Verdict::Valid, "at equal times a call comes first");
    }

    #[test]
    fn an_unknown_outcome_may_take_effect_late_or_never() {
        let late = [Operation::unknown(0, Input::Write(ONE)), read(10, ValueId::ABSENT, 20)];
        let valid = |operations: &[Operation<Input, Output>]| {
            check_operations(&Register, operations).expect("they are in order").verdict
        };
        assert_eq!(valid(&late), Verdict::Valid);
        let [write, absent] = late;
        let seen_and_gone = [write, read(3, ONE, 7), absent];
        assert_eq!(valid(&seen_and_gone), Verdict::Invalid);
        assert_eq!(valid(&[]), Verdict::Unknown, "nothing was tested");
        let unanswered = [Operation::unknown(0, Input::Write(ONE))];
        assert_eq!(valid(&unanswered), Verdict::Unknown, "nothing came back");
    }

    #[test]
    fn a_dequeue_need_not_say_beforehand_what_it_will_find() {
        let queued = |called, value, returned| {
            Operation::new(called, queue::Input::Enqueue(value), returned, queue::Output::Enqueued)
        };
        let dequeued = |called, value, returned| {
            let input = queue::Input::Dequeue(queue::Found::Anything);
            Operation::new(called, input, returned, queue::Output::Dequeued(value))
        };
        let (one, two) = (ValueId(1), ValueId(2));
        let mut operations =
            vec![queued(0, one, 1), queued(2, two, 3), dequeued(4, one, 5), dequeued(6, two, 7)];
        let judge = |operations: &[_]| check_operations(&Queue, operations).expect("in order");
        assert_eq!(judge(&operations).verdict, Verdict::Valid);
        operations[2] = dequeued(4, two, 5);
        operations[3] = dequeued(6, one, 7);
        assert_eq!(judge(&operations).verdict, Verdict::Invalid);
    }

    #[test]
    fn an_operation_cannot_return_before_its_call() {
        let error = check_operations(&Register, &[write(0, ONE, 1), read(7, ONE, 3)]);
        assert_eq!(error, Err(OperationError { place: 1 }));
    }
}

//! Models whose operations stand in recorded histories.

use serde::{Deserialize, Serialize};

use crate::history::{Datum, EventType, OperationRef, Operations};
use crate::model::call::CallOf;
use crate::model::elements::{Collection, ElementEffect};
use crate::model::{Call, Model, Values};

/// The meaning of a read that answered nil.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NilReads {
    /// There was no value: the key is absent. stormproof's histories and etcd's logs.
    #[default]
    Absent,
    /// Nothing is known about the value; the read is left out. Knossos' histories.
    Unknown,
}

/// The meaning of the outcomes of a history where formats and services differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Conventions {
    /// The meaning of a read that answered nil.
    pub nil_reads: NilReads,
    /// True if an operation that failed, without a reason or because the service said no, is taken
    /// as the observation that its precondition was unmet, rather than as something that did not
    /// happen: a compare-and-set found another value, a queue was empty, a lock was held, or not by
    /// its releaser, an account had not enough.
    ///
    /// Without it, only a dequeue is an observation, and only where the service said in so many
    /// words that the queue was empty: that is an answer of a queue like any other.
    pub observe_failures: bool,
}

impl Conventions {
    /// Returns whether a read says nothing although it was answered: the answer stands for
    /// "unknown".
    pub fn silence(self, read: OperationRef<'_>) -> bool {
        let answered = read.outcome() == EventType::Ok;
        answered && read.output().is_null() && self.nil_reads == NilReads::Unknown
    }
}

/// The reason why something recorded does not fit a model.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{0}")]
pub struct Misfit(String);

impl Misfit {
    /// The reason in words, as the rest of a sentence.
    pub fn new(reason: impl Into<String>) -> Misfit {
        Misfit(reason.into())
    }
}

impl From<String> for Misfit {
    fn from(reason: String) -> Misfit {
        Misfit(reason)
    }
}

/// A model in words.
#[derive(Debug, PartialEq, Eq)]
pub struct Description {
    /// Its name on the command line and in verdicts.
    pub name: &'static str,
    /// Other names it is found by.
    pub aliases: &'static [&'static str],
    /// One line on what the model promises.
    pub summary: &'static str,
    /// The names of its operations.
    pub functions: &'static [&'static str],
    /// The name of the operation that reads; none where an answer of nil is as good as any.
    pub read: Option<&'static str>,
    /// The kind of collection that keeps what is put into it; none if the object is no such thing.
    pub collection: Option<Collection>,
}

impl Description {
    /// The error of an operation that the model does not have.
    pub(super) fn lacks(&self, function: &str) -> Misfit {
        let functions = self.functions.join(", ");
        Misfit(format!("there is no operation `{function}`, only {functions}"))
    }
}

/// A model that reads its operations from recorded histories.
///
/// Of operations that failed, only those reach it whose precondition the service refuted
/// ([`OperationRef::was_refuted`]); the others did not happen.
pub trait Recorded: Model {
    /// The name for users, and the operations.
    fn description(&self) -> &'static Description;

    /// Reads the state before the first operation.
    ///
    /// # Errors
    /// The reason why `initial` is no state of this model.
    fn decode_initial(
        &self,
        initial: Datum<'_>,
        values: &mut Values,
    ) -> Result<Self::State, Misfit>;

    /// Reads the request of an operation, with any outcome.
    ///
    /// # Errors
    /// The reason why the operation is none of this model's.
    fn decode_input(
        &self,
        operation: OperationRef<'_>,
        values: &mut Values,
    ) -> Result<Self::Input, Misfit>;

    /// Reads the answer of an operation that is `ok` and has this request.
    ///
    /// # Errors
    /// The reason why the answer is none of this model's.
    fn decode_output(
        &self,
        operation: OperationRef<'_>,
        input: &Self::Input,
        values: &mut Values,
    ) -> Result<Self::Output, Misfit>;

    /// Returns whether a refusal in so many words is an answer like any other (see
    /// [`Conventions::observe_failures`]).
    fn answers_refusals(&self) -> bool {
        false
    }

    /// The answer of an operation whose precondition the service refuted; none if such an operation
    /// has no precondition.
    fn refusal(&self, _input: &Self::Input) -> Option<Self::Output> {
        None
    }

    /// The effect of the operation on the elements that its object keeps; none for models whose
    /// objects do not keep each element. It follows from the operation's name and argument, so an
    /// operation that did not happen has one too.
    fn element_effect<'a>(&self, _operation: OperationRef<'a>) -> Option<ElementEffect<'a>> {
        None
    }

    /// Returns whether the answers are such as only this model, of those with the same operations,
    /// gives. There must be an answer that says so, and none that says otherwise.
    fn fits_answers(&self, _operations: &Operations) -> bool {
        false
    }

    /// Reads an operation: the same for every model. None if it says nothing about the object, such
    /// as a failure that did not happen.
    ///
    /// # Errors
    /// The reason why the operation is none of this model's.
    // Called once for each operation, from one place.
    #[inline]
    fn decode(
        &self,
        operation: OperationRef<'_>,
        conventions: Conventions,
        values: &mut Values,
    ) -> Result<Option<CallOf<Self>>, Misfit>
    where
        Self: Sized,
    {
        if operation.outcome() == EventType::Fail {
            let is_answer = self.answers_refusals() && operation.was_said_to_be_refuted();
            if !is_answer && !conventions.observe_failures {
                return Ok(None);
            }
            let input = self.decode_input(operation, values).ok();
            let refused = |input| {
                let output = self.refusal(&input)?;
                Some(Call::Known(input, output))
            };
            return Ok(input.and_then(refused));
        }
        if conventions.silence(operation) && self.description().read == Some(operation.f()) {
            return Ok(None);
        }
        let input = self.decode_input(operation, values)?;
        Ok(Some(match operation.outcome() {
            EventType::Ok => {
                let output = self.decode_output(operation, &input, values)?;
                Call::Known(input, output)
            }
            _ => Call::Unknown(input),
        }))
    }
}

/// Returns whether a history has answers of operations of this name, and all are such.
pub(super) fn all_answers(
    operations: &Operations,
    function: &str,
    says: impl Fn(OperationRef<'_>) -> bool,
) -> bool {
    let mut answers = operations
        .iter()
        .filter(|it| it.outcome() == EventType::Ok && it.f() == function)
        .peekable();
    answers.peek().is_some() && answers.all(says)
}

/// Returns whether the reads of a history answered such, apart from nil, which all models answer of
/// something absent.
pub(super) fn all_reads(operations: &Operations, says: impl Fn(Datum<'_>) -> bool) -> bool {
    all_answers(operations, "read", |it| it.output().is_null() || says(it.output()))
        && !all_answers(operations, "read", |it| it.output().is_null())
}

/// Returns whether the completion repeats the argument, as that of an operation without an answer.
pub(super) fn echoes(operation: OperationRef<'_>) -> bool {
    operation.output().is_null() || operation.output() == operation.input()
}

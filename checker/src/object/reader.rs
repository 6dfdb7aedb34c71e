//! The reading of an object's operations from a history.

use std::borrow::Cow;

use crate::history::{EventType, OperationRef};
use crate::model::{Conventions, Misfit, Recorded, Values};
use crate::object::Object;
use crate::object::typed::{Table, Typed};

/// Reads the operations on one object, without the types of its model.
pub(crate) trait Reader<'m> {
    /// Adds an operation, which comes later than all others, unless it says nothing; returns
    /// whether it says something.
    ///
    /// # Errors
    /// The reason why it is none of the model's.
    fn push(&mut self, operation: OperationRef<'_>) -> Result<bool, Misfit>;

    /// The operations read.
    fn finish(self: Box<Self>) -> Box<dyn Object + 'm>;
}

/// A [`Reader`] of some model.
pub(crate) struct TypedReader<'m, M: Recorded> {
    model: &'m M,
    conventions: Conventions,
    initial: M::State,
    values: Values,
    table: Table<M>,
}

impl<'m, M: Recorded> TypedReader<'m, M> {
    /// No operations yet on an object in this state.
    pub(crate) fn new(
        model: &'m M,
        conventions: Conventions,
        initial: M::State,
        values: Values,
    ) -> TypedReader<'m, M> {
        TypedReader { model, conventions, initial, values, table: Table::EMPTY }
    }

    /// Adds an operation; see [`Reader::push`].
    pub(crate) fn read(&mut self, operation: OperationRef<'_>) -> Result<bool, Misfit> {
        let call = self.model.decode(operation, self.conventions, &mut self.values)?;
        let Some(call) = call else { return Ok(false) };
        let (invoked, completed) = (operation.invoked(), operation.completed());
        let says_something = self.table.push(self.model, call, invoked, completed);
        if says_something && operation.outcome() == EventType::Fail {
            self.table.refused.insert(self.table.calls.len() - 1);
        }
        Ok(says_something)
    }

    /// The operations read.
    pub(crate) fn into_object(self) -> Typed<'m, M> {
        let TypedReader { model, initial, values, table, .. } = self;
        let (values, table) = (Cow::Owned(values), Cow::Owned(table));
        Typed { model, initial, values, table, recorded: None }
    }
}

impl<'m, M: Recorded> Reader<'m> for TypedReader<'m, M> {
    fn push(&mut self, operation: OperationRef<'_>) -> Result<bool, Misfit> {
        self.read(operation)
    }

    fn finish(self: Box<Self>) -> Box<dyn Object + 'm> {
        Box::new(self.into_object())
    }
}

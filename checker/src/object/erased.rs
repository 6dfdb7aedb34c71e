//! Recorded models without their types.

use std::fmt::Debug;

use crate::history::{Datum, EventType, OperationRef, Operations};
use crate::model::{
    Call, Conventions, Description, ElementEffect, Misfit, Recorded, Transition, ValueId, Values,
};
use crate::object::reader::{Reader, TypedReader};

/// A recorded model without its types. Each [`Recorded`] model is one.
pub(crate) trait Erased: Debug + Sync {
    /// [`Recorded::description`].
    fn description(&self) -> &'static Description;

    /// [`Recorded::fits_answers`].
    fn fits_answers(&self, operations: &Operations) -> bool;

    /// [`Recorded::element_effect`].
    fn element_effect<'a>(&self, operation: OperationRef<'a>) -> Option<ElementEffect<'a>>;

    /// A reader of the operations on an object in this state.
    ///
    /// # Errors
    /// The reason why `initial` is no state of the model.
    fn open<'m>(
        &'m self,
        initial: Datum<'_>,
        conventions: Conventions,
    ) -> Result<Box<dyn Reader<'m> + 'm>, Misfit>;

    /// Returns whether the operation would change something if it took effect.
    fn mutates(&self, operation: OperationRef<'_>, values: &mut Values) -> bool;

    /// The transition of an operation that took effect; none for models whose state is not one
    /// value.
    fn transition(
        &self,
        operation: OperationRef<'_>,
        conventions: Conventions,
        values: &mut Values,
    ) -> Option<Transition>;

    /// The value that the operation leaves if it takes effect.
    fn leaves(&self, operation: OperationRef<'_>, values: &mut Values) -> Option<ValueId>;
}

impl<M: Recorded> Erased for M {
    fn description(&self) -> &'static Description {
        Recorded::description(self)
    }

    fn fits_answers(&self, operations: &Operations) -> bool {
        Recorded::fits_answers(self, operations)
    }

    fn element_effect<'a>(&self, operation: OperationRef<'a>) -> Option<ElementEffect<'a>> {
        Recorded::element_effect(self, operation)
    }

    fn open<'m>(
        &'m self,
        initial: Datum<'_>,
        conventions: Conventions,
    ) -> Result<Box<dyn Reader<'m> + 'm>, Misfit> {
        let mut values = Values::new();
        let initial = self.decode_initial(initial, &mut values)?;
        Ok(Box::new(TypedReader::new(self, conventions, initial, values)))
    }

    fn mutates(&self, operation: OperationRef<'_>, values: &mut Values) -> bool {
        match Recorded::element_effect(self, operation) {
            Some(effect) => !matches!(effect, ElementEffect::Observe),
            None => self
                .decode_input(operation.as_unknown(), values)
                .is_ok_and(|input| !self.hints().is_observer(&input, None)),
        }
    }

    fn transition(
        &self,
        operation: OperationRef<'_>,
        conventions: Conventions,
        values: &mut Values,
    ) -> Option<Transition> {
        if operation.outcome() != EventType::Ok {
            return None;
        }
        match self.decode(operation, conventions, values).ok()?? {
            Call::Known(input, output) => self.hints().transition(&input, Some(&output)),
            Call::Unknown(_) => None,
        }
    }

    fn leaves(&self, operation: OperationRef<'_>, values: &mut Values) -> Option<ValueId> {
        let input = self.decode_input(operation.as_unknown(), values).ok()?;
        self.hints().transition(&input, None)?.leaves
    }
}

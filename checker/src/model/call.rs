//! Operations in the terms of a model.

use crate::model::Model;

/// An operation in the terms of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call<I, O> {
    /// It took effect once, and this is its answer.
    Known(I, O),
    /// It may take effect once at any time after its invocation, or never.
    Unknown(I),
}

/// An operation of this model.
pub type CallOf<M> = Call<<M as Model>::Input, <M as Model>::Output>;

impl<I, O> Call<I, O> {
    /// The request, and the answer if there was one.
    pub fn parts(&self) -> (&I, Option<&O>) {
        match self {
            Call::Known(input, output) => (input, Some(output)),
            Call::Unknown(input) => (input, None),
        }
    }
}

/// The time in which an operation can have taken effect, by indices of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Interval {
    /// Index of the invocation.
    pub(crate) invoked: u64,
    /// [`Interval::NEVER`] for an unknown outcome.
    returned: u64,
}

impl Interval {
    /// After all events.
    const NEVER: u64 = u64::MAX;

    pub(crate) fn new(invoked: u64, returned: Option<u64>) -> Interval {
        Interval { invoked, returned: returned.unwrap_or(Interval::NEVER) }
    }

    /// Index of the completion; none for an unknown outcome.
    pub(crate) fn returned(self) -> Option<u64> {
        (self.returned != Interval::NEVER).then_some(self.returned)
    }
}

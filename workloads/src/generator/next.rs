//! The answer of a generator.

use std::time::Duration;

use super::{Context, Invocation};

/// The answer of a generator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// That thread, which is free, invokes this now.
    Operation {
        /// One of [`Context::free`].
        thread: usize,
        /// The operation.
        invocation: Invocation,
    },
    /// Nothing now. The generator wants to be asked again after the next invocation or completion,
    /// and at that time if there is one, even if nothing happened until then.
    Pending {
        /// On the clock of [`Context::time`].
        until: Option<Duration>,
    },
    /// Nothing ever again, for no thread.
    Exhausted,
}

impl Next {
    /// Nothing until something happens.
    pub const PENDING: Next = Next::Pending { until: None };

    /// The operation for the thread that has been idle longest; pending when all are busy.
    pub fn for_anyone(context: &Context, invocation: impl FnOnce() -> Invocation) -> Next {
        match context.free().first() {
            Some(&thread) => Next::Operation { thread, invocation: invocation() },
            None => Next::PENDING,
        }
    }
}

/// Of two times at which to ask again, the sooner.
pub(super) fn sooner(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

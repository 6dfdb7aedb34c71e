//! Generators that combine nothing: given operations, the same one for ever, or a function's.

use std::collections::VecDeque;

use super::{Context, Generator, Invocation, Next};

/// Each of these operations once, in order, for the threads that are free.
pub fn operations(invocations: impl IntoIterator<Item = Invocation>) -> Operations {
    Operations { left: invocations.into_iter().collect() }
}

/// See [`operations`].
#[derive(Debug, Clone)]
pub struct Operations {
    left: VecDeque<Invocation>,
}

impl Generator for Operations {
    fn next(&mut self, context: &Context) -> Next {
        match (self.left.is_empty(), context.free().first()) {
            (true, _) => Next::Exhausted,
            (false, None) => Next::PENDING,
            (false, Some(&thread)) => {
                let invocation = self.left.pop_front().expect("some are left");
                Next::Operation { thread, invocation }
            }
        }
    }
}

/// This operation again and again, for the threads that are free.
pub fn repeat(invocation: Invocation) -> impl Generator {
    from_fn(move |_| Some(invocation.clone()))
}

/// The operations that the function returns, for the thread that has been idle longest; exhausted
/// when it returns none.
pub fn from_fn<F: FnMut(&Context) -> Option<Invocation> + Send>(function: F) -> FromFn<F> {
    FromFn { function, exhausted: false }
}

/// See [`from_fn`].
pub struct FromFn<F> {
    function: F,
    exhausted: bool,
}

impl<F: FnMut(&Context) -> Option<Invocation> + Send> Generator for FromFn<F> {
    fn next(&mut self, context: &Context) -> Next {
        let Some(&thread) = context.free().first() else {
            return if self.exhausted { Next::Exhausted } else { Next::PENDING };
        };
        if !self.exhausted
            && let Some(invocation) = (self.function)(context)
        {
            return Next::Operation { thread, invocation };
        }
        self.exhausted = true;
        Next::Exhausted
    }
}

//! One generator after the other.

use std::collections::VecDeque;

use checker::history::Event;

use super::{Context, Generator, Next};

/// See [`Generator::then`].
#[derive(Debug, Clone)]
pub struct Then<A, B> {
    /// None once it is exhausted.
    first: Option<A>,
    second: B,
}

impl<A, B> Then<A, B> {
    pub(super) fn new(first: A, second: B) -> Self {
        Then { first: Some(first), second }
    }
}

impl<A: Generator, B: Generator> Generator for Then<A, B> {
    fn next(&mut self, context: &Context) -> Next {
        if let Some(first) = &mut self.first {
            match first.next(context) {
                Next::Exhausted => self.first = None,
                next => return next,
            }
        }
        self.second.next(context)
    }

    fn update(&mut self, context: &Context, event: &Event) {
        match &mut self.first {
            Some(first) => first.update(context, event),
            None => self.second.update(context, event),
        }
    }
}

/// See [`Generator::synchronize`].
#[derive(Debug, Clone)]
pub struct Synchronize<G> {
    inner: G,
    begun: bool,
}

impl<G> Synchronize<G> {
    pub(super) fn new(inner: G) -> Self {
        Synchronize { inner, begun: false }
    }
}

impl<G: Generator> Generator for Synchronize<G> {
    fn next(&mut self, context: &Context) -> Next {
        self.begun |= context.all_free();
        if self.begun { self.inner.next(context) } else { Next::PENDING }
    }

    fn update(&mut self, context: &Context, event: &Event) {
        self.inner.update(context, event);
    }
}

/// One after the other; each begins when every operation of the one before has ended.
pub fn phases<'a>(phases: impl IntoIterator<Item = Box<dyn Generator + 'a>>) -> Phases<'a> {
    Phases { left: phases.into_iter().collect(), waiting: true }
}

/// See [`phases`].
pub struct Phases<'a> {
    left: VecDeque<Box<dyn Generator + 'a>>,
    /// True while the first of `left` has not begun yet.
    waiting: bool,
}

impl Generator for Phases<'_> {
    fn next(&mut self, context: &Context) -> Next {
        while let Some(phase) = self.left.front_mut() {
            if self.waiting && !context.all_free() {
                return Next::PENDING;
            }
            self.waiting = false;
            match phase.next(context) {
                Next::Exhausted if context.all_free() => {
                    self.left.pop_front();
                    self.waiting = true;
                }
                // It still learns what becomes of its last operations.
                Next::Exhausted if self.left.len() > 1 => return Next::PENDING,
                next => return next,
            }
        }
        Next::Exhausted
    }

    fn update(&mut self, context: &Context, event: &Event) {
        if let Some(phase) = self.left.front_mut() {
            phase.update(context, event);
        }
    }
}

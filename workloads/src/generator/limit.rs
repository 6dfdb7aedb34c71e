//! A bounded number of operations.

use checker::history::Event;

use super::{Context, Generator, Next};

/// See [`Generator::limit`].
#[derive(Debug, Clone)]
pub struct Limit<G> {
    inner: G,
    left: u64,
}

impl<G> Limit<G> {
    pub(super) fn new(inner: G, count: u64) -> Self {
        Limit { inner, left: count }
    }
}

impl<G: Generator> Generator for Limit<G> {
    fn next(&mut self, context: &Context) -> Next {
        if self.left == 0 {
            return Next::Exhausted;
        }
        let next = self.inner.next(context);
        if let Next::Operation { .. } = next {
            self.left -= 1;
        }
        next
    }

    fn update(&mut self, context: &Context, event: &Event) {
        self.inner.update(context, event);
    }
}

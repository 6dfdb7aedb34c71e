//! Operations for a bounded time.

use std::time::Duration;

use checker::history::Event;

use super::next::sooner;
use super::{Context, Generator, Next};

/// See [`Generator::time_limit`].
#[derive(Debug, Clone)]
pub struct TimeLimit<G> {
    inner: G,
    limit: Duration,
    /// Known once it was asked.
    end: Option<Duration>,
}

impl<G> TimeLimit<G> {
    pub(super) fn new(inner: G, limit: Duration) -> Self {
        TimeLimit { inner, limit, end: None }
    }
}

impl<G: Generator> Generator for TimeLimit<G> {
    fn next(&mut self, context: &Context) -> Next {
        let end = *self.end.get_or_insert(context.time() + self.limit);
        if context.time() >= end {
            return Next::Exhausted;
        }
        match self.inner.next(context) {
            // A runner that waits for something must hear of the end.
            Next::Pending { until } => Next::Pending { until: sooner(until, Some(end)) },
            next => next,
        }
    }

    fn update(&mut self, context: &Context, event: &Event) {
        self.inner.update(context, event);
    }
}

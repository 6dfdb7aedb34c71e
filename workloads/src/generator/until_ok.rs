//! Again and again until it works.

use std::collections::BTreeSet;

use checker::history::{Event, EventType, Process};

use super::{Context, Generator, Next};

/// See [`Generator::until_ok`].
#[derive(Debug, Clone)]
pub struct UntilOk<G> {
    inner: G,
    /// The processes that carry out its operations: another generator's success is none of ours.
    acting: BTreeSet<u64>,
    done: bool,
}

impl<G> UntilOk<G> {
    pub(super) fn new(inner: G) -> Self {
        UntilOk { inner, acting: BTreeSet::new(), done: false }
    }
}

impl<G: Generator> Generator for UntilOk<G> {
    fn next(&mut self, context: &Context) -> Next {
        if self.done {
            return Next::Exhausted;
        }
        let next = self.inner.next(context);
        if let Next::Operation { thread, .. } = next {
            self.acting.insert(context.process(thread));
        }
        next
    }

    fn update(&mut self, context: &Context, event: &Event) {
        self.inner.update(context, event);
        if let Process::Client(process) = event.process
            && event.kind != EventType::Invoke
            && self.acting.remove(&process)
        {
            self.done |= event.kind == EventType::Ok;
        }
    }
}

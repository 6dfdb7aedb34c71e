//! Some threads for this, others for that.

use checker::history::Event;

use super::next::sooner;
use super::{Context, Generator, Next};

/// See [`Generator::on_threads`].
#[derive(Debug, Clone)]
pub struct OnThreads<G, P> {
    inner: G,
    chosen: P,
}

impl<G, P> OnThreads<G, P> {
    pub(super) fn new(inner: G, chosen: P) -> Self {
        OnThreads { inner, chosen }
    }
}

impl<G: Generator, P: Fn(usize) -> bool + Send> Generator for OnThreads<G, P> {
    fn next(&mut self, context: &Context) -> Next {
        let context = context.restricted(&self.chosen);
        // What no thread may do will never be done.
        if context.threads().len() == 0 { Next::Exhausted } else { self.inner.next(&context) }
    }

    fn update(&mut self, context: &Context, event: &Event) {
        let context = context.restricted(&self.chosen);
        if context.thread_of(event.process).is_some() {
            self.inner.update(&context, event);
        }
    }
}

/// The first threads for the first of `parts`, as many as it says, the next ones for the next, and
/// all others for `rest`.
///
/// # Panics
/// When asked with fewer threads than are reserved.
pub fn reserve<'a>(
    parts: impl IntoIterator<Item = (usize, Box<dyn Generator + 'a>)>,
    rest: Box<dyn Generator + 'a>,
) -> Reserve<'a> {
    let (counts, mut generators): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
    generators.push(rest);
    let exhausted = vec![false; generators.len()];
    Reserve { counts, generators, exhausted }
}

/// See [`reserve`].
pub struct Reserve<'a> {
    /// The number of threads of each part, the rest left out.
    counts: Vec<usize>,
    /// One for each part, and the rest's.
    generators: Vec<Box<dyn Generator + 'a>>,
    exhausted: Vec<bool>,
}

impl Reserve<'_> {
    /// The threads of every part, the rest's last.
    fn contexts(&self, context: &Context) -> Vec<Context> {
        let threads: Vec<usize> = context.threads().collect();
        let reserved: usize = self.counts.iter().sum();
        assert!(reserved <= threads.len(), "{reserved} of {} threads are reserved", threads.len());
        let mut left = threads.as_slice();
        let mut parts = Vec::new();
        for count in &self.counts {
            let (mine, others) = left.split_at(*count);
            parts.push(context.restricted(|thread| mine.contains(&thread)));
            left = others;
        }
        parts.push(context.restricted(|thread| left.contains(&thread)));
        parts
    }
}

impl Generator for Reserve<'_> {
    fn next(&mut self, context: &Context) -> Next {
        let contexts = self.contexts(context);
        // The part whose thread has been idle longest comes first, so that no part starves the
        // others; those without a free thread are asked too, whether there is anything left.
        let idle = |part: &usize| {
            let first = contexts[*part].free().first();
            let place = |thread| context.free().iter().position(|free| free == thread);
            first.and_then(place).unwrap_or(usize::MAX)
        };
        let mut order: Vec<usize> = (0..contexts.len()).collect();
        order.sort_by_key(idle);
        let mut again = None;
        for part in order {
            if self.exhausted[part] {
                continue;
            }
            if contexts[part].threads().len() == 0 {
                self.exhausted[part] = true;
                continue;
            }
            match self.generators[part].next(&contexts[part]) {
                Next::Pending { until } => again = sooner(again, until),
                Next::Exhausted => self.exhausted[part] = true,
                operation => return operation,
            }
        }
        if self.exhausted.iter().all(|exhausted| *exhausted) {
            Next::Exhausted
        } else {
            Next::Pending { until: again }
        }
    }

    fn update(&mut self, context: &Context, event: &Event) {
        let contexts = self.contexts(context);
        for (generator, context) in self.generators.iter_mut().zip(&contexts) {
            if context.thread_of(event.process).is_some() {
                generator.update(context, event);
            }
        }
    }
}

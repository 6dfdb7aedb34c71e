//! A generator of its own for every thread, or for every process.

use std::collections::BTreeMap;

use checker::history::{Event, Process};

use super::next::sooner;
use super::{Context, Generator, Next};

/// The owner of a generator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    Thread,
    Process,
}

/// A generator for every thread, made from its number when it is first free. It sees that thread
/// alone.
pub fn each_thread<G, F>(make: F) -> Each<G, F>
where
    G: Generator,
    F: FnMut(u64) -> G + Send,
{
    Each { owner: Owner::Thread, make, generators: BTreeMap::new() }
}

/// A generator for every process, made from its number when it is first free; one that takes the
/// place of another begins anew. It sees the thread of that process alone.
pub fn each_process<G, F>(make: F) -> Each<G, F>
where
    G: Generator,
    F: FnMut(u64) -> G + Send,
{
    Each { owner: Owner::Process, make, generators: BTreeMap::new() }
}

/// See [`each_thread`] and [`each_process`].
pub struct Each<G, F> {
    owner: Owner,
    make: F,
    /// By number of the thread or process; none when it is exhausted.
    generators: BTreeMap<u64, Option<G>>,
}

impl<G, F> Each<G, F> {
    fn number(&self, context: &Context, thread: usize) -> u64 {
        match self.owner {
            Owner::Thread => thread as u64,
            Owner::Process => context.process(thread),
        }
    }

    /// Processes that no longer act will never be asked again.
    fn forget_the_gone(&mut self, context: &Context) {
        if self.owner == Owner::Process && self.generators.len() > context.threads().len() {
            self.generators
                .retain(|process, _| context.thread_of(Process::Client(*process)).is_some());
        }
    }
}

impl<G: Generator, F: FnMut(u64) -> G + Send> Generator for Each<G, F> {
    fn next(&mut self, context: &Context) -> Next {
        self.forget_the_gone(context);
        let mut again = None;
        let mut exhausted = 0;
        for &thread in context.free() {
            let number = self.number(context, thread);
            let mine = self.generators.entry(number).or_insert_with(|| Some((self.make)(number)));
            let Some(generator) = mine else {
                exhausted += 1;
                continue;
            };
            match generator.next(&context.restricted(|other| other == thread)) {
                Next::Pending { until } => again = sooner(again, until),
                Next::Exhausted => {
                    *mine = None;
                    exhausted += 1;
                }
                operation => return operation,
            }
        }
        // A busy thread may have more to do, or get a new process.
        if exhausted == context.threads().len() {
            Next::Exhausted
        } else {
            Next::Pending { until: again }
        }
    }

    fn update(&mut self, context: &Context, event: &Event) {
        let Some(thread) = context.thread_of(event.process) else { return };
        let number = self.number(context, thread);
        if let Some(Some(generator)) = self.generators.get_mut(&number) {
            generator.update(&context.restricted(|other| other == thread), event);
        }
    }
}

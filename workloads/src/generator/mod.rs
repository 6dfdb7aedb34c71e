//! Where operations come from, and how streams of them are combined.
//!
//! A [`Generator`] is asked for the next operation with a [`Context`]: the time and the threads
//! that are free. It answers with an operation for one of them, with "not now", or with "never
//! again". It learns of every invocation and every completion. It does nothing else: whoever runs
//! it, a cluster's clients or [`simulation`](crate::simulation), owns clock and network.
//!
//! A *thread* is a place where one operation at a time is carried out; its number never changes.
//! The *process* that acts there is replaced by a new one when the outcome of an operation is
//! unknown, because that operation may still take effect.
//!
//! Combinators are Jepsen's, under their names where Rust has no other:
//!
//! | Jepsen | here |
//! |---|---|
//! | a map, a sequence of maps | [`operations`] |
//! | `(repeat op)`, a function | [`repeat`], [`from_fn`] |
//! | `mix`, with weights | [`mix`] |
//! | `[a b]`, `then` | [`Generator::then`] |
//! | `phases`, `synchronize` | [`phases`], [`Generator::synchronize`] |
//! | `limit`, `once`, `time-limit` | [`Generator::limit`], [`Generator::once`], [`Generator::time_limit`] |
//! | `stagger`, `delay` | [`Generator::stagger`], [`Generator::delay`] |
//! | `on-threads`, `reserve` | [`Generator::on_threads`], [`reserve`] |
//! | `each-thread`, `each-process` | [`each_thread`], [`each_process`] |
//! | `until-ok` | [`Generator::until_ok`] |
//!
//! ```
//! use std::time::Duration;
//! use serde_json::json;
//! use workloads::generator::{Generator, Invocation, mix, phases, repeat};
//!
//! // Reads and twice as many writes, about a hundred a second for ten seconds; when all of them
//! // have ended, one last read.
//! let read = Invocation::read("x");
//! let write = Invocation::mutation("write", "x", json!(1));
//! let load = mix(7, [(1, repeat(read.clone()).boxed()), (2, repeat(write).boxed())])
//!     .stagger(Duration::from_millis(10), 7)
//!     .time_limit(Duration::from_secs(10));
//! let _all = phases([load.boxed(), repeat(read).once().boxed()]);
//! ```

mod context;
mod each;
mod invocation;
mod limit;
mod mix;
mod operations;
mod pace;
mod phases;
mod threads;
mod time_limit;
mod until_ok;

use std::time::Duration;

use checker::history::Event;

pub use context::Context;
pub use each::{Each, each_process, each_thread};
pub use invocation::Invocation;
pub use limit::Limit;
pub use mix::{Mix, mix};
pub use operations::{FromFn, Operations, from_fn, operations, repeat};
pub use pace::{Delay, Stagger};
pub use phases::{Phases, Synchronize, Then, phases};
pub use threads::{OnThreads, Reserve, reserve};
pub use time_limit::TimeLimit;
pub use until_ok::UntilOk;

/// What a generator answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// That thread, which is free, invokes this now.
    Operation {
        /// One of [`Context::free`].
        thread: usize,
        /// What it does.
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

    /// The operation for whoever has been idle longest; pending when all are busy.
    pub fn for_anyone(context: &Context, invocation: impl FnOnce() -> Invocation) -> Next {
        match context.free().first() {
            Some(&thread) => Next::Operation { thread, invocation: invocation() },
            None => Next::PENDING,
        }
    }
}

/// A stream of operations that learns from what came of them.
///
/// A generator is a function of its options and of these calls alone. Once it has answered
/// [`Next::Exhausted`] it answers nothing else.
pub trait Generator: Send {
    /// The next operation. Whoever asks carries it out. It is never one for a thread that is busy:
    /// when all threads that the generator may use are, it is pending or exhausted.
    fn next(&mut self, context: &Context) -> Next;

    /// Learns of an invocation or a completion, its own or another generator's. At a completion
    /// the thread is free again, and its process is still the one that acted.
    fn update(&mut self, _context: &Context, _event: &Event) {}

    /// The generator as a trait object, to stand beside others.
    fn boxed<'a>(self) -> Box<dyn Generator + 'a>
    where
        Self: Sized + 'a,
    {
        Box::new(self)
    }

    /// At most that many operations.
    fn limit(self, count: u64) -> Limit<Self>
    where
        Self: Sized,
    {
        Limit::new(self, count)
    }

    /// One operation.
    fn once(self) -> Limit<Self>
    where
        Self: Sized,
    {
        self.limit(1)
    }

    /// Operations that begin before that much time has passed since it was first asked.
    fn time_limit(self, limit: Duration) -> TimeLimit<Self>
    where
        Self: Sized,
    {
        TimeLimit::new(self, limit)
    }

    /// Operations spread over time at uneven distances whose mean is `interval`: from none to
    /// twice as much.
    fn stagger(self, interval: Duration, seed: u64) -> Stagger<Self>
    where
        Self: Sized,
    {
        Stagger::new(self, interval, seed)
    }

    /// Operations that begin at even distances of `interval`.
    fn delay(self, interval: Duration) -> Delay<Self>
    where
        Self: Sized,
    {
        Delay::new(self, interval)
    }

    /// This one until it is exhausted, then the other, although operations may still be open.
    fn then<G: Generator>(self, next: G) -> Then<Self, G>
    where
        Self: Sized,
    {
        Then::new(self, next)
    }

    /// The same, begun when all threads are free.
    fn synchronize(self) -> Synchronize<Self>
    where
        Self: Sized,
    {
        Synchronize::new(self)
    }

    /// Operations for those threads only.
    fn on_threads<P: Fn(usize) -> bool + Send>(self, chosen: P) -> OnThreads<Self, P>
    where
        Self: Sized,
    {
        OnThreads::new(self, chosen)
    }

    /// Operations until one of them was ok.
    fn until_ok(self) -> UntilOk<Self>
    where
        Self: Sized,
    {
        UntilOk::new(self)
    }
}

impl<G: Generator + ?Sized> Generator for Box<G> {
    fn next(&mut self, context: &Context) -> Next {
        (**self).next(context)
    }

    fn update(&mut self, context: &Context, event: &Event) {
        (**self).update(context, event);
    }
}

impl<G: Generator + ?Sized> Generator for &mut G {
    fn next(&mut self, context: &Context) -> Next {
        (**self).next(context)
    }

    fn update(&mut self, context: &Context, event: &Event) {
        (**self).update(context, event);
    }
}

/// Of two times at which to ask again, the sooner.
fn sooner(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

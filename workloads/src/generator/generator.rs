//! The interface of a stream of operations.

use std::time::Duration;

use checker::history::Event;

use super::{
    Context, Delay, Limit, Next, OnThreads, Stagger, Synchronize, Then, TimeLimit, UntilOk,
};

/// A stream of operations that learns from what came of them.
///
/// A generator is a function of its options and of these calls alone. Once it has answered
/// [`Next::Exhausted`] it answers nothing else.
pub trait Generator: Send {
    /// The next operation, which the runner then carries out. It is never one for a thread that is
    /// busy: when all threads that the generator may use are, it is pending or exhausted.
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

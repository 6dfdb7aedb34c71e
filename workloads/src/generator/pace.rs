//! The times at which operations begin.

use std::time::Duration;

use checker::history::Event;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use super::{Context, Generator, Next};
use crate::stream;

/// Slots that were missed by less are made up for: a timer wakes a client that waits for a slot a
/// millisecond or more too late, and that must not lower the rate.
const CATCH_UP: Duration = Duration::from_millis(10);

/// The slots at which operations may begin. Those that all clients were too busy to take are
/// dropped, so that a stall is not followed by a burst.
#[derive(Debug, Clone, Default)]
struct Slots {
    /// None before the first was asked for.
    next: Option<Duration>,
}

impl Slots {
    /// The generator's answer if its time has come; `distance` is that to the slot after.
    fn pass(
        &mut self,
        inner: &mut impl Generator,
        context: &Context,
        interval: Duration,
        distance: impl FnOnce() -> Duration,
    ) -> Next {
        let now = context.time();
        let slot = *self.next.get_or_insert(now);
        if now < slot {
            return Next::Pending { until: Some(slot) };
        }
        let next = inner.next(context);
        if let Next::Operation { .. } = next {
            let taken = slot.max(now.saturating_sub(interval.max(CATCH_UP)));
            self.next = Some(taken + distance());
        }
        next
    }
}

/// See [`Generator::stagger`].
#[derive(Debug)]
pub struct Stagger<G> {
    inner: G,
    interval: Duration,
    rng: ChaCha8Rng,
    slots: Slots,
}

impl<G> Stagger<G> {
    pub(super) fn new(inner: G, interval: Duration, seed: u64) -> Self {
        Stagger { inner, interval, rng: stream(seed, "pace"), slots: Slots::default() }
    }
}

impl<G: Generator> Generator for Stagger<G> {
    fn next(&mut self, context: &Context) -> Next {
        let Stagger { inner, interval, rng, slots } = self;
        slots.pass(inner, context, *interval, || interval.mul_f64(rng.random_range(0.0..2.0)))
    }

    fn update(&mut self, context: &Context, event: &Event) {
        self.inner.update(context, event);
    }
}

/// See [`Generator::delay`].
#[derive(Debug, Clone)]
pub struct Delay<G> {
    inner: G,
    interval: Duration,
    slots: Slots,
}

impl<G> Delay<G> {
    pub(super) fn new(inner: G, interval: Duration) -> Self {
        Delay { inner, interval, slots: Slots::default() }
    }
}

impl<G: Generator> Generator for Delay<G> {
    fn next(&mut self, context: &Context) -> Next {
        self.slots.pass(&mut self.inner, context, self.interval, || self.interval)
    }

    fn update(&mut self, context: &Context, event: &Event) {
        self.inner.update(context, event);
    }
}

//! Counts of the operations that were answered, and their times.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use faults::host::OpSeen;

/// The kinds of operations that conditions distinguish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OpKind {
    Read,
    Write,
    Fsync,
    Metadata,
}

/// The operations of one kind since the last [`Counter::take`]. Counting takes no lock, so that a
/// disk without faults is as fast as it can be.
#[derive(Debug)]
pub(super) struct Counter {
    count: AtomicU64,
    errors: AtomicU64,
    /// Nanoseconds.
    total: AtomicU64,
    fastest: AtomicU64,
    slowest: AtomicU64,
}

impl Default for Counter {
    fn default() -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            count: zero(),
            errors: zero(),
            total: zero(),
            fastest: AtomicU64::new(u64::MAX),
            slowest: zero(),
        }
    }
}

impl Counter {
    /// An operation that took `time` is about to be answered.
    pub(super) fn record(&self, time: Duration, is_error: bool) {
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.errors.fetch_add(is_error.into(), Ordering::Relaxed);
        self.total.fetch_add(nanoseconds, Ordering::Relaxed);
        self.fastest.fetch_min(nanoseconds, Ordering::Relaxed);
        self.slowest.fetch_max(nanoseconds, Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// The counts so far.
    pub(super) fn seen(&self) -> OpSeen {
        let load = |value: &AtomicU64| value.load(Ordering::Relaxed);
        let count = load(&self.count);
        if count == 0 {
            return OpSeen::default();
        }
        OpSeen {
            count,
            errors: load(&self.errors),
            fastest_ms: milliseconds(load(&self.fastest)),
            mean_ms: milliseconds(load(&self.total)) / count as f64,
            slowest_ms: milliseconds(load(&self.slowest)),
        }
    }

    /// Returns the counts so far, and starts anew. An operation that is answered meanwhile may be
    /// counted half to either.
    pub(super) fn take(&self) -> OpSeen {
        let seen = self.seen();
        let fresh = Self::default();
        for (value, start) in [
            (&self.count, fresh.count),
            (&self.errors, fresh.errors),
            (&self.total, fresh.total),
            (&self.fastest, fresh.fastest),
            (&self.slowest, fresh.slowest),
        ] {
            value.store(start.into_inner(), Ordering::Relaxed);
        }
        seen
    }
}

fn milliseconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_ends_when_it_is_taken() {
        let counter = Counter::default();
        counter.record(Duration::from_millis(2), false);
        counter.record(Duration::from_millis(4), true);
        let seen = counter.take();
        assert_eq!((seen.count, seen.errors), (2, 1));
        assert_eq!((seen.fastest_ms, seen.mean_ms, seen.slowest_ms), (2.0, 3.0, 4.0));
        assert_eq!(counter.take(), OpSeen::default());
    }
}

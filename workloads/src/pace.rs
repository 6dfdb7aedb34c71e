//! When operations begin.

use std::time::Duration;

use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use crate::stream;

/// Spreads operations over time at a rate, at uneven distances, like Jepsen's `stagger`.
#[derive(Debug)]
pub struct Pace {
    rng: ChaCha8Rng,
    /// The mean distance of two operations; none for "as fast as the clients go".
    interval: Option<Duration>,
    next: Duration,
}

impl Pace {
    /// A pace of `rate` operations a second from all clients together; none for a closed loop.
    pub fn new(rate: Option<f64>, seed: u64) -> Self {
        let interval = rate.map(|rate| Duration::from_secs_f64(1.0 / rate));
        Pace { rng: stream(seed, "pace"), interval, next: Duration::ZERO }
    }

    /// Takes the next slot: the time since the start of the load at which an operation may begin,
    /// given that it is `now`. Slots that all clients were too busy to take are dropped, so that
    /// a stall is not followed by a burst.
    pub fn take(&mut self, now: Duration) -> Duration {
        let Some(interval) = self.interval else { return now };
        let slot = self.next.max(now.saturating_sub(interval));
        self.next = slot + interval.mul_f64(self.rng.random_range(0.0..2.0));
        slot
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_keep_the_rate() {
        let mut pace = Pace::new(Some(1_000.0), 1);
        let last = (0..10_000).map(|_| pace.take(Duration::ZERO)).last();
        let seconds = last.expect("ten thousand slots").as_secs_f64();
        assert!((9.5..10.5).contains(&seconds), "10,000 operations in {seconds} s");
    }

    #[test]
    fn a_stall_is_not_followed_by_a_burst() {
        let mut pace = Pace::new(Some(100.0), 1);
        pace.take(Duration::ZERO);
        let late = Duration::from_secs(60);
        let caught_up = (0..10).filter(|_| pace.take(late) < late).count();
        assert!(caught_up <= 3, "{caught_up} slots lay in the past");
    }
}

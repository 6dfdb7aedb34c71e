//! The patience of a client.

use std::time::Duration;

use rand::{Rng, RngExt};

/// Exponential backoff with jitter, within one deadline an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// From the first byte sent to the moment the client gives up. Long enough to outlive an
    /// election, short enough that a majority lost for seconds leaves operations of unknown
    /// outcome, which is when services break their promises.
    pub deadline: Duration,
    /// The longest time that one request may take: as long as the shortest election, far above what
    /// a healthy cluster takes. A paused node answers nothing; its client must have time left to ask
    /// others.
    pub attempt_timeout: Duration,
    /// The longest wait after the first error; it doubles with each further one.
    pub first_backoff: Duration,
    /// The longest wait of all, so that a client notices a new leader soon.
    pub longest_backoff: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        RetryPolicy {
            deadline: Duration::from_secs(3),
            attempt_timeout: Duration::from_millis(400),
            first_backoff: Duration::from_millis(10),
            longest_backoff: Duration::from_millis(300),
        }
    }
}

impl RetryPolicy {
    /// The wait before retry number `retry` (the first is 0): between half and all of a limit
    /// that doubles each time. The jitter keeps clients that failed together from returning
    /// together.
    pub fn backoff(&self, retry: u32, rng: &mut impl Rng) -> Duration {
        let doubled = self.first_backoff.saturating_mul(1 << retry.min(16));
        let limit = doubled.min(self.longest_backoff);
        limit.mul_f64(rng.random_range(0.5..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream;

    #[test]
    fn waits_double_up_to_the_longest_and_are_jittered() {
        let policy = RetryPolicy::default();
        let mut rng = stream(1, "test");
        for retry in 0..40 {
            let limit = policy.first_backoff.saturating_mul(1 << retry.min(16));
            let limit = limit.min(policy.longest_backoff);
            let waits: Vec<_> = (0..20).map(|_| policy.backoff(retry, &mut rng)).collect();
            assert!(waits.iter().all(|&wait| wait >= limit / 2 && wait <= limit));
            assert!(waits.windows(2).any(|pair| pair[0] != pair[1]), "no jitter");
        }
    }
}

//! The patience of a client.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

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
    /// The course of the waits.
    pub backoff: Backoff,
}

/// The course of the waits before a client tries again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backoff {
    /// They double, and each is drawn: clients that failed together do not come back together.
    #[default]
    Random,
    /// They double, alike for all clients.
    Even,
    /// They all are as short as the first.
    None,
}

impl Backoff {
    /// All there are.
    pub const ALL: [Backoff; 3] = [Backoff::Random, Backoff::Even, Backoff::None];

    /// The name that flags and plans have for it.
    pub fn name(self) -> &'static str {
        match self {
            Backoff::Random => "random",
            Backoff::Even => "even",
            Backoff::None => "none",
        }
    }
}

impl fmt::Display for Backoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that no backoff has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a backoff is random, even or none, not {0}")]
pub struct ParseBackoffError(String);

impl FromStr for Backoff {
    type Err = ParseBackoffError;

    fn from_str(name: &str) -> Result<Self, ParseBackoffError> {
        let found = Backoff::ALL.into_iter().find(|backoff| backoff.name() == name);
        found.ok_or_else(|| ParseBackoffError(name.into()))
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        RetryPolicy {
            deadline: Duration::from_secs(3),
            attempt_timeout: Duration::from_millis(400),
            first_backoff: Duration::from_millis(10),
            longest_backoff: Duration::from_millis(300),
            backoff: Backoff::Random,
        }
    }
}

impl RetryPolicy {
    /// The wait before retry number `retry` (the first is 0): usually between half and all of a
    /// limit that doubles each time. The jitter keeps clients that failed together from returning
    /// together.
    pub fn backoff(&self, retry: u32, rng: &mut impl Rng) -> Duration {
        let doubled = self.first_backoff.saturating_mul(1 << retry.min(16));
        let limit = doubled.min(self.longest_backoff);
        match self.backoff {
            Backoff::Random => limit.mul_f64(rng.random_range(0.5..=1.0)),
            Backoff::Even => limit,
            Backoff::None => self.first_backoff,
        }
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

    #[test]
    fn waits_are_alike_without_jitter_and_short_without_backoff() {
        let mut rng = stream(1, "test");
        let mut waits = |backoff, retry| {
            RetryPolicy { backoff, ..RetryPolicy::default() }.backoff(retry, &mut rng).as_millis()
        };
        assert_eq!([0, 1, 9].map(|retry| waits(Backoff::Even, retry)), [10, 20, 300]);
        assert_eq!([0, 1, 9].map(|retry| waits(Backoff::None, retry)), [10, 10, 10]);
    }

    #[test]
    fn backoffs_are_read_back_from_their_names() {
        for backoff in Backoff::ALL {
            assert_eq!(backoff.to_string().parse(), Ok(backoff));
            assert_eq!(serde_json::to_value(backoff).unwrap(), backoff.name());
        }
        assert!("some".parse::<Backoff>().is_err());
    }
}

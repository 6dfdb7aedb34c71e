//! Time as the core sees it.

use std::time::Duration;

/// A point in time: since an arbitrary start, by a clock that never goes back.
pub type Time = Duration;

/// The times that nodes wait for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Timings {
    /// The time between two heartbeats, with which a leader shows that it is alive.
    pub heartbeat: Duration,
    /// The shortest election timeout. For as long, a follower that heard its leader refuses
    /// pre-votes, and a leader that heard no majority stays leader.
    pub election_min: Duration,
    /// Election timeouts are drawn from `election_min..election_max`.
    pub election_max: Duration,
}

impl Timings {
    /// Those with such heartbeats and election timeouts between one and two such times.
    pub fn of(heartbeat: Duration, election: Duration) -> Timings {
        Timings { heartbeat, election_min: election, election_max: election * 2 }
    }
}

impl Default for Timings {
    /// Heartbeats every 50 ms and election timeouts of 400 to 800 ms. A follower stands only after
    /// eight heartbeats are missing, so that a busy machine or a slow barrier of the disk deposes
    /// no one; and among five nodes the first of them stands after about half a second, so that a
    /// cluster serves within one second of its start, of a crash of its leader, or of a heal.
    fn default() -> Timings {
        Timings::of(Duration::from_millis(50), Duration::from_millis(400))
    }
}

/// The random part of election timeouts: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014). One word
/// of state, so that a node can be compared and hashed by a model checker.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Jitter(Option<u64>);

impl Jitter {
    /// A stream of its own for each seed.
    pub(super) fn new(seed: u64) -> Jitter {
        Jitter(Some(seed))
    }

    /// No random part: every election timeout is the shortest.
    pub(super) fn none() -> Jitter {
        Jitter(None)
    }

    /// The next election timeout.
    pub(super) fn election_timeout(&mut self, timings: &Timings) -> Duration {
        let Some(state) = &mut self.0 else { return timings.election_min };
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = *state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^= word >> 31;
        let spread = (timings.election_max - timings.election_min).as_micros() as u64;
        timings.election_min + Duration::from_micros(word % spread.max(1))
    }
}

//! A fault with its time, and the random streams that everything about it is drawn from.

use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

use super::Entry;
use crate::fault::{Family, Fault};
use crate::trigger::Trigger;

/// A fault with its place on the timeline.
#[derive(Debug, Clone)]
pub(super) struct Planned {
    /// When it begins, in seconds: on the timeline after the load began, in a composition after the
    /// composition did.
    pub begins: f64,
    /// For how many seconds it lasts.
    pub lasts: f64,
    /// The seed of what is left open until it fires.
    pub pick: u32,
    /// The name that it gives to the nodes it hits, see [`Entry::named`](super::Entry::named).
    pub named: Option<String>,
    /// The name of the nodes that it hits, see [`Entry::on`](super::Entry::on).
    pub on: Option<String>,
    /// The moment at which it begins, see [`Entry::when`](super::Entry::when).
    pub when: Option<Trigger>,
    /// The fault.
    pub fault: Fault,
    /// The name of the composition that it belongs to; none if it came alone.
    pub composition: Option<String>,
}

impl Planned {
    /// When it is over, at the latest.
    pub fn ends(&self) -> f64 {
        let waits = self.when.as_ref().map_or(0.0, |trigger| trigger.within.as_secs_f64());
        self.begins + waits + self.lasts
    }

    /// Its entry in a schedule.
    pub fn entry(self, id: u32) -> Entry {
        let Self { begins, lasts, pick, named, on, when, fault, composition: _ } = self;
        let (at, lasts) = (milliseconds(begins), milliseconds(lasts));
        Entry { id, at, lasts, pick, named, on, when, fault }
    }
}

/// The random stream numbered `number` of `seed`.
pub(super) fn stream(seed: u64, number: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(number);
    random
}

/// A time to the millisecond.
fn milliseconds(seconds: f64) -> Duration {
    Duration::from_millis((seconds * 1e3).round() as u64)
}

/// The random streams from which each family draws its own places.
pub(super) struct Streams(Vec<ChaCha8Rng>);

impl Streams {
    pub fn new(seed: u64) -> Self {
        // A family's stream is numbered by its place in the list of all, never of those asked for.
        Self((1..).take(Family::ALL.len()).map(|number| stream(seed, number)).collect())
    }

    /// Others, from which the moments of each family's faults are drawn.
    pub fn of_moments(seed: u64) -> Self {
        let first = Self::MOMENTS;
        Self((first..).take(Family::ALL.len()).map(|number| stream(seed, number)).collect())
    }

    /// The number of the first stream of moments, far behind those of all families.
    const MOMENTS: u64 = 1000;

    /// The stream of one family.
    pub fn of(&mut self, family: Family) -> &mut ChaCha8Rng {
        &mut self.0[family as usize]
    }
}

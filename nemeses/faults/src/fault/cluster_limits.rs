//! The limits of a cluster that a fault keeps to, and the drawing of numbers and choices.

use std::time::Duration;

use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use super::{Aim, MembershipChange, StoreWork};

/// The time that a fault lasts which is done as soon as it has begun, in seconds.
pub(crate) const MOMENT: f64 = 0.1;

/// The numbers of nodes that a fault may have when it is drawn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClusterLimits {
    /// The number of nodes in the cluster.
    pub nodes: usize,
    /// The most that any fault may be aimed at.
    pub most: usize,
    /// The most that a fault may take down.
    pub most_down: usize,
    /// The range in which the service's own timers lie.
    pub timers: TimerRange,
    /// The requests that the service understands.
    pub abilities: Abilities,
}

/// The requests that a service understands, of those that families make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abilities {
    /// The changes of membership.
    pub changes: &'static [MembershipChange],
    /// The work on stores.
    pub work: &'static [StoreWork],
}

impl Default for Abilities {
    /// Those that most services have which can be asked at all.
    fn default() -> Self {
        Self {
            changes: &[MembershipChange::Remove, MembershipChange::Replace],
            work: &[StoreWork::Compact, StoreWork::Defragment],
        }
    }
}

/// The range in which the timers of a service and of its clients lie, from a heartbeat to several
/// election timeouts. A delay finds most when it is about as long as something that waits for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimerRange {
    /// Milliseconds.
    pub shortest_ms: f64,
    /// Milliseconds.
    pub longest_ms: f64,
    /// The shortest election timeout, in milliseconds.
    pub election_ms: f64,
}

/// A delay beyond so many of the shortest election timeouts finds nothing that a shorter one does
/// not: four of the longest, which is about twice as long as the shortest.
const ELECTIONS: f64 = 8.0;

/// The longest delay of a composition, unless heartbeats take as long.
const LONGEST_COMPOSED_MS: f64 = 5000.0;

/// A fault that comes later than this share of an election timeout may meet another cluster than the
/// one that it was meant for.
const LATE_SHARE: f64 = 0.2;

/// A delay shows in a fault that lasts so many times as long.
const DELAYS: f64 = 2.0;

/// The seconds that a fault must last to show a delay of so many milliseconds.
pub(crate) fn seconds_to_show(delay_ms: f64) -> f64 {
    delay_ms / 1e3 * DELAYS
}

impl TimerRange {
    /// That of a service whose timers are known: the interval of its heartbeats, and its shortest
    /// election timeout.
    pub fn of(heartbeat: Duration, election: Duration) -> Self {
        let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
        let election_ms = milliseconds(election).max(1.0);
        let shortest_ms = milliseconds(heartbeat).max(1.0);
        let longest_ms = (election_ms * ELECTIONS).max(2.0 * shortest_ms);
        Self { shortest_ms, longest_ms, election_ms }
    }

    /// The same with clients that give an answer up after this time.
    #[must_use]
    pub fn with_client(self, deadline: Duration) -> Self {
        Self { longest_ms: self.longest_ms.max(deadline.as_secs_f64() * 1e3), ..self }
    }

    /// The time by which a fault may be late before it counts as late, in whole milliseconds.
    pub fn late_ms(&self) -> u64 {
        (self.election_ms * LATE_SHARE).round().max(1.0) as u64
    }

    /// The shortest and the longest delay of a composition, in milliseconds: its links are slow for a
    /// few seconds, and what takes longer than that is a cut.
    pub(crate) fn within_compositions(&self) -> (f64, f64) {
        let longest = self.longest_ms.min(LONGEST_COMPOSED_MS);
        (self.shortest_ms, longest.max(2.0 * self.shortest_ms))
    }

    /// Draws a delay for a fault that lasts at most so many seconds, in milliseconds.
    pub(crate) fn draw(&self, seconds: f64, random: &mut ChaCha8Rng) -> f64 {
        let longest = self.longest_ms.min((seconds * 1e3 / DELAYS).round());
        let (evenly, part) = (random.random_bool(EVENLY), random.random_range(0.0..1.0));
        spread(self.shortest_ms.min(longest), longest, evenly, part).round()
    }
}

/// Between 0.05 and 5 s, where services have timers of their own when nothing is known of them, and
/// elections after half a second.
impl Default for TimerRange {
    fn default() -> Self {
        Self { shortest_ms: 50.0, longest_ms: 5000.0, election_ms: 500.0 }
    }
}

impl ClusterLimits {
    /// Draws the aim of a fault that takes no node down. Where the table has none for so small a
    /// cluster it is the leader.
    pub fn aim(&self, weights: &[(Aim, u32)], random: &mut ChaCha8Rng) -> Aim {
        self.at_most(self.most, weights, random)
    }

    /// Draws whom a fault is aimed at that takes its nodes down.
    pub fn aim_down(&self, weights: &[(Aim, u32)], random: &mut ChaCha8Rng) -> Aim {
        self.at_most(self.most.min(self.most_down), weights, random)
    }

    fn at_most(&self, most: usize, weights: &[(Aim, u32)], random: &mut ChaCha8Rng) -> Aim {
        let fits = |aim: Aim| (1..=most).contains(&aim.count(self.nodes));
        if weights.iter().any(|(aim, _)| fits(*aim)) {
            weighted(weights, fits, random)
        } else {
            Aim::Leader
        }
    }
}

/// Draws one of `weights` that `fits`, each as often as its weight says.
///
/// # Panics
/// When none fits: the tables beside the families always hold one that does.
pub(crate) fn weighted<T: Copy>(
    weights: &[(T, u32)],
    fits: impl Fn(T) -> bool,
    random: &mut ChaCha8Rng,
) -> T {
    let fitting: Vec<_> = weights.iter().filter(|(choice, _)| fits(*choice)).collect();
    let mut left = random.random_range(0..fitting.iter().map(|(_, weight)| weight).sum());
    for (choice, weight) in fitting {
        if left < *weight {
            return *choice;
        }
        left -= weight;
    }
    unreachable!("what is left is below the sum of the weights")
}

/// This share of delays, stalls and pauses is drawn evenly over the whole range, so that those beyond
/// an election timeout are no exception; of the others each power of ten is drawn as often as any
/// other, or those about a heartbeat would be one.
pub(crate) const EVENLY: f64 = 0.5;

/// The number at this part of the way from one to another: `evenly`, or along powers of ten.
pub(crate) fn spread(least: f64, most: f64, evenly: bool, part: f64) -> f64 {
    if evenly { least + (most - least) * part } else { least * (most / least).powf(part) }
}

/// Draws a number between two others, each power of ten as often as any other.
pub(crate) fn between(least: f64, most: f64, random: &mut ChaCha8Rng) -> f64 {
    spread(least, most, false, random.random_range(0.0..1.0))
}

/// The same as a whole number.
pub(crate) fn whole_between(least: f64, most: f64, random: &mut ChaCha8Rng) -> f64 {
    between(least, most, random).round()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn the_range_of_timers_follows_from_heartbeat_election_and_client() {
        let of = |heartbeat, election, client| {
            let ms = Duration::from_millis;
            TimerRange::of(ms(heartbeat), ms(election)).with_client(ms(client))
        };
        let expect = |shortest_ms, longest_ms, election_ms| TimerRange {
            shortest_ms,
            longest_ms,
            election_ms,
        };
        assert_eq!(of(50, 400, 3000), expect(50.0, 3200.0, 400.0));
        assert_eq!(of(100, 150, 3000), expect(100.0, 3000.0, 150.0));
        assert_eq!(of(50, 400, 3000).within_compositions(), (50.0, 3200.0));
        assert_eq!(of(1000, 4000, 3000).within_compositions(), (1000.0, 5000.0));
        assert_eq!(of(3000, 9000, 3000).within_compositions(), (3000.0, 6000.0));
        assert_eq!(of(50, 400, 3000).late_ms(), 80);
        assert_eq!(of(1000, 4000, 3000).late_ms(), 800);
        assert_eq!(TimerRange::default().late_ms(), 100);
    }

    #[test]
    fn long_delays_and_short_ones_are_drawn_often() {
        let bundled = TimerRange::of(Duration::from_millis(50), Duration::from_millis(400))
            .with_client(Duration::from_secs(3));
        for timers in [TimerRange::default(), bundled] {
            let mut random = ChaCha8Rng::seed_from_u64(1);
            let mut draw = |seconds| -> Vec<f64> {
                (0..1000).map(|_| timers.draw(seconds, &mut random)).collect()
            };
            let drawn = draw(60.0);
            let share = |is: &dyn Fn(f64) -> bool| {
                drawn.iter().filter(|delay| is(**delay)).count() as f64 / 1000.0
            };
            assert_eq!(
                share(&|delay| (timers.shortest_ms..=timers.longest_ms).contains(&delay)),
                1.0
            );
            assert!(share(&|delay| delay > timers.election_ms) >= 0.6, "{timers:?}");
            // What was drawn in 17 % of all along powers of ten.
            assert!(share(&|delay| delay > timers.longest_ms / 2.0) >= 0.3, "{timers:?}");
            assert!(share(&|delay| delay < 3.0 * timers.shortest_ms) >= 0.1, "{timers:?}");
            let short = draw(1.0);
            assert!(short.iter().all(|delay| (50.0..=500.0).contains(delay)));
            assert_eq!(draw(0.04)[0], 20.0, "no longer than there is room");
        }
    }
}

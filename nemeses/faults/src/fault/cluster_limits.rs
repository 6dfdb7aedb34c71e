//! The limits of a cluster that a fault keeps to, and the drawing of numbers and choices.

use std::time::Duration;

use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use super::Aim;

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
}

/// The range in which the timers of a service and of its clients lie, from a heartbeat to several
/// election time-outs. A delay finds most when it is about as long as something that waits for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimerRange {
    /// Milliseconds.
    pub shortest_ms: f64,
    /// Milliseconds.
    pub longest_ms: f64,
}

/// A delay beyond so many election time-outs finds nothing that a shorter one does not.
const ELECTIONS: u32 = 4;

impl TimerRange {
    /// That of a service whose timers are known: the interval of its heartbeats, its longest
    /// election time-out, and the time after which clients give an answer up.
    pub fn of(heartbeat: Duration, election: Duration, client: Duration) -> Self {
        let longest = (election * ELECTIONS).max(client);
        let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
        let shortest_ms = milliseconds(heartbeat).max(1.0);
        Self { shortest_ms, longest_ms: milliseconds(longest).max(2.0 * shortest_ms) }
    }

    /// Draws a delay, each power of ten as often as any other.
    pub(crate) fn draw(&self, random: &mut ChaCha8Rng) -> f64 {
        whole_between(self.shortest_ms, self.longest_ms, random)
    }
}

/// Between 0.05 and 5 s, where services have timers of their own when nothing is known of them.
impl Default for TimerRange {
    fn default() -> Self {
        Self { shortest_ms: 50.0, longest_ms: 5000.0 }
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

/// Draws a number between two others, each power of ten as often as any other.
pub(crate) fn between(least: f64, most: f64, random: &mut ChaCha8Rng) -> f64 {
    least * (most / least).powf(random.random_range(0.0..1.0))
}

/// The same as a whole number.
pub(crate) fn whole_between(least: f64, most: f64, random: &mut ChaCha8Rng) -> f64 {
    between(least, most, random).round()
}

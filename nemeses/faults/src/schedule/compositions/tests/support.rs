//! Drawing compositions in tests.

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

use super::super::{Composition, Compositions};
use crate::fault::{Abilities, ClusterLimits, MembershipChange, TimerRange};
use crate::schedule::planned::{Planned, Streams};

/// A composition with each kind of value.
pub const VALUES: &str = include_str!("golden/values.toml");

pub fn limits(nodes: usize, most_down: usize) -> ClusterLimits {
    use MembershipChange::{Demote, Remove, Replace};
    let changes = &[Remove, Replace, Demote];
    let (timers, abilities) =
        (TimerRange::default(), Abilities { changes, ..Abilities::default() });
    ClusterLimits { nodes, most: nodes, most_down, timers, abilities }
}

/// So many drawings of it from one seed.
pub fn drawings(
    composition: &Composition,
    limits: ClusterLimits,
    seed: u64,
    count: usize,
) -> Vec<Vec<Planned>> {
    let (mut random, mut streams) = (ChaCha8Rng::seed_from_u64(seed), Streams::new(seed));
    let mut draw = || composition.draw(&limits, &mut random, &mut streams).unwrap();
    (0..count).map(|_| draw()).collect()
}

pub fn find(name: &str) -> Composition {
    let all = Compositions::shipped();
    all.iter().find(|it| it.name() == name).unwrap_or_else(|| panic!("no {name}")).clone()
}

/// The only composition of a text that is not among those that come along.
pub fn own(text: &str) -> Composition {
    Compositions::read(text).unwrap().iter().last().unwrap().clone()
}

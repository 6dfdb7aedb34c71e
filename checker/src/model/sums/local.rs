//! Contradictions of a few levels, no matter what was before them and what became of all others.

use std::collections::BTreeSet;

use crate::model::sums::levels::{Item, Levels};
use crate::model::sums::terms::{Addition, Read};
use crate::model::sums::way::{Effort, Gap, Way};

/// The number of ways that are kept at a time; more of them are as hard as the whole.
const WIDTH: usize = 256;

/// Sets that are looked at in one gap.
const EFFORT: Effort = Effort { sets: 256, fills: 0, alike: usize::MAX };

/// The most levels that are looked at.
const MOST_LEVELS: usize = 1024;

/// Looks for operations that contradict each other among the reads of the last levels up to one,
/// and the additions in between. The additions that may have been placed before the first of these
/// levels are taken to have been, and any others to bring any sum: what can be placed, is placed.
/// `reads` are those of each level.
pub(super) fn contradiction(
    additions: &[Addition],
    reads: &[&[Read]],
    level: usize,
    steps: &mut u64,
) -> Option<Vec<usize>> {
    let mut reach = 1;
    while reach <= level.min(MOST_LEVELS) {
        let reads = reads[level - reach..=level].concat();
        if let Some(found) = among(additions, &reads, steps) {
            return Some(found);
        }
        reach *= 2;
    }
    None
}

/// Judges the reads of adjacent levels.
fn among(additions: &[Addition], reads: &[Read], steps: &mut u64) -> Option<Vec<usize>> {
    let begin = reads.iter().map(|read| read.returned).min()?;
    let end = reads.iter().map(|read| read.invoked).max()?;
    let within: Vec<Addition> = additions
        .iter()
        .filter(|it| it.invoked > begin && it.returned.is_some_and(|returned| returned < end))
        .copied()
        .collect();
    let levels = Levels::of(0, &within, reads);
    let count = levels.levels.len();
    // Those that may have been placed before do not count.
    let is_between = |item: &Item| item.first > 0 && item.last < count;
    let mut ways = vec![Way::start(&levels)];
    let mut open: Vec<u32> = Vec::new();
    for level in 1..count {
        levels.advance(&mut open, level);
        let items = open.iter().map(|number| &levels.items[*number as usize]);
        let items = items.filter(|item| is_between(item)).collect();
        let mut gap = Gap::new(&levels, level, items, EFFORT);
        let mut found = Vec::new();
        for way in &ways {
            gap.free_ways(way, &mut found);
        }
        ways = gap.best_of(found, WIDTH);
        *steps += gap.steps;
        if gap.was_cut {
            return None;
        }
        if ways.is_empty() {
            let through = |item: &&Addition| {
                let last = levels.items.iter().find(|it| it.invoked == item.invoked);
                last.is_some_and(|it| is_between(it) && it.last <= level)
            };
            let places: BTreeSet<usize> = within
                .iter()
                .filter(through)
                .map(|addition| addition.place)
                .chain(reads.iter().map(|read| read.place))
                .collect();
            return Some(places.into_iter().collect());
        }
    }
    None
}

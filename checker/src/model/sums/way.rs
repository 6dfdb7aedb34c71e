//! The sets placed by some level, and the ways on from there.

use std::collections::BTreeSet;
use std::rc::Rc;

use crate::model::sums::coins::fill;
use crate::model::sums::levels::{Item, Levels};

/// The sets of the levels up to one, as far as the levels behind can tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Way {
    /// The bits of the items that are placed although they need not be yet.
    pub(super) placed: Box<[u64]>,
    /// For each amount, the number of additions of unknown outcome that are placed.
    pub(super) used: Rc<[u32]>,
    /// The sum of these.
    pub(super) unknown: i128,
}

/// The most that is looked at in one gap.
#[derive(Debug, Clone, Copy)]
pub(super) struct Effort {
    /// Sets of items.
    pub(super) sets: usize,
    /// Ways to make one sum of additions of unknown outcome.
    pub(super) fills: usize,
}

/// The gap before a level.
pub(super) struct Gap<'a> {
    pub(super) levels: &'a Levels,
    pub(super) level: usize,
    /// The items that may be placed here and must not yet, by return.
    pub(super) open: Vec<&'a Item>,
    pub(super) effort: Effort,
    /// Counts the sets that were looked at.
    pub(super) steps: u64,
    /// True if not everything was looked at.
    pub(super) was_cut: bool,
}

/// A set of the free items of a gap: a bit for each.
type Set = u128;

/// A set that can be placed in a gap, with the sum that is missing then.
struct Partial {
    set: Set,
    missing: i128,
    /// The first return of what is not placed: nothing that was invoked later can be.
    over: u64,
    /// The amounts of items that could come next.
    next: Vec<i128>,
}

impl Way {
    pub(super) fn start(levels: &Levels) -> Way {
        let used = vec![0; levels.unknown.len()].into();
        Way { placed: vec![0; levels.words].into(), used, unknown: 0 }
    }

    pub(super) fn has(&self, item: &Item) -> bool {
        self.placed[item.slot / 64] >> (item.slot % 64) & 1 == 1
    }

    fn toggle(&mut self, item: &Item) {
        self.placed[item.slot / 64] ^= 1 << (item.slot % 64);
    }

    /// Returns whether every order that goes on from `other` shows one that goes on from `self`:
    /// it has the same items placed and others besides, for each of which the other used one of
    /// the same amount that need not have happened.
    fn covers(&self, other: &Way, gap: &Gap<'_>) -> bool {
        let words = self.placed.iter().zip(&other.placed);
        if words.fold(0, |lacks, (own, its)| lacks | its & !own) != 0 {
            return false;
        }
        let mut used = other.used.to_vec();
        let more = gap.open.iter().filter(|item| self.has(item) && !other.has(item));
        for item in more {
            let amount = |(amount, _): &(i128, Vec<u64>)| *amount == item.amount;
            let group = gap.levels.unknown.iter().position(amount);
            match group.map(|group| &mut used[group]) {
                Some(used) if *used > 0 => *used -= 1,
                _ => return false,
            }
        }
        used[..] == self.used[..]
    }
}

impl<'a> Gap<'a> {
    /// Places what must be placed here. None if that is too much; else what is left of the rise.
    fn place_due(&self, way: &mut Way) -> Option<i128> {
        let mut missing = self.levels.rise(self.level);
        for item in self.levels.due(self.level) {
            // What has no choice has no bit.
            if item.first < self.level && way.has(item) {
                way.toggle(item);
            } else {
                missing -= item.amount;
            }
        }
        (missing >= 0).then_some(missing)
    }

    /// The items that are open and not placed, by return.
    fn free(&mut self, way: &Way) -> Vec<&'a Item> {
        let mut free: Vec<&Item> = self.open.iter().copied().filter(|it| !way.has(it)).collect();
        if free.len() > Set::BITS as usize {
            self.was_cut = true;
            free.truncate(Set::BITS as usize);
        }
        free
    }

    /// The sets of items that can be placed for a rise: the empty one first.
    fn partials(&mut self, free: &[&Item], missing: i128) -> Vec<Partial> {
        let mut partials: Vec<Partial> = Vec::new();
        let mut seen = BTreeSet::from([0]);
        let mut open = vec![(0, missing)];
        while let Some((set, missing)) = open.pop() {
            if partials.len() == self.effort.sets {
                self.was_cut = true;
                break;
            }
            self.steps += 1 + free.len() as u64 / 8;
            let left = || (0..free.len()).filter(|at| set >> at & 1 == 0);
            let over = left().next().map_or(u64::MAX, |first| free[first].returned);
            let mut next: Vec<i128> = Vec::new();
            for at in left().filter(|at| free[*at].invoked < over) {
                let amount = free[at].amount;
                if amount > missing || next.contains(&amount) {
                    continue;
                }
                next.push(amount);
                let more = set | 1 << at;
                if seen.insert(more) {
                    open.push((more, missing - amount));
                }
            }
            partials.push(Partial { set, missing, over, next });
        }
        partials
    }

    fn with(&self, way: &Way, free: &[&Item], set: Set) -> Way {
        let mut way = way.clone();
        free.iter().enumerate().filter(|(at, _)| set >> at & 1 == 1).for_each(|(_, item)| {
            way.toggle(item);
        });
        way
    }

    /// The ways past the level without additions of unknown outcome.
    pub(super) fn known_ways(&mut self, way: &Way, found: &mut Vec<Way>) {
        let mut way = way.clone();
        let Some(missing) = self.place_due(&mut way) else { return };
        let free = self.free(&way);
        for partial in self.partials(&free, missing) {
            if partial.missing == 0 {
                found.push(self.with(&way, &free, partial.set));
            }
        }
    }

    /// The ways past the level with some additions of unknown outcome.
    pub(super) fn unknown_ways(&mut self, way: &Way, found: &mut Vec<Way>) {
        let mut way = way.clone();
        let Some(missing) = self.place_due(&mut way) else { return };
        let free = self.free(&way);
        let first_return = self.levels.levels[self.level].first_return;
        for partial in self.partials(&free, missing).iter().filter(|it| it.missing > 0) {
            if way.unknown + partial.missing > self.levels.most_unknown[self.level] {
                continue;
            }
            let until = partial.over.min(first_return);
            let groups = self.levels.unknown.iter().zip(&*way.used);
            let available: Vec<(i128, u32)> = groups
                .map(|((amount, invoked), used)| {
                    // One of known outcome comes before one of unknown outcome.
                    let is_next = partial.next.contains(amount);
                    let begun = invoked.partition_point(|invoked| *invoked < until) as u32;
                    (*amount, if is_next { 0 } else { begun - used })
                })
                .collect();
            let fills = fill(partial.missing, &available, self.effort.fills);
            self.steps += fills.steps;
            self.was_cut |= fills.was_cut;
            for counts in fills.found {
                let mut next = self.with(&way, &free, partial.set);
                let used = Rc::make_mut(&mut next.used);
                for (used, count) in used.iter_mut().zip(counts) {
                    *used += count;
                }
                next.unknown += partial.missing;
                found.push(next);
            }
        }
    }

    /// The ways past the level if any sum can come from additions of unknown outcome: those that
    /// leave nothing out that can be placed. If one of them leads on from here, one of these does.
    pub(super) fn free_ways(&mut self, way: &Way, found: &mut Vec<Way>) {
        let mut way = way.clone();
        let Some(missing) = self.place_due(&mut way) else { return };
        let free = self.free(&way);
        for partial in self.partials(&free, missing) {
            if partial.next.is_empty() {
                found.push(self.with(&way, &free, partial.set));
            }
        }
    }

    /// The most promising ways that no other one covers, at most `width`.
    pub(super) fn best_of(&mut self, mut ways: Vec<Way>, width: usize) -> Vec<Way> {
        if ways.len() < 2 {
            return ways;
        }
        let coins = |way: &Way| way.used.iter().sum::<u32>();
        ways.sort_by_cached_key(|way| (way.unknown, coins(way), way.placed.clone()));
        let mut kept: Vec<Way> = Vec::new();
        for way in ways {
            self.steps += 1 + kept.len() as u64 / 8;
            if kept.iter().any(|other| other.covers(&way, self)) {
                continue;
            }
            if kept.len() == width {
                self.was_cut = true;
                break;
            }
            kept.push(way);
        }
        kept
    }
}

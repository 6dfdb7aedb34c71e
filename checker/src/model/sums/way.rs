//! The sets placed by some level, and the ways on from there.

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

/// The unit in which it is counted how bad a way is.
const URGENCY: i128 = 1024;

/// The most that is looked at in one gap.
#[derive(Debug, Clone, Copy)]
pub(super) struct Effort {
    /// Sets of items.
    pub(super) sets: usize,
    /// Ways to make one sum of additions of unknown outcome.
    pub(super) fills: usize,
    /// Ways with the same items placed, which differ in the additions of unknown outcome.
    pub(super) alike: usize,
}

/// The gap before a level.
pub(super) struct Gap<'a> {
    levels: &'a Levels,
    level: usize,
    /// The items that may be placed here and must not yet, by return.
    open: Vec<&'a Item>,
    /// Their amounts, each once.
    amounts: Vec<i128>,
    /// For each of them, the place of its amount.
    amount_of: Vec<usize>,
    /// For each of them, how bad it is to leave it out.
    urgency: Vec<i128>,
    effort: Effort,
    /// Counts the sets that were looked at.
    pub(super) steps: u64,
    /// True if not everything was looked at.
    pub(super) was_cut: bool,
}

/// A set of the free items of a gap, or of the amounts of open ones: a bit for each.
type Set = u128;

/// A set that can be placed in a gap, with the sum that is missing then.
struct Partial {
    set: Set,
    missing: i128,
    /// The first return of what is not placed: nothing that was invoked later can be.
    over: u64,
    /// The amounts of items that could come next.
    next: Set,
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
    /// The gap before a level, with the items that may be placed there and must not yet.
    pub(super) fn new(
        levels: &'a Levels,
        level: usize,
        mut open: Vec<&'a Item>,
        effort: Effort,
    ) -> Gap<'a> {
        open.sort_by_key(|item| item.returned);
        let was_cut = open.len() > Set::BITS as usize;
        open.truncate(Set::BITS as usize);
        let mut amounts: Vec<i128> = Vec::new();
        let amount_of = open.iter().map(|item| {
            amounts.iter().position(|amount| *amount == item.amount).unwrap_or_else(|| {
                amounts.push(item.amount);
                amounts.len() - 1
            })
        });
        let amount_of = amount_of.collect();
        let urgency = open.iter().map(|item| URGENCY * item.amount / (item.last - level) as i128);
        let urgency = urgency.collect();
        Gap { levels, level, open, amounts, amount_of, urgency, effort, steps: 0, was_cut }
    }

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
    fn free(&self, way: &Way) -> Vec<usize> {
        (0..self.open.len()).filter(|at| !way.has(self.open[*at])).collect()
    }

    /// The sets of items that can be placed for a rise. Those that returned before the first one
    /// that is left out are in a set; of the others that were invoked before that return, and have
    /// one amount, those that returned first.
    fn partials(&mut self, free: &[usize], missing: i128) -> Vec<Partial> {
        let mut partials = Vec::new();
        self.steps += 1 + free.len() as u64 / 8;
        let (mut set, mut missing) = (0, missing);
        for at in 0..=free.len() {
            let first_left = free.get(at).map(|item| self.open[*item]);
            let over = first_left.map_or(u64::MAX, |item| item.returned);
            let next = free.get(at).map_or(0, |item| 1 << self.amount_of[*item]);
            let partial = Partial { set, missing, over, next };
            self.choose(free, at + 1, partial, &mut partials);
            match first_left.filter(|item| item.amount <= missing) {
                Some(item) => (set, missing) = (set | 1 << at, missing - item.amount),
                None => break,
            }
        }
        partials
    }

    /// Adds to a set some of the free items from a place on.
    fn choose(
        &mut self,
        free: &[usize],
        from: usize,
        mut partial: Partial,
        found: &mut Vec<Partial>,
    ) {
        for at in from..free.len() {
            let (item, amount) = (self.open[free[at]], 1 << self.amount_of[free[at]]);
            if item.invoked >= partial.over || partial.next & amount != 0 {
                continue;
            }
            if item.amount <= partial.missing {
                let (set, missing) = (partial.set | 1 << at, partial.missing - item.amount);
                self.choose(free, at + 1, Partial { set, missing, ..partial }, found);
            }
            partial.next |= amount;
        }
        self.steps += 1;
        match found.len() < self.effort.sets {
            true => found.push(partial),
            false => self.was_cut = true,
        }
    }

    /// Returns whether one of these amounts is at most so much.
    fn has_room(&self, amounts: Set, missing: i128) -> bool {
        let is_small = |(at, amount): (usize, &i128)| amounts >> at & 1 == 1 && *amount <= missing;
        self.amounts.iter().enumerate().any(is_small)
    }

    fn with(&self, way: &Way, free: &[usize], mut set: Set) -> Way {
        let mut way = way.clone();
        while set != 0 {
            way.toggle(self.open[free[set.trailing_zeros() as usize]]);
            set &= set - 1;
        }
        way
    }

    /// The ways past the level: those without additions of unknown outcome, and those with some.
    pub(super) fn ways(&mut self, way: &Way, found: &mut Vec<Way>) {
        let mut way = way.clone();
        let Some(missing) = self.place_due(&mut way) else { return };
        let free = self.free(&way);
        let first_return = self.levels.levels[self.level].first_return;
        for partial in self.partials(&free, missing) {
            if partial.missing == 0 {
                found.push(self.with(&way, &free, partial.set));
                continue;
            }
            if way.unknown + partial.missing > self.levels.most_unknown[self.level] {
                continue;
            }
            let until = partial.over.min(first_return);
            let groups = self.levels.unknown.iter().zip(&*way.used);
            let available = groups.filter(|((amount, _), _)| *amount <= partial.missing);
            let available: Vec<(i128, u32)> = available
                .map(|((amount, invoked), used)| {
                    // One of known outcome comes before one of unknown outcome.
                    let place = self.amounts.iter().position(|it| it == amount);
                    let is_next = place.is_some_and(|place| partial.next >> place & 1 == 1);
                    let begun = invoked.partition_point(|invoked| *invoked < until) as u32;
                    (*amount, if is_next { 0 } else { begun - used })
                })
                .collect();
            let greater = self.levels.unknown.len() - available.len();
            let fills = fill(partial.missing, &available, self.effort.fills);
            self.steps += fills.steps;
            self.was_cut |= fills.was_cut;
            for counts in fills.found {
                let mut next = self.with(&way, &free, partial.set);
                let used = &mut Rc::make_mut(&mut next.used)[greater..];
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
            if !self.has_room(partial.next, partial.missing) {
                found.push(self.with(&way, &free, partial.set));
            }
        }
    }

    /// A number that is the greater, the more is left out that is urgent, and the more was used of
    /// unknown outcome.
    fn cost(&self, way: &Way) -> i128 {
        let left = self.open.iter().zip(&self.urgency).filter(|(item, _)| !way.has(item));
        left.map(|(_, urgency)| urgency).sum::<i128>() + URGENCY / 2 * way.unknown
    }

    /// The most promising ways that no other one covers, at most `width`.
    pub(super) fn best_of(&mut self, ways: Vec<Way>, width: usize) -> Vec<Way> {
        let coins = |way: &Way| way.used.iter().sum::<u32>();
        let ranked = ways.into_iter().map(|way| (self.cost(&way), coins(&way), way));
        let mut ranked: Vec<(i128, u32, Way)> = ranked.collect();
        // What has the same placed costs the same.
        ranked.sort_unstable_by(|(cost, coins, way), (other_cost, other_coins, other)| {
            let by_cost = cost.cmp(other_cost).then_with(|| way.placed.cmp(&other.placed));
            by_cost.then(coins.cmp(other_coins)).then_with(|| way.used.cmp(&other.used))
        });
        ranked.dedup_by(|(.., one), (.., other)| one == other);
        let mut kept: Vec<Way> = Vec::with_capacity(width.min(ranked.len()));
        let mut alike = 0;
        for (.., way) in ranked {
            self.steps += 1 + kept.len() as u64 / 16;
            let covers = |other: &Way| other.unknown < way.unknown && other.covers(&way, self);
            if kept.iter().any(covers) {
                continue;
            }
            let is_alike = kept.last().is_some_and(|last| last.placed == way.placed);
            alike = if is_alike { alike + 1 } else { 0 };
            if kept.len() == width {
                self.was_cut = true;
                break;
            }
            match alike < self.effort.alike {
                true => kept.push(way),
                false => self.was_cut = true,
            }
        }
        kept
    }
}

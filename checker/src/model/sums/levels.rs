//! Levels, and the windows of additions in them.

use crate::model::sums::terms::{Addition, Read};

/// Reads of one sum.
#[derive(Debug, Clone, Copy)]
pub(super) struct Level {
    pub(super) sum: i128,
    /// When the last read of this or a lower level was invoked.
    pub(super) last_invoked: u64,
    /// When the first read of this or a higher level returned.
    pub(super) first_return: u64,
}

/// An addition of known outcome, and between which levels it can be placed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item {
    pub(super) invoked: u64,
    pub(super) returned: u64,
    pub(super) amount: i128,
    /// The first level that it may be placed before.
    pub(super) first: usize,
    /// The level that it must be placed before at the latest; the number of levels if there is
    /// none.
    pub(super) last: usize,
    /// The bit that stands for it while it may be placed or not.
    pub(super) slot: usize,
}

/// Levels, additions of known outcome by first level, and those of unknown outcome.
#[derive(Debug)]
pub(super) struct Levels {
    pub(super) initial: i128,
    pub(super) levels: Vec<Level>,
    pub(super) items: Vec<Item>,
    /// For each level, the end of the items that it is the first of.
    ends: Vec<usize>,
    /// For each level, the items that it is the last of.
    due: Vec<Vec<u32>>,
    /// By amount, the greatest first: the invocations of those of unknown outcome, rising.
    pub(super) unknown: Vec<(i128, Vec<u64>)>,
    /// For each level, the most that those of unknown outcome can make by then: from some level on,
    /// what must be placed leaves no room for more.
    pub(super) most_unknown: Vec<i128>,
    /// The number of 64-bit words for the bits of items.
    pub(super) words: usize,
}

impl Levels {
    /// Expects reads by their sums.
    pub(super) fn of(initial: i128, additions: &[Addition], reads: &[Read]) -> Levels {
        let levels = levels(reads);
        let mut items = Vec::with_capacity(additions.len());
        let mut unknown: Vec<(i128, u64)> = Vec::new();
        for &Addition { invoked, returned, amount, .. } in additions {
            let Some(returned) = returned else {
                unknown.push((-amount, invoked));
                continue;
            };
            let first = levels.partition_point(|level| level.first_return <= invoked);
            let last = levels.partition_point(|level| level.last_invoked <= returned);
            items.push(Item { invoked, returned, amount, first, last, slot: 0 });
        }
        // What comes after every read does not matter.
        items.retain(|item| item.first < levels.len());
        items.sort_by_key(|item| item.first);
        let ends = (0..levels.len()).map(|level| items.partition_point(|it| it.first <= level));
        let ends = ends.collect();
        let mut due = vec![Vec::new(); levels.len()];
        for (number, item) in (0..).zip(&items) {
            if let Some(due) = due.get_mut(item.last) {
                due.push(number);
            }
        }
        unknown.sort_unstable();
        let mut by_amount: Vec<(i128, Vec<u64>)> = Vec::new();
        for (negated, invoked) in unknown {
            match by_amount.last_mut() {
                Some((amount, group)) if *amount == -negated => group.push(invoked),
                _ => by_amount.push((-negated, vec![invoked])),
            }
        }
        let (most_unknown, words) = (Vec::new(), 0);
        let unknown = by_amount;
        let mut result = Levels { initial, levels, items, ends, due, unknown, most_unknown, words };
        result.give_slots();
        result.bound_unknown();
        result
    }

    /// Gives bits to items that have a choice, and takes them back behind their last level.
    fn give_slots(&mut self) {
        let (mut free, mut slots) = (Vec::new(), 0);
        for level in 0..self.levels.len() {
            for number in self.arriving(level) {
                if self.items[number].last > level {
                    self.items[number].slot = free.pop().unwrap_or_else(|| {
                        slots += 1;
                        slots - 1
                    });
                }
            }
            let left = self.due[level].iter().map(|number| &self.items[*number as usize]);
            free.extend(left.filter(|item| item.first < level).map(|item| item.slot));
        }
        self.words = slots.div_ceil(64);
    }

    fn bound_unknown(&mut self) {
        let mut left = 0;
        for level in 0..self.levels.len() {
            left += self.rise(level) - self.due(level).map(|item| item.amount).sum::<i128>();
            self.most_unknown.push(left);
        }
        let mut most = i128::MAX;
        for bound in self.most_unknown.iter_mut().rev() {
            most = most.min(*bound);
            *bound = most;
        }
    }

    /// The items that a level is the first of.
    pub(super) fn arriving(&self, level: usize) -> std::ops::Range<usize> {
        level.checked_sub(1).map_or(0, |before| self.ends[before])..self.ends[level]
    }

    /// The items that a level is the last of.
    pub(super) fn due(&self, level: usize) -> impl Iterator<Item = &Item> {
        self.due[level].iter().map(|number| &self.items[*number as usize])
    }

    /// Makes the items that may be placed before the level before, and must not yet, those of a
    /// level.
    pub(super) fn advance(&self, open: &mut Vec<u32>, level: usize) {
        open.retain(|number| self.items[*number as usize].last > level);
        let arriving = self.arriving(level).map(|number| number as u32);
        open.extend(arriving.filter(|number| self.items[*number as usize].last > level));
    }

    /// The sum that is added between the level before and this one.
    pub(super) fn rise(&self, level: usize) -> i128 {
        let before = level.checked_sub(1).map_or(self.initial, |before| self.levels[before].sum);
        self.levels[level].sum - before
    }
}

fn levels(reads: &[Read]) -> Vec<Level> {
    let mut levels: Vec<Level> = Vec::new();
    for read in reads {
        match levels.last_mut() {
            Some(level) if level.sum == read.sum => {
                level.last_invoked = level.last_invoked.max(read.invoked);
                level.first_return = level.first_return.min(read.returned);
            }
            previous => {
                let earlier = previous.map_or(0, |level| level.last_invoked);
                levels.push(Level {
                    sum: read.sum,
                    last_invoked: read.invoked.max(earlier),
                    first_return: read.returned,
                });
            }
        }
    }
    let mut first_return = u64::MAX;
    for level in levels.iter_mut().rev() {
        first_return = first_return.min(level.first_return);
        level.first_return = first_return;
    }
    levels
}

//! Decides counters that only grow.
//!
//! Reads come in the order of their sums, and those of one sum together: a *level*. Before a level,
//! a set of additions is placed that makes its sum. The set contains every addition that returned
//! before a read of this or a lower level was invoked, and only such that were invoked before every
//! read of this or a higher level returned; with an addition it contains each that returned before
//! that one was invoked; and it contains the sets of lower levels. Conversely, sets like that make
//! a legal order.
//!
//! The first two conditions bound every sum from both sides, which finds most contradictions. What
//! is between the bounds is searched level by level for sets with the right sums, exactly: which of
//! several additions a read saw is a subset sum problem. Of additions of one amount that may all
//! come next, the one that returned first does: exchanging it for another keeps the order legal. So
//! when all add the same, nothing is ever tried in vain, but for what a dead end had before it.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::model::Direct;

/// The algorithm's name in verdicts.
const NAME: &str = "sum-levels";

/// Additions that the search may look at: some for each operation, and some to try around in.
const STEPS_AN_OPERATION: u64 = 256;
const MORE_STEPS: u64 = 2_000_000;

/// The number of bytes of dead ends that are remembered at most.
const MEMORY: usize = 64 << 20;

/// An addition, here of more than 0. Those of unknown outcome may never have happened.
#[derive(Debug, Clone, Copy)]
pub(super) struct Addition {
    /// Its place in the partition.
    pub(super) place: usize,
    pub(super) invoked: u64,
    /// None for an unknown outcome.
    pub(super) returned: Option<u64>,
    pub(super) amount: i128,
}

/// A read of the sum.
#[derive(Debug, Clone, Copy)]
pub(super) struct Read {
    /// Its place in the partition.
    pub(super) place: usize,
    pub(super) invoked: u64,
    pub(super) returned: u64,
    pub(super) sum: i128,
}

/// Decides a counter that held `initial` at first. Additions come in the order of invocation. None
/// if the search takes too long.
pub(super) fn decide(
    initial: i128,
    additions: &[Addition],
    mut reads: Vec<Read>,
) -> Option<Direct> {
    reads.sort_unstable_by_key(|read| (read.sum, read.invoked));
    let steps = (additions.len() + reads.len()) as u64;
    let direct =
        |steps, contradiction| Direct { algorithm: NAME, steps, contradiction, since: None };
    if let Some(contradiction) =
        reads_against_real_time(&reads).or_else(|| out_of_bounds(initial, additions, &reads))
    {
        return Some(direct(steps, Some(contradiction)));
    }
    let mut search = Search::new(initial, additions, &reads);
    let found = search.run()?;
    let everything = || {
        let known = additions.iter().filter(|addition| addition.returned.is_some());
        let places = known.map(|addition| addition.place).chain(reads.iter().map(|it| it.place));
        let places: BTreeSet<usize> = places.collect();
        places.into_iter().collect()
    };
    Some(direct(steps + search.steps, (!found).then(everything)))
}

/// Two reads of which the later one saw less.
fn reads_against_real_time(reads: &[Read]) -> Option<Vec<usize>> {
    let mut first_return: Option<&Read> = None;
    for read in reads.iter().rev() {
        if let Some(higher) = first_return.filter(|higher| higher.returned < read.invoked) {
            return Some(vec![higher.place, read.place]);
        }
        if first_return.is_none_or(|first| read.returned < first.returned) {
            first_return = Some(read);
        }
    }
    None
}

/// A read that saw more than was ever begun, or less than was done.
fn out_of_bounds(initial: i128, additions: &[Addition], reads: &[Read]) -> Option<Vec<usize>> {
    let mut begun: Vec<(u64, i128)> =
        additions.iter().map(|addition| (addition.invoked, addition.amount)).collect();
    let mut done: Vec<(u64, i128)> = additions
        .iter()
        .filter_map(|addition| Some((addition.returned?, addition.amount)))
        .collect();
    let sums = |changes: &mut Vec<(u64, i128)>| {
        changes.sort_unstable();
        let mut sum = initial;
        for (_, amount) in changes {
            sum += *amount;
            *amount = sum;
        }
    };
    sums(&mut begun);
    sums(&mut done);
    let before = |sums: &[(u64, i128)], index: u64| {
        let passed = sums.partition_point(|(at, _)| *at < index);
        passed.checked_sub(1).map_or(initial, |last| sums[last].1)
    };
    for read in reads {
        if read.sum > before(&begun, read.returned) || read.sum < initial {
            return Some(vec![read.place]);
        }
        if read.sum < before(&done, read.invoked) {
            let is_done = |it: &&Addition| it.returned.is_some_and(|at| at < read.invoked);
            let mut missing: Vec<&Addition> = additions.iter().filter(is_done).collect();
            missing.sort_by_key(|addition| std::cmp::Reverse(addition.amount));
            // The greatest ones suffice to exceed what was read.
            let mut sum = initial;
            let enough = missing.iter().take_while(|addition| {
                let needed = sum <= read.sum;
                sum += addition.amount;
                needed
            });
            let mut contradiction: Vec<usize> = enough.map(|addition| addition.place).collect();
            contradiction.push(read.place);
            return Some(contradiction);
        }
    }
    None
}

/// Reads of one sum.
#[derive(Debug, Clone, Copy)]
struct Level {
    sum: i128,
    /// When the last read of this or a lower level was invoked.
    last_invoked: u64,
    /// When the first read of this or a higher level returned.
    first_return: u64,
}

/// Searches depth first for the sets of the levels.
struct Search<'a> {
    additions: &'a [Addition],
    levels: Vec<Level>,
    /// The level whose set is being made.
    level: usize,
    sum: i128,
    /// The additions that are not placed.
    left: BTreeSet<usize>,
    /// The set of those that are, one bit each.
    placed: Box<[u64]>,
    /// Sets from which no way leads on. The set tells the sum, and that the level.
    dead_ends: HashSet<Box<[u64]>>,
    steps: u64,
}

/// An addition that was placed, and what is needed to take it back.
struct Frame {
    addition: usize,
    level: usize,
    /// The alternatives in its place, the best last.
    alternatives: Vec<usize>,
}

impl<'a> Search<'a> {
    fn new(initial: i128, additions: &'a [Addition], reads: &[Read]) -> Search<'a> {
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
        Search {
            additions,
            levels,
            level: 0,
            sum: initial,
            left: (0..additions.len()).collect(),
            placed: vec![0; additions.len().div_ceil(64)].into(),
            dead_ends: HashSet::new(),
            steps: 0,
        }
    }

    /// Returns whether there are such sets; none if that took too long to find out.
    fn run(&mut self) -> Option<bool> {
        let operations = (self.additions.len() + self.levels.len()) as u64;
        let limit = MORE_STEPS + STEPS_AN_OPERATION * operations;
        let most_dead_ends = MEMORY / (8 * self.placed.len() + 48);
        let mut frames: Vec<Frame> = Vec::new();
        let mut candidates = self.arrive();
        while self.level < self.levels.len() {
            if self.steps > limit || self.dead_ends.len() > most_dead_ends {
                return None;
            }
            match candidates.pop() {
                Some(addition) => {
                    let level = self.level;
                    self.toggle(addition);
                    if self.dead_ends.contains(&self.placed) {
                        self.toggle(addition);
                        continue;
                    }
                    frames.push(Frame { addition, level, alternatives: candidates });
                    candidates = self.arrive();
                }
                None => {
                    self.dead_ends.insert(self.placed.clone());
                    let Some(frame) = frames.pop() else { return Some(false) };
                    self.toggle(frame.addition);
                    self.level = frame.level;
                    candidates = frame.alternatives;
                }
            }
        }
        Some(true)
    }

    /// Goes on to the next level if the set of this one is complete, and tells which additions can
    /// come next, the best last; none in a dead end.
    fn arrive(&mut self) -> Vec<usize> {
        while let Some(level) = self.levels.get(self.level)
            && level.sum == self.sum
        {
            if self.overdue(level.last_invoked) > 0 {
                return Vec::new();
            }
            self.level += 1;
        }
        let Some(level) = self.levels.get(self.level).copied() else { return Vec::new() };
        let missing = level.sum - self.sum;
        if self.overdue(level.last_invoked) > missing {
            return Vec::new();
        }
        // By amount: the first to return.
        let mut next: BTreeMap<i128, (u64, usize)> = BTreeMap::new();
        let mut first_return = level.first_return;
        for &number in &self.left {
            let Addition { invoked, returned, amount, .. } = self.additions[number];
            if invoked > first_return {
                break;
            }
            self.steps += 1;
            let returned = returned.unwrap_or(u64::MAX);
            first_return = first_return.min(returned);
            if amount <= missing {
                let best = next.entry(amount).or_insert((returned, number));
                *best = (*best).min((returned, number));
            }
        }
        let mut next: Vec<(u64, usize)> = next.into_values().collect();
        next.sort_unstable_by(|one, other| other.cmp(one));
        next.into_iter().map(|(_, number)| number).collect()
    }

    /// The sum of what is not placed and returned before this index.
    fn overdue(&mut self, index: u64) -> i128 {
        let mut sum = 0;
        for &number in &self.left {
            let Addition { invoked, returned, amount, .. } = self.additions[number];
            if invoked > index {
                break;
            }
            self.steps += 1;
            if returned.is_some_and(|returned| returned < index) {
                sum += amount;
            }
        }
        sum
    }

    /// Places an addition, or takes it back.
    fn toggle(&mut self, addition: usize) {
        let amount = self.additions[addition].amount;
        match self.left.remove(&addition) {
            true => self.sum += amount,
            false => {
                self.left.insert(addition);
                self.sum -= amount;
            }
        }
        self.placed[addition / 64] ^= 1 << (addition % 64);
    }
}

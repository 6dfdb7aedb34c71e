//! Passes the levels with a few ways at a time, and looks closer where none is left.
//!
//! At a level that no way gets past, either one that was left out would have, or none does. The
//! latter can mostly be shown by the last few levels alone (`local.rs`). Else the beam goes back to
//! an earlier checkpoint, each time further, and looks at more ways up to the dead end and some
//! levels beyond it.

use crate::model::sums::levels::Levels;
use crate::model::sums::local;
use crate::model::sums::terms::{Addition, Read};
use crate::model::sums::way::{Effort, Gap, Way};

/// The end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// All levels were passed.
    Valid,
    /// No way gets past some level; the operations at these places contradict each other, or all
    /// do.
    Invalid(Option<Vec<usize>>),
    /// Neither, within the steps.
    Undecided,
}

/// The number of ways that are kept at first, and the levels between two checkpoints.
const WIDTH: usize = 32;
const CHECKPOINT_EVERY: usize = 16;

/// A set that is looked at takes as long as so many operations that a search tries.
const STEPS_A_SET: u64 = 3;

/// The growth from try to try.
const GROWTH: usize = 4;

struct Checkpoint {
    level: usize,
    ways: Vec<Way>,
    open: Vec<u32>,
    was_cut: bool,
}

pub(super) struct Beam<'a> {
    additions: &'a [Addition],
    /// The reads of each level.
    reads: Vec<&'a [Read]>,
    levels: &'a Levels,
    level: usize,
    ways: Vec<Way>,
    /// The items that may be placed before the level that was passed last, and need not be.
    open: Vec<u32>,
    was_cut: bool,
    checkpoints: Vec<Checkpoint>,
    /// The last dead end, and how often the beam went back from it.
    dead_end: Option<(usize, u32)>,
    pub(super) steps: u64,
}

impl<'a> Beam<'a> {
    pub(super) fn new(
        levels: &'a Levels,
        additions: &'a [Addition],
        reads: &'a [Read],
    ) -> Beam<'a> {
        Beam {
            additions,
            reads: reads.chunk_by(|one, other| one.sum == other.sum).collect(),
            levels,
            level: 0,
            ways: vec![Way::start(levels)],
            open: Vec::new(),
            was_cut: false,
            checkpoints: Vec::new(),
            dead_end: None,
            steps: 0,
        }
    }

    /// Looks for an end, and takes about so many steps at most.
    pub(super) fn run(&mut self, most_steps: u64) -> End {
        while self.level < self.levels.levels.len() {
            if self.steps > most_steps {
                return End::Undecided;
            }
            if self.level.is_multiple_of(CHECKPOINT_EVERY) {
                let Beam { level, was_cut, .. } = *self;
                let (ways, open) = (self.ways.clone(), self.open.clone());
                self.checkpoints.push(Checkpoint { level, ways, open, was_cut });
            }
            if self.advance() {
                continue;
            }
            if !self.was_cut {
                return End::Invalid(None);
            }
            if self.dead_end.is_none_or(|(known, _)| known < self.level) {
                let found =
                    local::contradiction(self.additions, &self.reads, self.level, &mut self.steps);
                if found.is_some() {
                    return End::Invalid(found);
                }
            }
            self.go_back();
        }
        End::Valid
    }

    /// Passes the next level. False if no way leads there.
    fn advance(&mut self) -> bool {
        let tries = self.tries_at(self.level);
        let growth = GROWTH.saturating_pow(tries);
        let effort = Effort { sets: 256 * growth, fills: 2 * growth, alike: growth };
        self.levels.advance(&mut self.open, self.level);
        let open = self.open.iter().map(|number| &self.levels.items[*number as usize]).collect();
        let mut gap = Gap::new(self.levels, self.level, open, effort);
        let mut found = Vec::new();
        for way in &self.ways {
            gap.ways(way, &mut found);
        }
        self.ways = gap.best_of(found, WIDTH.saturating_mul(growth));
        self.was_cut |= gap.was_cut;
        self.steps += STEPS_A_SET * gap.steps;
        if self.ways.is_empty() {
            return false;
        }
        self.level += 1;
        true
    }

    /// The number of times that the beam went back from a dead end this near.
    fn tries_at(&self, level: usize) -> u32 {
        match self.dead_end {
            Some((dead_end, tries)) if level <= dead_end + CHECKPOINT_EVERY => tries,
            _ => 0,
        }
    }

    fn go_back(&mut self) {
        let (dead_end, tries) = match self.dead_end {
            Some((dead_end, tries)) if self.level <= dead_end + CHECKPOINT_EVERY => {
                (dead_end.max(self.level), tries + 1)
            }
            _ => (self.level, 1),
        };
        self.dead_end = Some((dead_end, tries));
        let reach = CHECKPOINT_EVERY.saturating_mul(GROWTH.saturating_pow(tries));
        let back = dead_end.saturating_sub(reach);
        while self.checkpoints.len() > 1
            && self.checkpoints.last().is_some_and(|last| last.level > back)
        {
            self.checkpoints.pop();
        }
        let checkpoint = self.checkpoints.pop().expect("there is one at the start");
        self.level = checkpoint.level;
        self.ways = checkpoint.ways;
        self.open = checkpoint.open;
        self.was_cut = checkpoint.was_cut;
    }
}

//! The verdict matrix: every cell, in the last night and in those before.

use checker::verdict::Verdict;

use super::model::{IndexRun, Series, Uncounted};

/// The most nights of a cell that are shown side by side.
pub const SHOWN_NIGHTS: usize = 30;

/// A cell of the matrix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatrixCell {
    /// Its runs in the last night.
    pub last: Runs,
    /// Its runs in all nights.
    pub all: Runs,
    /// Its worst verdict in each of the last nights, from the oldest; none of one that did not run
    /// it. A failure for which this machine is to blame is Unknown.
    pub nights: Vec<Option<Verdict>>,
}

/// Runs by their verdicts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Runs {
    /// Those that passed.
    pub valid: u64,
    /// Those that say nothing.
    pub unknown: u64,
    /// Those that failed.
    pub invalid: u64,
    /// Of those that say nothing, the ones for which this machine had no time.
    pub starved: u64,
}

/// The cells of a series, in their order.
pub fn matrix(series: &Series) -> Vec<MatrixCell> {
    let shown = series.nights.len().saturating_sub(SHOWN_NIGHTS);
    let empty = MatrixCell { last: Runs::default(), all: Runs::default(), nights: Vec::new() };
    let mut cells = vec![empty; series.cells.len()];
    for (at, night) in series.nights.iter().enumerate() {
        let mut of_night = vec![Runs::default(); cells.len()];
        night.runs.iter().for_each(|run| of_night[run.cell].take(run));
        for (cell, runs) in cells.iter_mut().zip(of_night) {
            cell.all.add(runs);
            if at >= shown {
                cell.nights.push(runs.verdict());
            }
            if at + 1 == series.nights.len() {
                cell.last = runs;
            }
        }
    }
    cells
}

impl Runs {
    fn take(&mut self, run: &IndexRun) {
        let starved = run.uncounted == Some(Uncounted::Starved);
        match run.verdict {
            Verdict::Valid if !starved => self.valid += 1,
            Verdict::Invalid if !starved => self.invalid += 1,
            _ => self.unknown += 1,
        }
        self.starved += u64::from(starved);
    }

    fn add(&mut self, other: Runs) {
        self.valid += other.valid;
        self.unknown += other.unknown;
        self.invalid += other.invalid;
        self.starved += other.starved;
    }

    /// Their number.
    pub fn count(self) -> u64 {
        self.valid + self.unknown + self.invalid
    }

    /// The worst of them; none if there are none.
    pub fn verdict(self) -> Option<Verdict> {
        match (self.invalid, self.unknown, self.valid) {
            (0, 0, 0) => None,
            (0, 0, _) => Some(Verdict::Valid),
            (0, ..) => Some(Verdict::Unknown),
            _ => Some(Verdict::Invalid),
        }
    }
}

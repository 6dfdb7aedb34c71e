//! Counts what a search spends.

use crate::search::{Limits, Outcome};

/// Counts steps and watches the limits.
#[derive(Debug)]
pub(super) struct Meter {
    pub(super) steps: u64,
    limits: Limits,
}

/// A limit was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spent {
    Steps,
    Memory,
}

impl From<Spent> for Outcome {
    fn from(spent: Spent) -> Outcome {
        match spent {
            Spent::Steps => Outcome::OutOfSteps,
            Spent::Memory => Outcome::OutOfMemory,
        }
    }
}

impl Meter {
    pub(super) fn new(limits: Limits) -> Meter {
        Meter { steps: 0, limits }
    }

    /// Counts one configuration that was made or looked at.
    pub(super) fn step(&mut self) -> Result<(), Spent> {
        self.steps += 1;
        if self.steps > self.limits.steps { Err(Spent::Steps) } else { Ok(()) }
    }

    /// A meter for a part of the search, with at most `allowance` of the steps that are left.
    pub(super) fn part(&self, allowance: u64) -> Meter {
        let left = self.limits.steps.saturating_sub(self.steps);
        Meter::new(Limits { steps: allowance.min(left), ..self.limits })
    }

    /// Counts what a part has spent.
    pub(super) fn take(&mut self, part: &Meter) -> Result<(), Spent> {
        self.steps += part.steps;
        if self.steps > self.limits.steps { Err(Spent::Steps) } else { Ok(()) }
    }

    /// Says how much is remembered.
    pub(super) fn holds(&self, bytes: usize) -> Result<(), Spent> {
        if bytes > self.limits.memory { Err(Spent::Memory) } else { Ok(()) }
    }
}

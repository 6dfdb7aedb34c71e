//! The faults that happened in a simulation, by the question whose answer each was: to replay some
//! of them and leave the others out.

use std::collections::BTreeSet;

use super::dice::{Dice, Purpose};

/// A fault that happened: the answer yes to the question of that number about that subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Decision {
    /// The kind of question.
    pub purpose: Purpose,
    /// The link, node or trigger asked about.
    pub subject: usize,
    /// The number of the question.
    pub number: u64,
}

/// Decides whether faults happen, and keeps those that do.
#[derive(Debug)]
pub(crate) struct Decisions {
    dice: Dice,
    /// If there are any, those faults happen and no others.
    only: Option<BTreeSet<Decision>>,
    made: Vec<Decision>,
}

impl Decisions {
    /// Decides by chance, or by what was decided before.
    pub(crate) fn new(dice: Dice, only: Option<BTreeSet<Decision>>) -> Decisions {
        Decisions { dice, only, made: Vec::new() }
    }

    /// True if the fault happens.
    pub(crate) fn happens(
        &mut self,
        chance: f64,
        purpose: Purpose,
        subject: usize,
        number: u64,
    ) -> bool {
        let decision = Decision { purpose, subject, number };
        let happens = match &self.only {
            None => self.dice.hits(chance, purpose, subject, number),
            Some(only) => only.contains(&decision),
        };
        if happens {
            self.made.push(decision);
        }
        happens
    }

    /// The faults that happened so far.
    pub(crate) fn made(&self) -> &[Decision] {
        &self.made
    }
}

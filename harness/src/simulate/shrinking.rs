//! The fewest faults and operations with which a seed still breaks its promise.
//!
//! Faults are answers to numbered questions, so one can be left out and the rest stays about as it
//! was. First half of the operations goes, and half of that; then faults go by ever smaller parts
//! ("Yesterday, my program worked", Zeller, 1999).

use std::collections::BTreeSet;

use cluster::world::Decision;

use super::seed_run::{Ended, Only, run_seed};
use super::settings::Settings;

/// The most times that a seed is tried: some seconds.
const TRIES: u32 = 1_000;

/// A failure that needs little.
#[derive(Debug)]
pub struct Shrunk {
    /// Its end, with a trace.
    pub ended: Ended,
    /// The number of faults before and after.
    pub faults: (usize, usize),
    /// The number of operations under faults before and after.
    pub operations: (u64, u64),
}

/// Shrinks a seed that failed. The shrunk one breaks the same promise.
///
/// # Panics
/// When the seed breaks no promise.
pub fn shrink(seed: u64, settings: &Settings) -> Shrunk {
    let first = run_seed(seed, settings, &Only::default(), false);
    let property = first.violation.as_ref().expect("it failed").property;
    let mut search = Search { seed, settings, property, tries: 0 };
    let before = (first.faults.len(), operations_of(&first));
    let mut only =
        Only { faults: Some(first.faults.iter().copied().collect()), operations: Some(before.1) };
    loop {
        let size = size_of(&only);
        search.fewer_operations(&mut only);
        search.fewer_faults(&mut only);
        if size_of(&only) == size || search.tries >= TRIES {
            break;
        }
    }
    let ended = run_seed(seed, settings, &only, true);
    let (faults, operations) = size_of(&only);
    Shrunk { ended, faults: (before.0, faults), operations: (before.1, operations) }
}

fn size_of(only: &Only) -> (usize, u64) {
    (only.faults.as_ref().map_or(0, BTreeSet::len), only.operations.unwrap_or(0))
}

/// The number of operations that clients began.
fn operations_of(ended: &Ended) -> u64 {
    let invocations = ended.history.events.iter();
    let invocations = invocations.filter(|it| it.kind == checker::history::EventType::Invoke);
    invocations.count() as u64
}

struct Search<'a> {
    seed: u64,
    settings: &'a Settings,
    property: &'static str,
    tries: u32,
}

impl Search<'_> {
    fn fails(&mut self, only: &Only) -> bool {
        self.tries += 1;
        let ended = run_seed(self.seed, self.settings, only, false);
        self.tries <= TRIES && ended.violation.is_some_and(|it| it.property == self.property)
    }

    fn fewer_operations(&mut self, only: &mut Only) {
        let mut step = only.operations.unwrap_or(0).div_ceil(2);
        while step > 0 {
            let operations = only.operations.unwrap_or(0);
            let fewer = Only { operations: operations.checked_sub(step), ..only.clone() };
            if fewer.operations.is_some() && self.fails(&fewer) {
                *only = fewer;
            } else {
                step /= 2;
            }
        }
    }

    fn fewer_faults(&mut self, only: &mut Only) {
        let mut faults: Vec<Decision> = only.faults.iter().flatten().copied().collect();
        let mut part = faults.len().div_ceil(2);
        while part > 0 && !faults.is_empty() {
            let mut at = 0;
            while at < faults.len() {
                let end = (at + part).min(faults.len());
                let without: Vec<Decision> = [&faults[..at], &faults[end..]].concat();
                let fewer =
                    Only { faults: Some(without.iter().copied().collect()), ..only.clone() };
                if self.fails(&fewer) {
                    faults = without;
                    *only = fewer;
                } else {
                    at = end;
                }
            }
            part = if part == 1 { 0 } else { part.div_ceil(2) };
        }
    }
}

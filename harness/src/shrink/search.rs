//! The way from a plan that fails to a small one: a function of the results so far.
//!
//! It is written as if every question were answered at once. The first one that is not ends it with
//! the [`Wish`] for a run, and when that is known it begins again from the start: what was asked
//! before is answered from memory.

use std::time::Duration;

use faults::schedule::Entry;

use super::{Known, Problem, Reduced};
use crate::repeats::{Failing, Tally};
use crate::statistics::{Decision, Rate, SequentialTest};

/// The original is run until so many runs failed, and at most so many times: more would cost more
/// than a better threshold saves.
const MEASURED: (usize, usize) = (4, 20);

/// The smallest plan is run so many times in the end, for a rate that nothing was chosen by.
const MEASURED_AGAIN: usize = 10;

/// A test of a candidate that is not decided after so many runs is given up: it is not kept.
const MOST_RUNS: usize = 60;

/// A candidate of which so many runs could not be judged, and more than could, is not kept.
const UNJUDGED: usize = 6;

/// The chance to keep what fails too seldom, and the one to give up what fails as often as ever. The
/// first is promised; the second only leaves a plan larger than need be.
const WRONGLY_KEPT: f64 = 0.05;
const WRONGLY_GIVEN_UP: f64 = 0.10;

/// A rate above cannot be told from certainty by a few runs.
const HIGHEST: f64 = 0.9;

/// The longest pause between faults that a service needs to be itself again.
const PAUSE: Duration = Duration::from_secs(2);

/// The shortest time that the load goes on after the last fault.
const LEAST_AFTER: Duration = Duration::from_secs(1);

/// The lengths of a fault that are tried first.
const SHORT: [Duration; 2] = [Duration::from_millis(500), Duration::from_millis(1_500)];

/// The rate of operations that is tried first.
const SLOW: f64 = 100.0;

/// A run that is needed to go on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Wish {
    /// The candidate.
    pub candidate: Reduced,
    /// The reason, for a person.
    pub reason: &'static str,
    /// The smallest plan that was kept so far.
    pub best: Reduced,
    /// The test of the candidate, if that is what it is run for.
    test: Option<SequentialTest>,
}

impl Wish {
    /// Returns true if more runs of the candidate are needed after these. False if it takes a
    /// [`search`] to know.
    pub fn goes_on(&self, tally: &Tally, failing: Failing) -> bool {
        let failures = tally.failures(failing);
        let undecided = |test: SequentialTest| test.decide(failures.iter().copied()).is_none();
        self.test.is_some_and(undecided)
            && failures.len() < MOST_RUNS
            && tally.uncounted(failing) < UNJUDGED
    }
}

/// The end of a search.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Found {
    /// The smallest plan that still fails often enough.
    pub smallest: Reduced,
    /// The rate of the original.
    pub before: Rate,
    /// The rate of the smallest, by runs that it was not chosen by.
    pub after: Rate,
    /// The rate that was to be kept; none if the original did not fail again.
    pub at_least: Option<f64>,
}

/// The smallest plan, or a run that is needed first.
///
/// # Errors
/// The run.
pub(crate) fn search(problem: &Problem, known: &mut Known) -> Result<Found, Box<Wish>> {
    loop {
        let best = problem.original.clone();
        let mut search = Search { problem, known, test: None, best, asked: 0 };
        let before = search.measure_original()?;
        let Some(test) = search.test else {
            let smallest = search.best;
            return Ok(Found { smallest, before, after: before, at_least: None });
        };
        search.shrink()?;
        let at_least = Some(test.low);
        if search.best == problem.original {
            return Ok(Found { smallest: search.best, before, after: before, at_least });
        }
        let fresh = search.measure_smallest()?;
        let smallest = search.best;
        // It may have been kept by luck. Then the way goes on from the one before.
        if test.decide(fresh.iter().copied()) == Some(Decision::Low) {
            known.refused.insert(smallest.name());
            known.settled.clear();
            continue;
        }
        return Ok(Found { smallest, before, after: rate(&fresh), at_least });
    }
}

struct Search<'a> {
    problem: &'a Problem,
    known: &'a mut Known,
    /// None until the original was measured, or if it did not fail.
    test: Option<SequentialTest>,
    best: Reduced,
    /// The number of candidates so far.
    asked: usize,
}

type Step<T> = Result<T, Box<Wish>>;

impl Search<'_> {
    fn wish<T>(&self, candidate: &Reduced, reason: &'static str) -> Step<T> {
        let (candidate, best) = (candidate.clone(), self.best.clone());
        Err(Box::new(Wish { candidate, reason, best, test: None }))
    }

    /// The rate of the original, which says what is to be kept.
    fn measure_original(&mut self) -> Step<Rate> {
        let original = &self.problem.original;
        let tally = self.known.of(original);
        let failures = tally.failures(self.problem.failing);
        let (fails, most) = MEASURED;
        let of_fails = (1..=failures.len())
            .find(|count| failures[..*count].iter().filter(|failed| **failed).count() == fails);
        let enough = of_fails.or((failures.len() >= most).then_some(most));
        let Some(enough) = enough else {
            let hopeless = tally.uncounted(self.problem.failing) >= most;
            if !hopeless {
                return self.wish(original, "how often the plan fails");
            }
            return Ok(rate(&failures));
        };
        let measured = rate(&failures[..enough]);
        let share = match of_fails {
            // Haldane (1945): to stop at a failure is to stop at a high rate.
            Some(_) => (fails - 1) as f64 / (enough - 1) as f64,
            None => measured.failed as f64 / measured.runs as f64,
        };
        let high = share.min(HIGHEST);
        let low = self.problem.at_least.unwrap_or(high / 2.0);
        if high > 0.0 {
            let high = high.max((2.0 * low).min((1.0 + low) / 2.0));
            let (wrong_high, wrong_low) = (WRONGLY_KEPT, WRONGLY_GIVEN_UP);
            self.test = Some(SequentialTest { low, high, wrong_high, wrong_low });
        }
        Ok(measured)
    }

    /// Runs of the smallest after those by which it was kept.
    fn measure_smallest(&self) -> Step<Vec<bool>> {
        let failures = self.known.of(&self.best).failures(self.problem.failing);
        let test = self.test.expect("it was measured");
        let decided = (1..=failures.len())
            .find(|count| test.decide(failures[..*count].iter().copied()).is_some());
        let fresh = &failures[decided.unwrap_or(0)..];
        match fresh.len() >= MEASURED_AGAIN {
            true => Ok(fresh[..MEASURED_AGAIN].to_vec()),
            false => self.wish(&self.best, "how often the smallest plan fails"),
        }
    }

    /// Returns true if the candidate fails often enough; it is then the best.
    fn keep(&mut self, candidate: Reduced, reason: &'static str) -> Step<bool> {
        let candidate = candidate.without_idle_names();
        let number = self.asked;
        self.asked += 1;
        let kept = match self.known.settled.get(number) {
            Some(kept) => *kept,
            None => {
                let Some(kept) = self.decide(&candidate) else {
                    let (best, test) = (self.best.clone(), self.test);
                    return Err(Box::new(Wish { candidate, reason, best, test }));
                };
                self.known.settled.push(kept);
                kept
            }
        };
        if kept {
            self.best = candidate;
        }
        Ok(kept)
    }

    /// Returns true if the candidate fails often enough; none when more runs are needed.
    fn decide(&self, candidate: &Reduced) -> Option<bool> {
        if *candidate == self.best || !candidate.is_possible() {
            return Some(false);
        }
        if self.known.refused.contains(&candidate.name()) {
            return Some(false);
        }
        let failing = self.problem.failing;
        let tally = self.known.of(candidate);
        let failures = tally.failures(failing);
        let test = self.test.expect("it was measured");
        let decision = test.decide(failures.iter().copied());
        if let Some(decision) = decision {
            return Some(decision == Decision::High);
        }
        let uncounted = tally.uncounted(failing);
        let hopeless = uncounted >= UNJUDGED && uncounted > failures.len();
        (hopeless || failures.len() >= MOST_RUNS).then_some(false)
    }

    /// Every way to make it smaller, until none helps any more.
    fn shrink(&mut self) -> Step<()> {
        self.last_faults()?;
        loop {
            let before = self.best.clone();
            self.fewer_faults()?;
            self.less_time()?;
            self.smaller_cluster()?;
            self.simpler_faults()?;
            if self.best == before {
                return Ok(());
            }
        }
    }

    /// The last faults before the failure alone: one, two, four… until they are enough.
    fn last_faults(&mut self) -> Step<()> {
        let original = self.problem.original.clone();
        let mut reached: Vec<Entry> = original.faults.clone();
        reached.retain(|fault| self.problem.reached.contains(&fault.id));
        let mut count = 1;
        loop {
            let last = &reached[reached.len().saturating_sub(count)..];
            let candidate = original.with(last.to_vec(), self.problem.after);
            if self.keep(candidate, "the last faults before the failure")? || count >= reached.len()
            {
                return Ok(());
            }
            count *= 2;
        }
    }

    /// Without parts of the faults, halves first ("Yesterday, my program worked", Zeller, 1999).
    fn fewer_faults(&mut self) -> Step<()> {
        let mut part = self.best.faults.len().div_ceil(2);
        while part > 0 {
            let mut at = 0;
            // A plan without any fault is tried as well: it may be the load alone.
            while at < self.best.faults.len() {
                let faults = &self.best.faults;
                let end = (at + part).min(faults.len());
                let without = [&faults[..at], &faults[end..]].concat();
                let candidate = self.best.with(without, self.problem.after);
                if !self.keep(candidate, "fewer faults")? {
                    at = end;
                }
            }
            part = if part == 1 { 0 } else { part.div_ceil(2) };
        }
        Ok(())
    }

    /// Shorter pauses, and shorter faults: all of them at once, and else one by one.
    fn less_time(&mut self) -> Step<()> {
        let after = self.problem.after;
        let closer = self.best.closer(PAUSE, after);
        if closer.load < self.best.load {
            self.keep(closer, "shorter pauses between faults")?;
        }
        let sooner = self.best.with(self.best.faults.clone(), LEAST_AFTER);
        if sooner.load + LEAST_AFTER <= self.best.load {
            self.keep(sooner, "less load after the faults")?;
        }
        let mut faults = self.best.faults.clone();
        faults.iter_mut().for_each(|fault| fault.lasts = fault.lasts.min(SHORT[1]));
        if self.keep(self.best.with(faults, after).closer(PAUSE, after), "shorter faults")? {
            return Ok(());
        }
        for at in 0..self.best.faults.len() {
            let lasts = self.best.faults[at].lasts;
            let lengths = SHORT.into_iter().chain([lasts / 2]);
            for length in lengths.filter(|length| *length <= lasts * 2 / 3) {
                let length = Duration::from_millis(length.as_millis() as u64);
                if length < SHORT[0] {
                    continue;
                }
                let mut faults = self.best.faults.clone();
                faults[at].lasts = length;
                if self.keep(self.best.with(faults, after), "a shorter fault")? {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Fewer nodes, clients, keys and operations: all of them at once, and else one by one.
    fn smaller_cluster(&mut self) -> Step<()> {
        let Reduced { nodes, clients, keys, rate, .. } = self.best;
        let slow = if rate == 0.0 { SLOW } else { rate.min(SLOW) };
        let small = |reduced: Reduced| Reduced {
            nodes: nodes.min(3),
            clients: clients.min(2),
            keys: 1,
            rate: slow,
            ..reduced
        };
        if self.keep(small(self.best.clone()), "a small cluster")? {
            return Ok(());
        }
        if nodes > 3 {
            self.keep(Reduced { nodes: 3, ..self.best.clone() }, "three nodes")?;
        }
        for fewer in [2, clients / 2] {
            if (2..clients).contains(&fewer)
                && self.keep(Reduced { clients: fewer, ..self.best.clone() }, "fewer clients")?
            {
                break;
            }
        }
        for fewer in [1, keys / 4] {
            if (1..keys).contains(&fewer)
                && self.keep(Reduced { keys: fewer, ..self.best.clone() }, "fewer keys")?
            {
                break;
            }
        }
        for slower in [SLOW, (rate / 2.0).round()] {
            if slower >= SLOW
                && (rate == 0.0 || slower < rate)
                && self.keep(Reduced { rate: slower, ..self.best.clone() }, "fewer operations")?
            {
                break;
            }
        }
        Ok(())
    }

    /// Faults with fewer fields.
    fn simpler_faults(&mut self) -> Step<()> {
        for candidate in self.best.simpler() {
            if self.keep(candidate, "a simpler fault")? {
                // The others were made of the one before.
                return self.simpler_faults();
            }
        }
        Ok(())
    }
}

fn rate(failures: &[bool]) -> Rate {
    let failed = failures.iter().filter(|failed| **failed).count() as u64;
    Rate { failed, runs: failures.len() as u64 }
}

//! The next step of a night: a function of all that it knows so far.

use std::collections::{BTreeMap, BTreeSet};

use checker::verdict::Contradiction;
use results::conclusion::Part;

/// The results of a night so far, as far as the next step depends on them.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Known {
    /// The runs that ended, by their numbers.
    pub runs: BTreeMap<u64, Ended>,
    /// The repeats that ended, by the number of the run and their own.
    pub repeats: BTreeMap<u64, BTreeMap<u64, Option<bool>>>,
    /// The runs whose plans were shrunk, or not, in the time that there was.
    pub shrunk: BTreeSet<u64>,
    /// The seconds that repeats, runs made once more and shrinking took so far.
    pub followed_up: f64,
    /// The runs that go on.
    pub running: BTreeSet<u64>,
    /// The repeats that go on.
    pub repeating: BTreeSet<(u64, u64)>,
}

/// A run that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ended {
    /// Its cell.
    pub cell: usize,
    /// The failure of the service; none if it did not fail, or this machine was starved.
    pub failure: Option<Failure>,
    /// True if it is to be made once more: this machine was starved, and it says nothing.
    pub again: bool,
}

/// A failure of the service, told from others by the part of the verdict and the contradiction.
pub(crate) type Failure = (Part, Option<Contradiction>);

/// The bounds of a night.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bounds {
    /// The seconds that it may take; none without a bound.
    pub seconds: Option<f64>,
    /// The runs of the whole night, also those of other shards; none without a bound.
    pub runs: Option<u64>,
    /// The repeats of a first failure.
    pub repeats: u64,
    /// The share of the time for repeats, runs made once more and shrinking.
    pub share: f64,
}

/// A step of a night.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// The next run of the agenda.
    Run,
    /// The run of this number once more.
    Again(u64),
    /// A repeat of a run.
    Repeat {
        /// The number of the run.
        of: u64,
        /// The number of the repeat.
        number: u64,
    },
    /// Nothing, as long as nothing else ends.
    Wait(Why),
}

/// The reason to begin nothing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// All runs were begun.
    Runs,
    /// Another run would not end in time.
    Time,
}

impl Known {
    /// The runs that are followed up, one for each failure of each cell: the one that already is, else
    /// the one with the lowest number.
    pub fn first_failures(&self) -> Vec<u64> {
        let mut firsts: BTreeMap<(usize, Failure), u64> = BTreeMap::new();
        let shown = |number: &u64| {
            let run = self.runs.get(number)?;
            Some(((run.cell, run.failure?), *number))
        };
        let begun = self.repeats.keys().chain(self.repeating.iter().map(|(of, _)| of));
        let begun = begun.chain(&self.shrunk);
        for (failure, number) in begun.chain(self.runs.keys()).filter_map(shown) {
            firsts.entry(failure).or_insert(number);
        }
        let mut firsts: Vec<u64> = firsts.into_values().collect();
        firsts.sort_unstable();
        firsts
    }

    /// The seconds that are left for repeats and shrinking. Without a bound on the time they are a
    /// share of the time so far, which is `at`.
    pub fn allowance(&self, bounds: &Bounds, at: f64) -> f64 {
        // A share of the whole: with the other part so long that both together keep to it.
        let whole = bounds.seconds.unwrap_or(match bounds.runs {
            Some(_) => (at - self.followed_up) / (1.0 - bounds.share),
            None => at,
        });
        (whole * bounds.share - self.followed_up).max(0.0)
    }

    fn repeats_of(&self, run: u64) -> u64 {
        let going_on = self.repeating.iter().filter(|(of, _)| *of == run).count();
        (self.repeats.get(&run).map_or(0, BTreeMap::len) + going_on) as u64
    }

    /// The first failure whose plan is to be shrunk: one that failed again in all repeats or in some.
    pub fn to_shrink(&self, bounds: &Bounds) -> Option<u64> {
        let again = |run: &u64| {
            let repeats = self.repeats.get(run);
            let failed = repeats.is_some_and(|all| all.values().any(|it| *it == Some(true)));
            failed && !self.shrunk.contains(run) && self.repeats_of(*run) >= bounds.repeats
        };
        self.first_failures().into_iter().find(again)
    }

    /// The next step when so many seconds have gone by, and the next run takes so many.
    pub fn next(&self, bounds: &Bounds, at: f64, next: Option<(u64, f64)>) -> Step {
        let allowance = self.allowance(bounds, at);
        let firsts = self.first_failures();
        let in_time = |seconds: f64| bounds.seconds.is_none_or(|most| at + seconds <= most);
        let expected = next.map_or(0.0, |(_, seconds)| seconds);
        // Of those that go on each takes about as long as a run.
        let again = self.running.iter().filter(|number| self.runs.contains_key(number)).count();
        let taken = (self.repeating.len() + again) as f64 * expected;
        if allowance > taken && in_time(expected) {
            for of in &firsts {
                let number = self.repeats_of(*of);
                if number < bounds.repeats {
                    return Step::Repeat { of: *of, number: self.next_repeat(*of) };
                }
            }
            let again =
                |(number, run): &(&u64, &Ended)| run.again && !self.running.contains(number);
            if let Some((number, _)) = self.runs.iter().find(again) {
                return Step::Again(*number);
            }
        }
        let Some((number, seconds)) = next else { return Step::Wait(Why::Runs) };
        if bounds.runs.is_some_and(|most| number >= most) {
            return Step::Wait(Why::Runs);
        }
        // The time to shrink is set aside as soon as there is something to shrink.
        let reserved = if self.to_shrink(bounds).is_some() { allowance } else { 0.0 };
        match in_time(seconds + reserved) {
            true => Step::Run,
            false => Step::Wait(Why::Time),
        }
    }

    fn next_repeat(&self, of: u64) -> u64 {
        let known = |number: &u64| {
            let ended = self.repeats.get(&of).is_some_and(|all| all.contains_key(number));
            ended || self.repeating.contains(&(of, *number))
        };
        (0..).find(|number| !known(number)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { seconds: Some(1000.0), runs: None, repeats: 2, share: 0.2 };

    fn ended(cell: usize, failed: bool) -> Ended {
        let failure = failed.then_some((Part::Safety, Some(Contradiction::NoOrder)));
        Ended { cell, failure, again: false }
    }

    fn known(runs: &[(u64, usize, bool)]) -> Known {
        let runs = runs.iter().map(|(number, cell, failed)| (*number, ended(*cell, *failed)));
        Known { runs: runs.collect(), ..Known::default() }
    }

    #[test]
    fn runs_go_on_until_another_would_not_end_in_time() {
        let none = known(&[]);
        assert_eq!(none.next(&BOUNDS, 0.0, Some((0, 40.0))), Step::Run);
        assert_eq!(none.next(&BOUNDS, 960.0, Some((9, 40.0))), Step::Run);
        assert_eq!(none.next(&BOUNDS, 960.1, Some((9, 40.0))), Step::Wait(Why::Time));
        let ten = Bounds { seconds: None, runs: Some(10), ..BOUNDS };
        assert_eq!(none.next(&ten, 1e9, Some((9, 40.0))), Step::Run);
        assert_eq!(none.next(&ten, 0.0, Some((10, 40.0))), Step::Wait(Why::Runs));
    }

    #[test]
    fn the_first_failure_of_a_cell_is_repeated_and_then_shrunk() {
        let mut known = known(&[(0, 0, false), (1, 0, true), (2, 1, true), (5, 0, true)]);
        assert_eq!(known.first_failures(), [1, 2]);
        let next = |known: &Known| known.next(&BOUNDS, 100.0, Some((9, 40.0)));
        assert_eq!(next(&known), Step::Repeat { of: 1, number: 0 });
        known.repeating.insert((1, 0));
        assert_eq!(next(&known), Step::Repeat { of: 1, number: 1 });
        known.repeating.clear();
        known.repeats.insert(1, BTreeMap::from([(0, Some(true)), (1, Some(false))]));
        known.followed_up = 80.0;
        assert_eq!(next(&known), Step::Repeat { of: 2, number: 0 });
        known.repeats.insert(2, BTreeMap::from([(0, Some(false)), (1, None)]));
        known.followed_up = 160.0;
        // What did not fail again is not shrunk.
        assert_eq!(known.to_shrink(&BOUNDS), Some(1));
        assert_eq!(next(&known), Step::Run);
        // 40 of 200 seconds are set aside for it.
        assert_eq!(known.next(&BOUNDS, 921.0, Some((9, 40.0))), Step::Wait(Why::Time));
        known.shrunk.insert(1);
        assert_eq!(known.to_shrink(&BOUNDS), None);
        assert_eq!(known.next(&BOUNDS, 921.0, Some((9, 40.0))), Step::Run);
    }

    #[test]
    fn one_that_is_followed_up_stays_the_first_though_a_lower_number_fails_later() {
        let mut known = known(&[(5, 0, true)]);
        known.repeating.insert((5, 0));
        known.runs.insert(3, ended(0, true));
        assert_eq!(known.first_failures(), [5]);
    }

    #[test]
    fn another_failure_of_the_same_cell_is_followed_up_as_well() {
        let mut known = known(&[(0, 0, true), (1, 0, true), (2, 0, true), (3, 0, true)]);
        let mut fails = |number: u64, failure| {
            known.runs.insert(number, Ended { failure: Some(failure), ..ended(0, true) });
        };
        fails(1, (Part::Safety, Some(Contradiction::LostOperation)));
        fails(3, (Part::Liveness, None));
        assert_eq!(known.first_failures(), [0, 1, 3], "2 fails as 0 does");
    }

    #[test]
    fn a_run_on_a_starved_machine_is_made_once_more_within_the_share() {
        let mut known = known(&[(0, 0, false), (1, 0, false), (2, 1, true)]);
        let starved = |again| Ended { again, ..ended(0, false) };
        known.runs.insert(1, starved(true));
        let next = |known: &Known| known.next(&BOUNDS, 100.0, Some((9, 40.0)));
        // A failure goes first.
        assert_eq!(next(&known), Step::Repeat { of: 2, number: 0 });
        known.repeats.insert(2, BTreeMap::from([(0, Some(false)), (1, None)]));
        assert_eq!(next(&known), Step::Again(1));
        known.running.insert(1);
        assert_eq!(next(&known), Step::Run, "it goes on");
        known.running.clear();
        known.followed_up = 200.0;
        assert_eq!(next(&known), Step::Run, "the share is used");
        known.followed_up = 0.0;
        assert_eq!(known.next(&BOUNDS, 961.0, Some((9, 40.0))), Step::Wait(Why::Time));
        // It is made when all others were, too.
        let ten = Bounds { seconds: None, runs: Some(3), ..BOUNDS };
        assert_eq!(known.next(&ten, 100.0, None), Step::Again(1));
        known.runs.insert(1, starved(false));
        assert_eq!(known.next(&ten, 100.0, None), Step::Wait(Why::Runs));
    }

    #[test]
    fn repeats_keep_to_their_share() {
        let mut known = known(&[(0, 0, true)]);
        known.followed_up = 200.0;
        assert_eq!(known.next(&BOUNDS, 300.0, Some((9, 40.0))), Step::Run);
        let none = Bounds { share: 0.0, ..BOUNDS };
        known.followed_up = 0.0;
        assert_eq!(known.next(&none, 300.0, Some((9, 40.0))), Step::Run);
        // Without a bound on the time it is a share of what was made: a quarter of the runs' time.
        let ten = Bounds { seconds: None, runs: Some(10), ..BOUNDS };
        assert_eq!(known.allowance(&ten, 400.0), 100.0);
        known.followed_up = 100.0;
        assert!(known.allowance(&ten, 500.0).abs() < 1e-9);
    }

    /// A night of made-up runs, one at a time, in which more or less fails: it keeps to its time and to the share.
    #[test]
    fn a_night_keeps_to_its_bounds_whatever_fails() {
        for salt in 0..200_u64 {
            let draw = |number: u64| (number * 7919 + salt * 104_729) % 97;
            let mut known = Known::default();
            let (mut at, mut number) = (0.0, 0);
            loop {
                let step = known.next(&BOUNDS, at, Some((number, 20.0)));
                at += 20.0;
                match step {
                    Step::Run => {
                        let (cell, failed) = ((number % 5) as usize, draw(number) < salt % 50);
                        let again = !failed && draw(number) % 11 == 3;
                        known.runs.insert(number, Ended { again, ..ended(cell, failed) });
                        number += 1;
                    }
                    Step::Again(number) => {
                        let run = known.runs.get_mut(&number).expect("it was made");
                        assert!(std::mem::take(&mut run.again), "once more is once");
                        known.followed_up += 20.0;
                    }
                    Step::Repeat { of, number } => {
                        let repeats = known.repeats.entry(of).or_default();
                        assert!(repeats.insert(number, Some(draw(number) % 2 == 0)).is_none());
                        known.followed_up += 20.0;
                    }
                    Step::Wait(_) => {
                        at -= 20.0;
                        let Some(run) = known.to_shrink(&BOUNDS) else { break };
                        let left = known.allowance(&BOUNDS, at).min(1000.0 - at);
                        known.shrunk.insert(run);
                        known.followed_up += left / 2.0;
                        at += left / 2.0;
                    }
                }
            }
            assert!(at <= 1000.0 + 1e-6, "{at}");
            assert!(at >= 900.0, "the time is used: {at}");
            assert!(known.followed_up <= 220.0, "{}", known.followed_up);
            assert!(known.repeats.values().all(|repeats| repeats.len() <= 2));
            let cells: BTreeSet<usize> =
                known.repeats.keys().map(|run| known.runs[run].cell).collect();
            assert_eq!(cells.len(), known.repeats.len(), "one of each cell");
        }
    }
}

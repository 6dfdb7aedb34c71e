//! The next version to run, and the end: a function of the results so far.

use std::collections::BTreeMap;
use std::fmt;

use crate::repeats::{Failing, RunOutcome, Tally};
use crate::statistics::{Rate, ln_beta};

/// The bad version is run until so many runs failed, and at most so many times.
const MEASURED: (usize, usize) = (4, 20);

/// A version of which so many runs could not be judged, and more than could, is left out.
const UNJUDGED: usize = 6;

/// More passes are never asked for: a failure that is so rare is not worth it.
const MOST_PASSES: usize = 1_000;

/// The question.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    /// The versions, from the oldest to the newest.
    pub versions: Vec<String>,
    /// The places of those that are said to be good.
    pub good: Vec<usize>,
    /// The place of the one that is said to be bad.
    pub bad: usize,
    /// The failure; others do not count.
    pub failing: Failing,
    /// The confidence that every version taken for good is.
    pub confidence: f64,
}

/// The results so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    runs: BTreeMap<String, Tally>,
    /// Versions that cannot be had, each with the reason.
    pub lacking: BTreeMap<String, String>,
}

impl Known {
    /// Takes in a run.
    pub fn take(&mut self, version: &str, number: u64, outcome: RunOutcome) {
        self.runs.entry(version.to_owned()).or_default().take(number, outcome);
    }

    /// The runs of a version.
    pub fn of(&self, version: &str) -> Tally {
        self.runs.get(version).cloned().unwrap_or_default()
    }

    /// The number of all runs.
    pub fn runs(&self) -> usize {
        self.runs.values().map(|tally| tally.all().count()).sum()
    }
}

/// A version that is to be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wish {
    /// The version.
    pub version: String,
    /// Its place.
    pub place: usize,
    /// The reason, for a person.
    pub reason: &'static str,
}

/// The end of a bisection.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Ended {
    /// The failure came or went here, for each version that was said to be good.
    Found {
        /// The places.
        edges: Vec<Edge>,
        /// The rate of the version that was said to be bad.
        rate: Rate,
    },
    /// The version that was said to be bad did not fail.
    NeverFailed(Rate),
    /// A version that was said to be good failed.
    GoodFails(String, Rate),
    /// A version that was named cannot be run.
    Lacking(String, String),
}

/// Two versions between which the failure came or went.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Edge {
    /// The good one.
    pub good: String,
    /// The bad one.
    pub bad: String,
    /// True if the failure came, false if it went.
    pub came: bool,
    /// The versions between them, which could not be run.
    pub between: Vec<String>,
    /// The confidence that no bad version was taken for good on the way, given that each bad one
    /// fails as often as the one that was measured.
    pub confidence: f64,
}

/// `first bad: 2.12.1 (last good: 2.12.0), confidence 97.9 %`.
impl fmt::Display for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Edge { good, bad, came, between, confidence } = self;
        // Never rounded up to certainty.
        let percent = (1_000.0 * confidence).floor() / 10.0;
        match came {
            true => write!(f, "first bad: {bad} (last good: {good}), confidence {percent} %")?,
            false => write!(f, "last bad: {bad} (first good: {good}), confidence {percent} %")?,
        }
        match between.is_empty() {
            true => Ok(()),
            false => write!(f, "; between them could not be run: {}", between.join(", ")),
        }
    }
}

/// The state of a version.
enum State {
    Good {
        /// The chance that a bad one would have passed as often.
        missed: f64,
    },
    Bad,
    Lacking(String),
}

/// The answer, or a run that is needed first.
///
/// # Errors
/// The run.
pub(crate) fn search(question: &Question, known: &Known) -> Result<Ended, Wish> {
    let Question { versions, good, bad, .. } = question;
    let bisection = |rate| Bisection { question, known, rate };
    if let Some(reason) = known.lacking.get(&versions[*bad]) {
        return Ok(Ended::Lacking(versions[*bad].clone(), reason.clone()));
    }
    let rate = measure(question, known)?;
    if rate.failed == 0 {
        return Ok(Ended::NeverFailed(rate));
    }
    let bisection = bisection(rate);
    let mut edges = Vec::new();
    for end in good {
        match bisection.state(*end, "the version that is said to be good")? {
            State::Good { missed } => edges.push(bisection.edge(*end, missed)?),
            State::Bad => {
                let rate = known.of(&versions[*end]).rate(question.failing);
                return Ok(Ended::GoodFails(versions[*end].clone(), rate));
            }
            State::Lacking(reason) => return Ok(Ended::Lacking(versions[*end].clone(), reason)),
        }
    }
    Ok(Ended::Found { edges, rate })
}

/// The rate of the version that is said to be bad.
fn measure(question: &Question, known: &Known) -> Result<Rate, Wish> {
    let version = &question.versions[question.bad];
    let tally = known.of(version);
    let failures = tally.failures(question.failing);
    let (fails, most) = MEASURED;
    let failed = |count: &usize| failures[..*count].iter().filter(|it| **it).count();
    let enough = (1..=failures.len()).find(|count| failed(count) == fails);
    let hopeless = tally.uncounted(question.failing) >= most;
    match enough.or((failures.len() >= most || hopeless).then_some(failures.len().min(most))) {
        Some(runs) => Ok(Rate { failed: failed(&runs) as u64, runs: runs as u64 }),
        None => Err(Wish {
            version: version.clone(),
            place: question.bad,
            reason: "how often it fails",
        }),
    }
}

/// The chance that a version passes so often although it has the failure. Its rate is as uncertain as
/// a few runs of the bad version leave it: by Bayes, beta distributed, before them uniform.
pub(super) fn missed(rate: Rate, passes: usize) -> f64 {
    let (a, b) = ((rate.failed + 1) as f64, (rate.runs - rate.failed + 1) as f64);
    (ln_beta(a, b + passes as f64) - ln_beta(a, b)).exp()
}

struct Bisection<'a> {
    question: &'a Question,
    known: &'a Known,
    rate: Rate,
}

impl Bisection<'_> {
    /// The passes that make a version good: all versions that may be taken for good share the chance
    /// to be wrong.
    fn passes(&self) -> usize {
        let Question { versions, good, confidence, .. } = self.question;
        let halvings = versions.len().next_power_of_two().ilog2() + 1;
        let each = (1.0 - confidence) / f64::from(halvings) / good.len().max(1) as f64;
        (1..MOST_PASSES).find(|passes| missed(self.rate, *passes) <= each).unwrap_or(MOST_PASSES)
    }

    fn state(&self, place: usize, reason: &'static str) -> Result<State, Wish> {
        let version = &self.question.versions[place];
        if let Some(reason) = self.known.lacking.get(version) {
            return Ok(State::Lacking(reason.clone()));
        }
        let tally = self.known.of(version);
        let failures = tally.failures(self.question.failing);
        if failures.contains(&true) {
            return Ok(State::Bad);
        }
        if failures.len() >= self.passes() {
            return Ok(State::Good { missed: missed(self.rate, failures.len()) });
        }
        let uncounted = tally.uncounted(self.question.failing);
        if uncounted >= UNJUDGED && uncounted > failures.len() {
            return Ok(State::Lacking("its runs could not be judged".to_owned()));
        }
        Err(Wish { version: version.clone(), place, reason })
    }

    /// Halves what lies between a good version and the bad one.
    fn edge(&self, good: usize, mut wrong: f64) -> Result<Edge, Wish> {
        let Question { versions, bad, .. } = self.question;
        let (came, mut good, mut bad) = (good < *bad, good, *bad);
        let mut lacking: Vec<usize> = Vec::new();
        loop {
            let (low, high) = (good.min(bad), good.max(bad));
            let middle = (low + high) / 2;
            let mut left: Vec<usize> =
                (low + 1..high).filter(|place| !lacking.contains(place)).collect();
            left.sort_by_key(|place| place.abs_diff(middle));
            let Some(place) = left.first() else {
                let between = (low + 1..high).map(|place| versions[place].clone()).collect();
                let (good, bad) = (versions[good].clone(), versions[bad].clone());
                let confidence = (1.0 - wrong).max(0.0);
                return Ok(Edge { good, bad, came, between, confidence });
            };
            match self.state(*place, "halfway")? {
                State::Bad => bad = *place,
                State::Good { missed } => {
                    good = *place;
                    wrong += missed;
                }
                State::Lacking(_) => lacking.push(*place),
            }
        }
    }
}

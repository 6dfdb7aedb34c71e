//! Failures over nights: which are new, which come and go, which are gone.

use std::collections::{BTreeMap, BTreeSet};

use checker::verdict::Contradiction;

use super::model::{IndexRun, Series};
use crate::conclusion::Part;
use crate::words;

/// A failure is new for so many nights that ran its cell, counted from the first that saw it.
const NEW: usize = 7;

/// A failure that so many nights in a row did not see, though they ran its cell, is gone.
const GONE: usize = 5;

/// A part of the verdict that failed in a cell, with the same contradiction in the history.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// The cell, by its place in the series.
    pub cell: usize,
    /// The part that failed.
    pub part: Part,
    /// The contradiction, of a history; none if there is none, or it is not known.
    pub contradiction: Option<Contradiction>,
    /// The runs that showed it.
    pub seen: u64,
    /// The runs of the cell that could have, in all nights that are there.
    pub runs: u64,
    /// The first night that saw it, by its place in the series.
    pub first: usize,
    /// The last run that showed it: its night, and its place in that.
    pub last: (usize, usize),
    /// The course that it takes.
    pub course: Course,
}

/// The course of a failure over nights. Nights that did not run its cell are not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Course {
    /// Earlier nights passed, and it was first seen so many nights ago: 1 is the last night.
    New(usize),
    /// Some runs show it and others do not.
    Flaky,
    /// Every run shows it since it was first seen.
    Steady,
    /// It was not seen in so many last nights.
    Gone(usize),
}

/// The cell of a failure, and what tells it from others of that cell.
type Key = (usize, Part, Option<Contradiction>);

/// The runs of a night that could have shown one failure.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    night: usize,
    seen: u64,
    runs: u64,
    /// The last run that showed it, by its place in the night.
    last: Option<usize>,
}

/// The failures of a series: new ones first, the newest before the others, then those that are seen
/// still, then those that are gone.
pub fn failures(series: &Series) -> Vec<Failure> {
    let mut found = Vec::new();
    let counts = counts(series);
    for ((cell, part, contradiction), counts) in &counts {
        let Some(first) = counts.iter().position(|count| count.seen > 0) else { continue };
        let last = counts.iter().rposition(|count| count.seen > 0).unwrap_or(first);
        let since = &counts[first..];
        let total = |of: fn(&Count) -> u64, among: &[Count]| among.iter().map(of).sum::<u64>();
        let (missed, nights) = (counts.len() - 1 - last, since.len());
        let course = match () {
            () if missed >= GONE => Course::Gone(missed),
            () if first > 0 && nights <= NEW => Course::New(nights),
            () if total(|it| it.seen, since) < total(|it| it.runs, since) => Course::Flaky,
            () => Course::Steady,
        };
        found.push(Failure {
            cell: *cell,
            part: *part,
            contradiction: *contradiction,
            seen: total(|it| it.seen, counts),
            runs: total(|it| it.runs, counts),
            first: counts[first].night,
            last: (counts[last].night, counts[last].last.unwrap_or_default()),
            course,
        });
    }
    let order = |failure: &Failure| match failure.course {
        Course::New(nights) => (0, nights),
        Course::Flaky | Course::Steady => (1, 0),
        Course::Gone(nights) => (2, nights),
    };
    found.sort_by_key(|it| (order(it), it.part, std::cmp::Reverse((it.last, it.seen)), it.cell));
    found
}

/// The runs of each cell that say something of each failure, night by night, where there are any.
fn counts(series: &Series) -> BTreeMap<Key, Vec<Count>> {
    let seen: BTreeSet<Key> =
        series.nights.iter().flat_map(|night| &night.runs).filter_map(key).collect();
    let mut all: BTreeMap<Key, Vec<Count>> = BTreeMap::new();
    for (night, of_night) in series.nights.iter().enumerate() {
        for (place, run) in of_night.runs.iter().enumerate() {
            let shown = key(run).map(|key| said(key, &seen));
            let of_cell = (run.cell, Part::ALL[0], None)..(run.cell + 1, Part::ALL[0], None);
            for key in seen.range(of_cell).filter(|key| run.counts(key.1)) {
                let counts = all.entry(*key).or_default();
                if counts.last().is_none_or(|last| last.night != night) {
                    counts.push(Count { night, ..Count::default() });
                }
                if let Some(count) = counts.last_mut() {
                    count.runs += 1;
                    if shown == Some(*key) {
                        count.seen += 1;
                        count.last = Some(place);
                    }
                }
            }
        }
    }
    all
}

/// The failure that a run shows; none if it shows none.
fn key(run: &IndexRun) -> Option<Key> {
    Some((run.cell, run.failed?, run.contradiction))
}

/// The failure that a run shows. One of a version that did not say which contradiction it was is
/// taken for the only one that was seen there since, if there is one alone.
fn said(key: Key, seen: &BTreeSet<Key>) -> Key {
    let (cell, part, None) = key else { return key };
    let mut named = seen.iter().filter(|it| (it.0, it.1) == (cell, part) && it.2.is_some());
    match (named.next(), named.next()) {
        (Some(only), None) => *only,
        _ => key,
    }
}

impl Failure {
    /// The course in words: `new since 3 nights`.
    pub fn course_in_words(&self, unit: &str) -> String {
        match self.course {
            Course::New(1) => format!("new in the last {unit}"),
            Course::New(nights) => format!("new since {nights} {unit}s"),
            Course::Flaky => "comes and goes".to_owned(),
            Course::Steady => "in every run".to_owned(),
            Course::Gone(nights) => format!("not seen for {nights} {unit}s"),
        }
    }

    /// The part that failed, and how: `safety, a lost operation`.
    pub fn kind_in_words(&self) -> String {
        let part = self.part.name();
        let how = self.contradiction.filter(|_| self.part == Part::Safety);
        how.map_or_else(|| part.to_owned(), |how| format!("{part}, {}", how.in_words()))
    }

    /// The number of runs in words: `seen 4 times in 300 runs`.
    pub fn seen_in_words(&self) -> String {
        let times = match self.seen {
            1 => "once".to_owned(),
            2 => "twice".to_owned(),
            times => format!("{} times", words::count(times)),
        };
        format!("seen {times} in {}", words::counted(self.runs, "run"))
    }
}

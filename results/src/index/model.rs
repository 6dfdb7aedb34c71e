//! Nights in rows, so that one can be held against the others.

use std::collections::BTreeMap;

use checker::verdict::{Contradiction, Verdict};

use super::found::{Detection, Found, FoundRun, Unreadable};
use super::series::{of_nights, of_runs};
use crate::conclusion::Part;
use crate::night::{FollowUp, Reached};
use crate::summary::Latency;

/// The index of a folder of results.
#[derive(Debug, Clone, Default)]
pub struct Index {
    /// The nights of each name, and the runs of no night; the series with the newest first.
    pub series: Vec<Series>,
    /// The tables of catalogues.
    pub detections: Vec<Detection>,
    /// The things that cannot be shown.
    pub unreadable: Vec<Unreadable>,
}

/// Nights that are compared with each other: those of one name. Runs of no night are taken by days.
#[derive(Debug, Clone, Default)]
pub struct Series {
    /// The name.
    pub name: String,
    /// True if its nights are days of runs that belong to none.
    pub by_day: bool,
    /// The cells of all its nights, sorted.
    pub cells: Vec<CellName>,
    /// The nights, from the oldest.
    pub nights: Vec<IndexNight>,
}

/// The name of a cell, alike in every night.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CellName {
    /// The target as the plan of the night names it.
    pub target: String,
    /// The workload.
    pub workload: String,
    /// The profile of the faults.
    pub profile: String,
}

/// A night of a series, or a day.
#[derive(Debug, Clone, Default)]
pub struct IndexNight {
    /// Its name: that of its folder, or the day.
    pub id: String,
    /// When it began, in UTC, as RFC 3339.
    pub started: String,
    /// The sentence about its end; none if it goes on.
    pub ended: Option<String>,
    /// True if its process lives.
    pub goes_on: bool,
    /// The time that it took, in seconds.
    pub seconds: f64,
    /// Its folders, from that of the index on: one for each shard that is not merged.
    pub folders: Vec<String>,
    /// Its runs, by their numbers, or by the time at which they began.
    pub runs: Vec<IndexRun>,
    /// The situations that faults reached, by target.
    pub reached: BTreeMap<String, Reached>,
    /// Things that a reader should know.
    pub remarks: Vec<String>,
}

/// A run of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexRun {
    /// Its number in its night; none of a run of no night.
    pub number: Option<u64>,
    /// Its cell, by its place in the series.
    pub cell: usize,
    /// Its seed.
    pub seed: u64,
    /// The worst of all parts.
    pub verdict: Verdict,
    /// The part that failed; none if none did, or if this machine had no time for the run.
    pub failed: Option<Part>,
    /// The plainest contradiction in its history; none if there is none, or it is not known.
    pub contradiction: Option<Contradiction>,
    /// The reason for which it says neither that something fails nor that it does not.
    pub uncounted: Option<Uncounted>,
    /// The verdict in a sentence.
    pub sentence: String,
    /// When it began, in UTC, as RFC 3339.
    pub started: Option<String>,
    /// The time that it took, in seconds.
    pub seconds: f64,
    /// The seconds from the last undo to the last node's answer.
    pub recovery_seconds: Option<f64>,
    /// The latency of its operations.
    pub latency: Option<Latency>,
    /// Its run directory, from the folder of the index on; none if nothing of it is kept.
    pub folder: Option<String>,
    /// True if its page is kept.
    pub has_page: bool,
    /// The way to its cause, as far as the night went it.
    pub follow_up: Option<FollowUp>,
    /// The command that makes the same run again, of one that failed.
    pub command: Option<String>,
}

/// The reason for which a run says neither that something fails nor that it does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uncounted {
    /// This machine had no time for it.
    Starved,
    /// Its verdict is Unknown.
    Unknown,
    /// It goes on.
    GoesOn,
    /// It was killed before it was judged.
    NotJudged,
}

impl Index {
    /// The index of what was found; the tables of catalogues are none of it yet.
    pub fn of(found: Found) -> Index {
        let Found { nights, runs, catalogues: _, unreadable } = found;
        let mut series = of_nights(nights);
        series.extend(of_runs(runs));
        // The one that a reader came for is the one that was written last.
        let newest = |it: &Series| it.nights.last().map(|night| night.started.clone());
        series.sort_by(|one, other| (newest(other), &one.name).cmp(&(newest(one), &other.name)));
        Index { series, detections: Vec::new(), unreadable }
    }

    /// True if nothing was found.
    pub fn is_empty(&self) -> bool {
        self.series.is_empty() && self.detections.is_empty() && self.unreadable.is_empty()
    }

    /// All runs.
    pub fn runs(&self) -> impl Iterator<Item = &IndexRun> {
        self.series.iter().flat_map(|series| &series.nights).flat_map(|night| &night.runs)
    }

    /// The number of nights, without days.
    pub fn nights(&self) -> usize {
        let nights = self.series.iter().filter(|series| !series.by_day);
        nights.map(|series| series.nights.len()).sum()
    }
}

impl Series {
    /// The word for one of its nights.
    pub fn unit(&self) -> &'static str {
        if self.by_day { "day" } else { "night" }
    }
}

impl CellName {
    /// Its name in one line: `etcd-3.5.1 · register · nightly`.
    pub fn text(&self) -> String {
        let CellName { target, workload, profile } = self;
        format!("{target} · {workload} · {profile}")
    }

    /// The cell of a run of no night: its faults are its profile.
    pub(super) fn of_run(run: &FoundRun) -> CellName {
        let Some(info) = &run.info else {
            let unknown = || "unknown".to_owned();
            return CellName { target: unknown(), workload: unknown(), profile: unknown() };
        };
        let target = match &info.bug {
            Some(bug) => format!("{} with {bug}", info.target),
            None => info.target.clone(),
        };
        let profile = match info.faults.as_slice() {
            [] => "no faults".to_owned(),
            faults => faults.join(" + "),
        };
        CellName { target, workload: info.workload.clone(), profile }
    }
}

impl IndexNight {
    /// The worst verdict of its runs; none if it has none.
    pub fn verdict(&self) -> Option<Verdict> {
        self.runs.iter().map(|run| run.verdict).max()
    }

    /// The number of its runs that failed.
    pub fn failed(&self) -> u64 {
        self.runs.iter().filter(|run| run.failed.is_some()).count() as u64
    }
}

impl IndexRun {
    /// True if it says of this part that it fails, or that it does not.
    pub fn counts(&self, part: Part) -> bool {
        match (self.failed, self.uncounted) {
            (Some(Part::Harness), _) => part == Part::Harness,
            (Some(_), _) => true,
            (None, Some(Uncounted::Unknown)) => part == Part::Harness,
            (None, Some(_)) => false,
            (None, None) => true,
        }
    }
}

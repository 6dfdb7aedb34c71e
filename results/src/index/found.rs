//! The things that lie in a folder of results.

use checker::verdict::{Contradiction, Verdict};

use crate::conclusion::Part;
use crate::night::Night;
use crate::summary::{Latency, RunInfo};

/// Everything that an index is made from, in the order of the names of the folders.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// The nights.
    pub nights: Vec<FoundNight>,
    /// The runs that belong to no night.
    pub runs: Vec<FoundRun>,
    /// The folders of catalogues, from that of the index on.
    pub catalogues: Vec<String>,
    /// The things that cannot be shown.
    pub unreadable: Vec<Unreadable>,
}

/// A night, with its place.
#[derive(Debug, Clone)]
pub struct FoundNight {
    /// Its folder, from that of the index on; empty if it is the same.
    pub folder: String,
    /// The night.
    pub night: Night,
    /// True if its process lives.
    pub goes_on: bool,
}

/// A run of no night, with its place.
#[derive(Debug, Clone)]
pub struct FoundRun {
    /// Its run directory, from the folder of the index on; empty if it is the same.
    pub folder: String,
    /// The run and its place; none if it left none of that.
    pub info: Option<RunInfo>,
    /// Its verdict; none if it was not judged.
    pub judged: Option<Judged>,
    /// True if its process lives.
    pub goes_on: bool,
    /// True if it has a page.
    pub has_page: bool,
}

/// The outcome of a run of no night.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The worst of all parts.
    pub verdict: Verdict,
    /// The part that failed.
    pub failed: Option<Part>,
    /// The plainest contradiction in its history.
    pub contradiction: Option<Contradiction>,
    /// True if this machine had no time for it.
    pub starved: bool,
    /// The verdict in a sentence.
    pub sentence: String,
    /// The time that it took, in seconds.
    pub seconds: f64,
    /// The seconds from the last undo to the last node's answer.
    pub recovery_seconds: Option<f64>,
    /// The latency of its operations.
    pub latency: Option<Latency>,
}

/// A part of the folder that cannot be shown, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Its path, from the folder of the index on.
    pub place: String,
    /// The reason.
    pub why: String,
}

/// The table of a catalogue: how often each planted bug was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detection {
    /// Its folder, from that of the index on.
    pub folder: String,
    /// The heads of its columns.
    pub heads: Vec<String>,
    /// Its rows.
    pub rows: Vec<Vec<String>>,
}

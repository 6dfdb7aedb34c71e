//! Reading of a folder of results.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use checker::verdict::{Analysis, Verdict};
use serde::Deserialize;

use super::found::{Found, FoundNight, FoundRun, Judged, Unreadable};
use crate::conclusion::Part;
use crate::detection::DETECTION;
use crate::layout::{self, REPORT, VERDICT};
use crate::loaded_run::{Form, read_form};
use crate::night::{NightDirectory, State};
use crate::page::shell::GENERATOR;
use crate::run_directory::RunDirectory;
use crate::summary::{Latency, RunInfo, STARVED, Summary};

/// File name of an index in the folder that it is about.
pub const INDEX: &str = "index.html";

/// Folders that deep below the folder are looked through: `results` holds `nights`, and that holds
/// nights.
const DEPTH: usize = 2;

/// Reads all nights and runs in a folder, which may be one itself. A part that cannot be read is an
/// entry that says so.
///
/// # Errors
/// When the folder itself cannot be read.
pub fn find(folder: &Path) -> Result<Found> {
    fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut found = Found::default();
    look(folder, "", DEPTH, &mut found);
    Ok(found)
}

/// Saves the page of an index in its folder, and returns its path. Its readers see the one before or
/// this one.
///
/// # Errors
/// When it cannot be written, or something of that name is there which is no page of stormproof's.
pub fn save(folder: &Path, html: &str) -> Result<PathBuf> {
    let path = folder.join(INDEX);
    if path.exists() && !is_ours(&path).unwrap_or(false) {
        bail!("{} is something else, and is left as it is", path.display());
    }
    layout::replace(folder, INDEX, html.as_bytes())
}

/// The bytes of a page within which it says where it comes from.
const BEGINNING: u64 = 1000;

fn is_ours(page: &Path) -> std::io::Result<bool> {
    let mut beginning = Vec::new();
    fs::File::open(page)?.take(BEGINNING).read_to_end(&mut beginning)?;
    Ok(String::from_utf8_lossy(&beginning).contains(GENERATOR))
}

/// Takes in the night, the run, or the folder of some, that stands at `path`.
fn look(path: &Path, place: &str, depth: usize, found: &mut Found) {
    if NightDirectory::is_one(path) {
        return match read_night(path, place) {
            Ok(night) => found.nights.push(night),
            Err(error) => found.unreadable.push(unreadable(place, &error)),
        };
    }
    if RunDirectory::is_one(path) {
        return match RunDirectory::open(path).and_then(|run| read_run(&run, place)) {
            Ok(run) => found.runs.push(run),
            Err(error) => found.unreadable.push(unreadable(place, &error)),
        };
    }
    if path.join(DETECTION).is_file() {
        return found.catalogues.push(place.to_owned());
    }
    if depth == 0 {
        return;
    }
    match folders(path) {
        Ok(names) => {
            for name in names {
                let below = if place.is_empty() { name.clone() } else { format!("{place}/{name}") };
                look(&path.join(&name), &below, depth - 1, found);
            }
        }
        Err(error) => {
            let error = anyhow::Error::new(error).context("cannot read the folder");
            found.unreadable.push(unreadable(place, &error));
        }
    }
}

/// The names of the folders in a folder, sorted. Links are left out: `latest` is one of the others.
fn folders(path: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if let Ok(name) = entry.file_name().into_string()
            && !name.starts_with('.')
            && entry.file_type().is_ok_and(|kind| kind.is_dir())
        {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn unreadable(place: &str, error: &anyhow::Error) -> Unreadable {
    let place = if place.is_empty() { "." } else { place };
    Unreadable { place: place.to_owned(), why: format!("{error:#}") }
}

/// Reads the night in a folder, which is found there from that of the index on.
///
/// # Errors
/// When it cannot be read or understood, or another version of stormproof wrote it.
pub fn read_night(path: &Path, place: &str) -> Result<FoundNight> {
    let directory = NightDirectory::at(path)?;
    let night = directory.night()?.context("it holds no night.json yet")?;
    let goes_on = night.state == State::GoesOn && directory.goes_on();
    Ok(FoundNight { folder: place.to_owned(), night, goes_on })
}

/// The part of a `verdict.json` that an index shows. What is left out may be long.
#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    schema: Option<u32>,
    verdict: Verdict,
    sentence: String,
    safety: Analysis,
    liveness: Liveness,
    #[serde(default)]
    availability: Option<Promised>,
    run: RunInfo,
    #[serde(default)]
    phases: Vec<(String, f64)>,
    #[serde(default)]
    failure: Option<String>,
    #[serde(default)]
    latency: Option<Latency>,
}

impl Form for Head {
    const SCHEMA: u32 = Summary::SCHEMA;
    const BEFORE: Option<u32> = Summary::BEFORE;

    fn schema(&self) -> u32 {
        self.schema.or(Self::BEFORE).unwrap_or_default()
    }
}

#[derive(Deserialize)]
struct Liveness {
    verdict: Verdict,
    #[serde(default)]
    recovery_seconds: Option<f64>,
    #[serde(default)]
    probe_lateness_seconds: f64,
}

#[derive(Deserialize)]
struct Promised {
    #[serde(default)]
    verdict: Option<Verdict>,
}

fn read_run(run: &RunDirectory, place: &str) -> Result<FoundRun> {
    let head: Option<Head> = read_form(&run.path().join(VERDICT))?;
    let has_page = run.path().join(REPORT).is_file();
    let folder = place.to_owned();
    let Some(head) = head else {
        let info = run.account()?.map(|account| account.run);
        return Ok(FoundRun { folder, info, judged: None, goes_on: run.goes_on(), has_page });
    };
    let failed = Part::failed(
        head.verdict,
        head.safety.verdict,
        head.liveness.verdict,
        head.availability.and_then(|it| it.verdict),
        head.failure.is_some(),
    );
    let judged = Judged {
        verdict: head.verdict,
        failed,
        contradiction: head.safety.contradiction().map(|(contradiction, _)| contradiction),
        starved: head.liveness.probe_lateness_seconds > STARVED.as_secs_f64(),
        sentence: head.sentence,
        seconds: head.phases.iter().map(|(_, seconds)| seconds).sum(),
        recovery_seconds: head.liveness.recovery_seconds,
        latency: head.latency,
    };
    let (info, judged) = (Some(head.run), Some(judged));
    Ok(FoundRun { folder, info, judged, goes_on: false, has_page })
}

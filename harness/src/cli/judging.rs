//! Judging a history in a file: what `check` and `shrink` have in common.

use std::io::{self, ErrorKind};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::Result;
use checker::history::{Reading, Setting};
use checker::oracle::version::VersionSemantics;
use checker::verdict::Analysis;
use clap::builder::RangedU64ValueParser;
use clap::{Args, ValueEnum};
use indicatif::ProgressBar;
use results::run_directory::{HISTORY, PLAN, RunDirectory};
use serde_json::Value;

use super::history_input::{self, is_standard_input};
use crate::auditing::Saved;
use crate::exit::bad_input;
use crate::names;
use crate::plan::{SavedPlan, saved_target};
use crate::printing::err;
use crate::terminal;

/// Which history, and how to judge it.
#[derive(Debug, Args)]
pub struct Judging {
    /// A history (JSON lines, an array of JSON events, Jepsen EDN or a plain Jepsen log; also
    /// compressed by gzip or zstd), - for standard input, or a run directory
    path: PathBuf,
    /// The model to judge by [default: the file's own, as `shrink` writes it, else chosen from the
    /// operations; says which]
    #[arg(long, value_parser = names::model())]
    model: Option<String>,
    /// The value of every key before the first operation, as JSON: the objects of transactions and
    /// the accounts of a bank as {"x":1,…}, a bank's sum as a number [default: the file's own, else
    /// null, nothing]
    #[arg(long, value_name = "JSON", value_parser = json)]
    initial: Option<Value>,
    /// Operations that a search may try before it answers Unknown; what needs no search is decided
    #[arg(long, value_name = "STEPS")]
    budget: Option<u64>,
    /// The number of keys that are judged at a time [default: one for each processor]
    #[arg(long, value_name = "COUNT", value_parser = RangedU64ValueParser::<usize>::new().range(1..=1024))]
    threads: Option<usize>,
    /// Take an operation that failed, without a reason or because the service said no, as the
    /// observation that its precondition was unmet: a compare-and-set found another value, a queue
    /// was empty, a lock was held by another. Without this flag such operations did not happen; only
    /// a dequeue whose error says `empty` is always an observation
    #[arg(long, alias = "observe-failed-cas")]
    observe_failures: bool,
    /// The promise of the service about the versions in its answers [default: of a run, what its
    /// target claims; else none]
    #[arg(long, value_name = "CLAIM")]
    versions: Option<Versions>,
}

/// The promises that a service may make about versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Versions {
    /// They are indices of one log for the whole store, in which every mutation has an entry of its
    /// own, also one whose precondition failed
    LogIndex,
    /// Nothing: they are not judged
    None,
}

fn json(text: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str(text)
}

impl Judging {
    /// The path of the history: a file, or the directory of a run.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns true if the caller says nothing about how to judge: then a run is judged as it judges
    /// itself.
    pub fn is_plain(&self) -> bool {
        let Judging { model, initial, budget, observe_failures, versions, .. } = self;
        let said = model.is_some() || initial.is_some() || budget.is_some() || versions.is_some();
        !said && !observe_failures
    }

    /// The same history, judged in no special way.
    pub fn of_run(path: PathBuf) -> Judging {
        Judging {
            path,
            model: None,
            initial: None,
            budget: None,
            threads: None,
            observe_failures: false,
            versions: None,
        }
    }

    /// The model to judge by: as the caller says; of a run, that of its workload.
    fn model(&self) -> Result<Option<String>> {
        if self.model.is_some() || !self.path.is_dir() {
            return Ok(self.model.clone());
        }
        let run = RunDirectory::open(&self.path).map_err(unreadable)?;
        if let Some(account) = run.account().map_err(unreadable)? {
            return Ok(Some(account.model));
        }
        let of_workload = workloads::find(&SavedPlan::of(&self.path).workload);
        let judged_by =
            || Ok(run.summary().map_err(unreadable)?.map(|summary| summary.safety.model));
        match of_workload {
            Some(workload) => Ok(Some(workload.model.to_owned())),
            None => judged_by(),
        }
    }
}

/// A file of a run that cannot be read or understood: unreadable input.
pub(super) fn unreadable(error: anyhow::Error) -> anyhow::Error {
    bad_input(format!("{error:#}"))
}

/// A history that was judged.
pub struct Judged {
    /// The outcome.
    pub analysis: Analysis,
    /// The way in which it was judged.
    pub setting: Setting,
    /// By which model, and why, in a sentence; none if the caller named the model.
    pub choice: Option<String>,
}

/// Reads the history and judges it. Prints to standard error what the reader tolerated.
///
/// # Errors
/// When the file cannot be read, is no history, or does not fit the model.
pub fn judge(judging: &Judging) -> Result<Judged> {
    let path = match judging.path.is_dir() {
        // The one of a night's run may be compressed.
        true => {
            let history = judging.path.join(HISTORY);
            results::compressed::stands(&history).unwrap_or(history)
        }
        false => judging.path.clone(),
    };
    let shown = match is_standard_input(&path) {
        true => "standard input".to_owned(),
        false => path.display().to_string(),
    };
    let unreadable = |error: &dyn std::fmt::Display| bad_input(format!("{shown}: {error}"));
    let threads = judging.threads.and_then(NonZeroUsize::new);
    let reading = match read(&path, threads) {
        // A run may have been killed before its first event.
        Err(error) if judging.path.is_dir() && is_missing(&error) => {
            checker::history::read(io::empty()).map_err(anyhow::Error::from)
        }
        reading => reading,
    };
    let reading = reading.map_err(|error| unreadable(&error))?;
    for note in &reading.notes {
        err!("{shown}: {note}");
    }
    let mut options = reading.setting.options(reading.format);
    if let Some(initial) = &judging.initial {
        options.initial = initial.clone();
    }
    options.budget.steps = judging.budget.unwrap_or(options.budget.steps);
    options.threads = threads.unwrap_or(options.threads);
    options.conventions.observe_failures |= judging.observe_failures;
    let asked_for = judging.model()?;
    options.versions = versions(judging)?;
    let mut told = None;
    if asked_for.is_some() {
        options.model = asked_for;
    } else if let Some(model) = &options.model {
        told = Some(format!("{}, judged as {model}: the file says so", reading.format.name()));
    } else {
        let choice = checker::model::choose(&reading.operations)
            .map_err(|error| unreadable(&error.in_file()))?;
        let model = choice.model.description().name;
        told = Some(format!("{}, judged as {model}: {}", reading.format.name(), choice.reason));
        options.model = Some(model.into());
    }
    let bar = progress_bar(0);
    let show = |progress: checker::Progress| {
        bar.set_length(progress.total as u64);
        bar.set_position(progress.done as u64);
    };
    let saved = match judging.path.is_dir() {
        true => Saved::read(&judging.path).map_err(|error| bad_input(format!("{error:#}")))?,
        false => Saved::nothing(),
    };
    let versioned = || reading.operations.iter().any(|operation| operation.version().is_some());
    if judging.versions.is_none() && options.versions.is_none() && versioned() {
        err!("{shown}: its versions are not judged; --versions says what they mean");
    }
    let analysis = saved
        .check(&reading.operations, &options, &show)
        .map_err(|error| bad_input(format!("{error:#}")))?
        .map_err(|error| unreadable(&error.in_file()))?;
    bar.finish_and_clear();
    let setting = Setting::of_options(&options);
    Ok(Judged { analysis, setting, choice: told })
}

fn is_missing(error: &anyhow::Error) -> bool {
    let of_file = error.downcast_ref::<io::Error>();
    of_file.is_some_and(|error| error.kind() == ErrorKind::NotFound)
}

fn read(path: &Path, threads: Option<NonZeroUsize>) -> Result<Reading> {
    let (input, length) = history_input::open(path)?;
    let bar = progress_bar(length);
    let input = history_input::uncompressed(bar.wrap_read(input))?;
    let reading = match threads {
        Some(threads) => checker::history::read_with_threads(input, threads),
        None => checker::history::read(input),
    };
    bar.finish_and_clear();
    Ok(reading?)
}

/// The meaning of the versions: as the caller says; of a run, as its target claims.
fn versions(judging: &Judging) -> Result<Option<VersionSemantics>> {
    match judging.versions {
        Some(Versions::LogIndex) => return Ok(Some(VersionSemantics::LOG_INDEX)),
        Some(Versions::None) => return Ok(None),
        None => {}
    }
    let plan = judging.path.join(PLAN);
    if !plan.is_file() {
        return Ok(None);
    }
    Ok(saved_target(&judging.path)?.and_then(|target| target.versions()))
}

/// A bar on a terminal; nothing elsewhere.
fn progress_bar(length: u64) -> ProgressBar {
    match terminal::moves() {
        true => ProgressBar::new(length),
        false => ProgressBar::hidden(),
    }
}

//! `stormproof exercise`: tasks for those who learn, whose answers are looked for in a run.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use clap::builder::PossibleValuesParser;
use results::run_directory::REPORT;

use super::output::{Output, shown};
use crate::exercises::{ALL, Evidence, Exercise};
use crate::exit::Exit;
use crate::plan::Written;
use crate::printing::{err, out, print_out};
use crate::repeats::{Go, Jobs, Pool, RunOutcome, Show, Wanted, block_on};

#[derive(Debug, Args)]
pub struct Arguments {
    /// The exercise; `list exercises` tells what each is about
    #[arg(value_parser = names())]
    name: String,
    /// The answer: a plan, which is carried out and checked, or the directory of a run that is there.
    /// Without one, the task is printed, as a plan to begin with
    answer: Option<PathBuf>,
    /// The folder below which each answer's run has one of its own [default: results/exercises]
    #[arg(long, value_name = "DIR", requires = "answer")]
    results: Option<PathBuf>,
}

/// The folder of the runs, unless `--results` names another one.
const EXERCISES: &str = "results/exercises";

fn names() -> PossibleValuesParser {
    ALL.iter().map(|it| it.name).collect::<Vec<_>>().into()
}

pub fn main(arguments: Arguments) -> Result<Exit> {
    let Arguments { name, answer, results } = arguments;
    let exercise =
        ALL.iter().find(|it| it.name == name).context("the names are those of the list")?;
    match answer {
        None => {
            print_out(format_args!("{}", exercise.sheet()));
            Ok(Exit::Valid)
        }
        Some(run) if run.is_dir() => check(exercise, &run.canonicalize()?),
        Some(plan) => {
            let written = Written::from_file(&plan)?;
            let folder = results.unwrap_or_else(|| EXERCISES.into());
            // Runs of earlier answers stay.
            let output = Output::fresh(&folder, exercise.name)?;
            match carry_out(written, output.path())? {
                Ran::Ended(run) => check(exercise, &run),
                Ran::Failed(reason) => {
                    err!("stormproof: {reason}");
                    Ok(Exit::HarnessFailure)
                }
                Ran::Interrupted => {
                    err!("interrupted");
                    Ok(Exit::Unknown)
                }
            }
        }
    }
}

/// The end of the run of an answer.
enum Ran {
    /// It was judged, and stands in this directory.
    Ended(PathBuf),
    /// The harness failed, for this reason.
    Failed(String),
    /// A person interrupted it.
    Interrupted,
}

/// Carries out a plan in a process of its own, below `folder`.
fn carry_out(written: Written, folder: &Path) -> Result<Ran> {
    let plan = written.resolve()?;
    err!("{plan}");
    let mut outcome: Option<RunOutcome> = None;
    let interrupted = block_on(async {
        let mut pool = Pool::new(folder.to_owned(), Jobs::new(Some(1)), None)?;
        let show = Show::start(Some(1));
        let mut wanted = Some(Wanted { name: "run".to_owned(), number: 0, plan });
        let take = |_, ended| {
            outcome = Some(ended);
            Ok(Go::On)
        };
        pool.carry_out(&show, || wanted.take(), take).await?;
        let interrupted = pool.is_interrupted();
        pool.finish().await;
        Ok(interrupted)
    })?;
    let outcome = outcome.filter(|_| !interrupted);
    Ok(match outcome {
        None => Ran::Interrupted,
        Some(RunOutcome { failure: Some(reason), .. }) => Ran::Failed(reason),
        Some(RunOutcome { run: Some(run), .. }) => Ran::Ended(run),
        Some(_) => Ran::Failed("the run left nothing".to_owned()),
    })
}

/// Checks what a run shows, and says what is missing.
fn check(exercise: &Exercise, run: &Path) -> Result<Exit> {
    let evidence = Evidence::read(run)?;
    let answer = exercise.answer(&evidence);
    out!("{}: {}", exercise.name, exercise.goal);
    for line in answer.lines(exercise) {
        out!("  {line}");
    }
    out!("page: {}", shown(&run.join(REPORT)));
    let met = format!("{} of {}", answer.seen.len(), exercise.demands.len());
    Ok(match (answer.is_solved(), evidence.excuse) {
        (true, _) => {
            out!("SOLVED");
            Exit::Valid
        }
        (false, None) => {
            out!("NOT SOLVED: {met}");
            Exit::Invalid
        }
        (false, Some(excuse)) => {
            out!("UNKNOWN: {met}, and {excuse}");
            Exit::Unknown
        }
    })
}

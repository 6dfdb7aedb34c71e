//! `stormproof shrink`: writes the operations that contradict each other as a history of their own;
//! with `--schedule` the plan of few faults instead that still leads there.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use checker::history::{History, Setting};
use clap::Args;

use super::judging::{Judged, Judging, judge};
use super::shrink_schedule::{self, Runs};
use crate::exit::{Exit, usage};
use crate::printing::{err, out};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    judging: Judging,
    /// The file to write the history to [default: standard output]; with --schedule the folder for
    /// everything [default: one in results/shrinks that the same command finds again]
    #[arg(long, short, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Shrink the plan of a saved run that failed instead: carry out smaller ones, until few faults
    /// on a small cluster are left that still fail at least half as often
    #[arg(long)]
    schedule: bool,
    #[command(flatten)]
    runs: Runs,
}

pub fn main(arguments: Arguments) -> Result<Exit> {
    if arguments.schedule {
        if !arguments.judging.is_plain() {
            return Err(usage("--schedule judges its runs as they judge themselves"));
        }
        let directory = arguments.judging.path();
        return shrink_schedule::main(directory, arguments.output, arguments.runs);
    }
    let Judged { analysis, setting, choice } = judge(&arguments.judging)?;
    if let Some(choice) = choice {
        err!("{choice}");
    }
    match &analysis.counterexample {
        Some(counterexample) => {
            write(&setting, &counterexample.history(), arguments.output.as_deref())?;
            let (shown, all) = (counterexample.operations.len(), analysis.operations);
            err!("{shown} of {all} operations: {}", counterexample.sentence);
        }
        None => {
            let reason = analysis.sentence().unwrap_or("the history is valid");
            err!("nothing to shrink: {reason}");
        }
    }
    Ok(analysis.verdict.into())
}

/// Writes a history, to standard output if no file is named. It begins with the way in which it is
/// to be judged: the few operations that are left may no longer show it.
fn write(setting: &Setting, history: &History, file: Option<&Path>) -> Result<()> {
    let mut lines = format!("{}\n", setting.line()).into_bytes();
    for event in &history.events {
        serde_json::to_writer(&mut lines, event)?;
        lines.push(b'\n');
    }
    match file {
        None => {
            out!("{}", String::from_utf8_lossy(&lines).trim_end());
            Ok(())
        }
        Some(path) => File::create(path)
            .map(BufWriter::new)
            .and_then(|mut file| file.write_all(&lines).and_then(|()| file.flush()))
            .with_context(|| format!("cannot write {}", path.display())),
    }
}

//! `stormproof shrink`: writes the operations that contradict each other as a history of their own.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use checker::history::{History, Setting};
use clap::Args;

use super::judging::{Judged, Judging, judge};
use crate::exit::Exit;
use crate::printing::{err, out};

#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    judging: Judging,
    /// The file to write the history to [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub fn main(arguments: Arguments) -> Result<Exit> {
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

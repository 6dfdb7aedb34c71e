//! Flags by which a command also tells CI what came of it, alike for runs and nights.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, ValueEnum};
use results::ci::{CiReport, github_annotations, junit, markdown, sarif};
use results::night::{Night, NightDirectory};

use super::output::shown;
use crate::exit::{Exit, usage};
use crate::printing::{err, print_out};

/// The forms that CI systems read.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "For CI")]
pub struct CiFlags {
    /// Write a JUnit file: a case for each target, workload, profile and seed, with the command that
    /// runs it again
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Add a summary in Markdown to the end of a file, such as $GITHUB_STEP_SUMMARY
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Write what did not pass as SARIF 2.1.0
    #[arg(long, value_name = "FILE")]
    sarif: Option<PathBuf>,
    /// Print what did not pass as annotations of a CI system
    #[arg(long, value_name = "SYSTEM")]
    annotations: Option<Annotations>,
}

/// A CI system that reads annotations off the standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Annotations {
    /// GitHub Actions
    Github,
}

impl CiFlags {
    /// True if any is set.
    pub fn any(&self) -> bool {
        let files = [&self.junit, &self.markdown, &self.sarif];
        files.iter().any(|file| file.is_some()) || self.annotations.is_some()
    }

    /// Writes into the files that nothing has ended yet: a result of earlier is never taken for one
    /// of now, however this process ends. Tells before a run, too, that a file cannot be written.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn begin(&self, name: &str) -> Result<()> {
        let unfinished = CiReport::unfinished(name);
        let refuse = |failure: String| usage(failure);
        self.replace(&unfinished).map_err(refuse)?;
        self.markdown.as_deref().map_or(Ok(()), |file| append(file, "")).map_err(refuse)
    }

    /// Tells what came of it, and returns the exit code: that of the runs, or worse if a file cannot
    /// be written.
    pub fn tell(&self, report: &CiReport, exit: Exit) -> Exit {
        if self.annotations == Some(Annotations::Github) {
            print_out(format_args!("{}", github_annotations(report)));
        }
        let summary =
            self.markdown.as_deref().map_or(Ok(()), |file| append(file, &markdown(report)));
        let mut exit = exit;
        for failure in [self.replace(report).err(), summary.err()].into_iter().flatten() {
            err!("stormproof: {failure}");
            exit = exit.or_worse(Exit::HarnessFailure);
        }
        exit
    }

    /// Tells what came of a night that lies in a folder.
    pub fn tell_night(&self, night: &Night, folder: &Path, exit: Exit) -> Result<Exit> {
        if !self.any() {
            return Ok(exit);
        }
        let directory = NightDirectory::at(folder)?;
        let report =
            CiReport::of_night(night, &shown(directory.path()), |run| directory.summary(run));
        Ok(self.tell(&report, exit))
    }

    fn replace(&self, report: &CiReport) -> Result<(), String> {
        if let Some(file) = &self.junit {
            written(file, |file| fs::write(file, junit(report)))?;
        }
        if let Some(file) = &self.sarif {
            written(file, |file| fs::write(file, sarif(report)))?;
        }
        Ok(())
    }
}

fn append(file: &Path, text: &str) -> Result<(), String> {
    written(file, |file| {
        let mut file = OpenOptions::new().create(true).append(true).open(file)?;
        file.write_all(text.as_bytes())
    })
}

/// Writes a file, in a folder that is made if it is not there.
fn written(file: &Path, write: impl FnOnce(&Path) -> io::Result<()>) -> Result<(), String> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let made = folder.map_or(Ok(()), fs::create_dir_all);
    made.and_then(|()| write(file))
        .map_err(|error| format!("cannot write {}: {error}", file.display()))
}

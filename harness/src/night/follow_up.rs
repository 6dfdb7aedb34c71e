//! The way from a first failure to a small plan, within a share of the night.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use results::night::{Entry, Shrunk};
use results::run_directory::PLAN;

use super::campaign::Campaign;
use super::retention::Space;
use crate::plan::saved;

/// Shrinks the plan of the run in a directory into a folder, within a time, so many runs at a time.
pub(crate) type Shrink = fn(&Path, PathBuf, Option<usize>, Duration) -> Result<ShrinkEnded>;

/// The end of a shrink.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ShrinkEnded {
    /// True if nothing smaller was left to try.
    pub finished: bool,
    /// True if a person wanted it to end.
    pub interrupted: bool,
}

/// The end of a shrink as a night sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shrinking {
    /// It ended, or its time did.
    Over,
    /// There was no time for it.
    NoTime,
    /// A person wants the night to end.
    Interrupted,
}

/// The shortest time in which something may come of it, in runs.
const RUNS: f64 = 2.0;

/// The runs that a shrink keeps at a time, which failed and may come to be the smallest.
const KEPT: usize = 20;

impl Campaign {
    /// Shrinks the plan of a run in the time that is left for it.
    ///
    /// # Errors
    /// When nothing can be written.
    pub(super) fn shrink_run(&mut self, of: u64) -> Result<Shrinking> {
        let run = self.night.runs.iter().find(|run| run.number == of);
        let run = run.context("a run that failed is known")?;
        let left = self.bounds.seconds.map_or(f64::MAX, |most| most - self.at());
        let seconds = self.known.allowance(&self.bounds, self.at()).min(left);
        if seconds < RUNS * run.seconds {
            return Ok(Shrinking::NoTime);
        }
        let Some(directory) = run.directory.clone() else {
            self.shrunk(of, None, 0.0)?;
            return Ok(Shrinking::Over);
        };
        let space = self.retention.make_room(&self.directory, &mut self.night.runs, KEPT)?;
        if let Space::Lacking(why) = space {
            self.remark(Some(of), format!("its plan was not shrunk: {why}"))?;
            self.shrunk(of, None, 0.0)?;
            return Ok(Shrinking::Over);
        }
        let directory = self.directory.path().join(directory);
        let folder = self.directory.shrink(of);
        let before = self.at();
        let limit = Duration::from_secs_f64(seconds.min(1e9));
        let ended = (self.shrink)(&directory, folder.clone(), self.plan.jobs, limit);
        let took = self.at() - before;
        let ended = match ended {
            Ok(ended) if ended.interrupted => return Ok(Shrinking::Interrupted),
            Ok(ended) => ended,
            Err(error) => {
                self.remark(Some(of), format!("its plan could not be shrunk: {error:#}"))?;
                self.shrunk(of, None, took)?;
                return Ok(Shrinking::Over);
            }
        };
        let faults = |folder: &Path| -> Option<u64> {
            let plan = saved(folder).and_then(|written| written.resolve()).ok()?;
            Some(plan.schedule.len() as u64)
        };
        let smaller = folder.join(PLAN).is_file().then(|| faults(&folder)).flatten();
        let found = smaller.zip(faults(&directory)).map(|(faults, faults_before)| Shrunk {
            faults_before,
            faults,
            finished: ended.finished,
            directory: self.directory.relative(&folder),
        });
        // The plan and the results of its runs stay. What cannot be removed does no harm.
        let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        for entry in entries.filter(|entry| entry.path().is_dir()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
        self.shrunk(of, found, took)?;
        Ok(Shrinking::Over)
    }

    fn shrunk(&mut self, of: u64, found: Option<Shrunk>, seconds: f64) -> Result<()> {
        let at = self.at();
        self.record(Entry::Shrunk { of, found, seconds, at })
    }
}

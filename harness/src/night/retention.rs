//! The part of each run that is kept, within a limit on the disk.

use std::path::{Path, PathBuf};

use crate::plan::Plan;
use anyhow::{Context, Result};
use checker::verdict::Verdict;
use nix::sys::statvfs::statvfs;
use results::night::{
    Holding, Kept, Night, NightDirectory, NightRun, bytes_below, nights_in, removals,
};

/// The room that a run is expected to take while it goes on, until one was seen that took more: so
/// much, and so much for each operation. Clients that go as fast as they can do so many a second.
const RUN: u64 = 2_000_000;
const OPERATION: f64 = 1_000.0;
const FASTEST: f64 = 5_000.0;

/// The room that is left free for everything else on the disk.
const SPARE: u64 = 200_000_000;

/// Keeps the folder of nights within a limit.
#[derive(Debug)]
pub(super) struct Retention {
    /// The folder that the limit is about: that of all nights, or that of this one.
    folder: PathBuf,
    /// True if other nights lie in it.
    others: bool,
    limit: u64,
    passes: Kept,
    /// The most that a run took before anything of it was dropped.
    most: u64,
}

/// The room for more runs.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Space {
    /// There is room for one more.
    Enough,
    /// There is none, for this reason, though all was dropped that may be.
    Lacking(String),
}

impl Retention {
    /// Keeps to `limit` bytes in `folder`, in which other nights lie or this one alone.
    pub fn new(folder: &Path, others: bool, limit: u64, passes: Kept) -> Retention {
        Retention { folder: folder.to_owned(), others, limit, passes, most: RUN }
    }

    /// Takes into account that there will be runs of this plan.
    pub fn expect(&mut self, plan: &Plan) {
        let rate = plan.client_plan().rate.filter(|rate| *rate > 0.0).unwrap_or(FASTEST);
        let operations = rate * plan.time_limit;
        self.most = self.most.max(RUN + (operations * OPERATION) as u64);
    }

    /// Sees to a run that ended: what is kept of it, compressed.
    ///
    /// # Errors
    /// When files cannot be written or removed.
    pub fn see_to(&mut self, night: &NightDirectory, run: &mut NightRun) -> Result<()> {
        self.most = self.most.max(night.bytes(run.number)[2]);
        let passed = run.verdict == Verdict::Valid;
        match passed && self.passes < Kept::Everything {
            true => night.keep_only(run.number, self.passes)?,
            false => {
                if let Some(directory) = &run.directory {
                    results::compressed::compress_run(&night.path().join(directory))?;
                }
            }
        }
        run.kept = night.kept(run.number);
        Ok(())
    }

    /// Makes room for one more run beside those `running`, dropping what is missed least.
    ///
    /// # Errors
    /// When something cannot be looked at or removed.
    pub fn make_room(
        &self,
        night: &NightDirectory,
        runs: &mut [NightRun],
        running: usize,
    ) -> Result<Space> {
        let needed = self.most * (running as u64 + 1);
        let free = free(&self.folder)?;
        // Those that run have taken a part of what they need already.
        let taken = bytes_below(&self.folder);
        let limit = self.limit.saturating_sub(needed);
        let limit = limit.min((taken + free).saturating_sub(needed + SPARE));
        if taken <= limit {
            return Ok(Space::Enough);
        }
        let mut others = self.other_nights(night);
        let own = others.len();
        let mut holdings = Vec::new();
        for (place, (directory, other)) in others.iter().enumerate() {
            let of_run = |run: &NightRun| holding(place, directory, run, run.kept);
            holdings.extend(other.runs.iter().map(of_run));
        }
        let before = holdings.len();
        holdings.extend(runs.iter().map(|run| holding(own, night, run, run.kept)));
        let held: u64 = holdings.iter().map(|holding| holding.at(holding.kept)).sum();
        // What is no run cannot be dropped: ledgers, repeats, plans, what goes on.
        let fixed = taken.saturating_sub(held);
        let mut left = taken;
        for drop in removals(&holdings, limit.saturating_sub(fixed)) {
            let holding = &holdings[drop.at];
            left -= holding.at(holding.kept).saturating_sub(holding.at(drop.to)).min(left);
            let (directory, run) = match drop.at.checked_sub(before) {
                Some(at) => (night, &mut runs[at]),
                None => {
                    let (directory, other) = &mut others[holding.night];
                    let run = other.runs.iter_mut().find(|run| run.number == holding.run);
                    (&*directory, run.context("a run of the night")?)
                }
            };
            directory.keep_only(run.number, drop.to)?;
            run.kept = drop.to;
        }
        for (directory, other) in &others {
            directory.save(other)?;
        }
        if left <= limit {
            return Ok(Space::Enough);
        }
        let words = |bytes: u64| match bytes < 1_000_000_000 {
            true => format!("{:.1} MB", bytes as f64 / 1e6),
            false => format!("{:.1} GB", bytes as f64 / 1e9),
        };
        Ok(Space::Lacking(match free < needed + SPARE {
            true => format!("the disk is nearly full: {} are free", words(free)),
            false => format!(
                "the limit on the disk is reached: {} of {} are taken, and a run needs {}",
                words(left),
                words(self.limit),
                words(self.most)
            ),
        }))
    }

    /// The other nights in the folder that do not go on, from the oldest.
    fn other_nights(&self, own: &NightDirectory) -> Vec<(NightDirectory, Night)> {
        if !self.others {
            return Vec::new();
        }
        let nights = nights_in(&self.folder).into_iter();
        let nights = nights.filter(|night| night.id() != own.id() && !night.goes_on());
        // One that another version wrote is left alone.
        nights.filter_map(|it| it.night().ok().flatten().map(|night| (it, night))).collect()
    }
}

fn holding(night: usize, directory: &NightDirectory, run: &NightRun, kept: Kept) -> Holding {
    let bytes = directory.bytes(run.number);
    // One with a page is not larger than its folder: what it has not got takes nothing.
    Holding { night, run: run.number, matters: run.verdict != Verdict::Valid, kept, bytes }
}

/// The bytes that are free on the disk of a folder.
fn free(folder: &Path) -> Result<u64> {
    let disk = statvfs(folder);
    let disk = disk.with_context(|| format!("cannot look at the disk of {}", folder.display()))?;
    Ok(disk.blocks_available() * disk.fragment_size())
}

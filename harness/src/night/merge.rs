//! Shards that become the night that one machine would have made.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use checker::verdict::Verdict;
use results::night::{Entry, Ledger, Night, NightDirectory, NightRun, Remark, State, recoveries};

use crate::exit::{bad_input, usage};

/// Joins the nights in these folders into one in `output`, with everything that is kept of their
/// runs.
///
/// # Errors
/// When a folder holds no shard, or they are not of one night, or two hold another result of the same
/// run; and when something cannot be read or written.
pub(crate) fn merge(folders: &[impl AsRef<Path>], output: &Path) -> Result<Night> {
    let mut shards: Vec<(NightDirectory, Night)> = Vec::new();
    for folder in folders {
        let folder = folder.as_ref();
        let shown = folder.display();
        if !folder.is_dir() {
            return Err(bad_input(format!("{shown} is no folder of a night")));
        }
        let directory = NightDirectory::at(folder)?;
        let night = directory.night().map_err(|error| bad_input(format!("{error:#}")))?;
        let night = night.ok_or_else(|| bad_input(format!("{shown} holds no night")))?;
        if directory.goes_on() {
            return Err(usage(format!("{shown} goes on; merge it when it has ended")));
        }
        shards.push((directory, night));
    }
    shards.sort_by(|(_, one), (_, other)| (one.shard, &one.id).cmp(&(other.shard, &other.id)));
    let mut merged = joined(&shards.iter().map(|(_, night)| night).collect::<Vec<_>>())?;
    if output.exists() && fs::read_dir(output).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(usage(format!("{} is there already", output.display())));
    }
    let whole = NightDirectory::at(output)?;
    merged.id = whole.id();
    let mut entries = Vec::new();
    for (directory, night) in &shards {
        // What several hold is alike.
        for part in ["runs", "repeats", "shrinks"] {
            copy(&directory.path().join(part), &whole.path().join(part))?;
        }
        entries.extend(Ledger::read(&directory.ledger())?.into_iter().filter(
            |entry| match entry {
                Entry::Run { run, .. } => night.runs.iter().any(|it| it.number == run.number),
                Entry::Repeat { .. } | Entry::Shrunk { .. } | Entry::Remark { .. } => true,
                Entry::End { .. } => false,
            },
        ));
    }
    let (first, _) = &shards[0];
    whole.save_past(&first.past::<serde_json::Value>()?)?;
    let (mut ledger, _) = Ledger::open(&whole.ledger())?;
    // In the order of one machine: by the numbers of the runs, and what followed them behind them.
    entries.sort_by_key(|entry| match entry {
        Entry::Run { run, .. } => (0, run.number, 0),
        Entry::Repeat { of, number, .. } => (1, *of, *number),
        Entry::Shrunk { of, .. } => (2, *of, 0),
        Entry::Remark { .. } => (3, 0, 0),
        Entry::End { .. } => (4, 0, 0),
    });
    entries.dedup();
    // By the number of the run: one that was made again counts as it was then.
    let mut figures = BTreeMap::new();
    for entry in &entries {
        if let Entry::Run { run, figures: of_run, .. } = entry {
            let target = merged.cell_of(run).map(|cell| cell.target.clone()).unwrap_or_default();
            figures.insert(run.number, (target, of_run.clone().unwrap_or_default()));
        }
        ledger.add(entry)?;
    }
    merged.recoveries = recoveries(figures.values());
    let (whole_night, at) = (merged.state == State::Ended, merged.seconds);
    if let Some(why) = merged.ended.clone() {
        ledger.add(&Entry::End { whole: whole_night, why, at })?;
    }
    whole.save(&merged)?;
    if let Some(plan) = first.plan()? {
        whole.save_plan(&plan)?;
    }
    Ok(merged)
}

/// The night that shards make together.
fn joined(shards: &[&Night]) -> Result<Night> {
    let first = *shards.first().ok_or_else(|| usage("there is no shard to merge"))?;
    let of = first.shard.map(|shard| shard.of);
    let mut runs: BTreeMap<u64, NightRun> = BTreeMap::new();
    let mut merged =
        Night { shard: None, reached: BTreeMap::new(), comparison: None, ..first.clone() };
    merged.remarks.clear();
    let mut present = Vec::new();
    for night in shards {
        let Some(shard) = night.shard else {
            return Err(bad_input(format!("{} is no shard, but a whole night", night.id)));
        };
        if night.digest != first.digest || Some(shard.of) != of {
            return Err(bad_input(format!(
                "{} and {} are no shards of one night: their plan, seed, number of shards, earlier \
                 nights or version of stormproof differ",
                first.id, night.id
            )));
        }
        if present.contains(&shard.index) {
            return Err(bad_input(format!("shard {}/{} is there twice", shard.index, shard.of)));
        }
        present.push(shard.index);
        for run in &night.runs {
            runs.insert(run.number, run.clone());
        }
        for (target, reached) in &night.reached {
            merged.reached.entry(target.clone()).or_default().join(reached);
        }
        merged.remarks.extend(night.remarks.iter().cloned());
        merged.seconds = merged.seconds.max(night.seconds);
        merged.started = merged.started.min(night.started.clone());
        if night.state != State::Ended {
            merged.state = State::Interrupted;
            merged.remarks.push(remark(format!(
                "shard {}/{} did not end: it was interrupted or killed",
                shard.index, shard.of
            )));
        }
    }
    let of = of.unwrap_or(0);
    for index in (1..=of).filter(|index| !present.contains(index)) {
        merged.state = State::Interrupted;
        merged.remarks.push(remark(format!("shard {index}/{of} is missing")));
    }
    if merged.state == State::Ended {
        let reasons = shards.iter().filter_map(|night| night.ended.clone());
        // Where one ran out of something, so did the night.
        merged.ended = reasons.max_by_key(|why| why != "all its runs were made");
    } else {
        merged.ended = Some("not all shards ended".to_owned());
    }
    merged.runs = runs.into_values().collect();
    merged.verdict = Verdict::Unknown;
    merged.settle();
    Ok(merged)
}

fn remark(text: String) -> Remark {
    Remark { run: None, text }
}

/// Copies a folder with all that is in it, without what is there already. Files are linked where
/// they can be: nothing of them changes any more.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let cannot = || format!("cannot copy {} to {}", from.display(), to.display());
    if !from.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(to).with_context(cannot)?;
    for entry in fs::read_dir(from).with_context(cannot)? {
        let entry = entry.with_context(cannot)?;
        let (path, into) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().with_context(cannot)?;
        if kind.is_dir() {
            copy(&path, &into)?;
        } else if fs::symlink_metadata(&into).is_ok() {
            // Another shard brought it.
        } else if kind.is_symlink() {
            let target = fs::read_link(&path).with_context(cannot)?;
            std::os::unix::fs::symlink(target, &into).with_context(cannot)?;
        } else if kind.is_file() && fs::hard_link(&path, &into).is_err() {
            fs::copy(&path, &into).with_context(cannot)?;
        }
    }
    Ok(())
}

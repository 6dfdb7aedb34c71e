//! `stormproof explain`: saved runs that failed, set apart from saved runs that did not.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use results::run_directory::{PLAN, RunDirectory};
use results::words::counted;

use super::judging::unreadable;
use crate::exit::{Exit, bad_input};
use crate::explain::{Ranked, compare, of_run};
use crate::printing::{err, out};
use crate::repeats::{Counted, Failing, RunOutcome};
use crate::run::order::order_of;

#[derive(Debug, Args)]
pub struct Arguments {
    /// Directories of runs, or folders with such directories, as stormproof replay --times leaves
    #[arg(required = true, value_name = "DIR")]
    directories: Vec<PathBuf>,
    /// The number of lines of the table
    #[arg(long, value_name = "N", default_value_t = 12)]
    top: usize,
}

/// Runs lie no deeper below a folder.
const DEPTH: usize = 3;

/// The share of the intervals that lie above zero by chance alone.
const BY_CHANCE: f64 = 0.025;

pub fn main(arguments: Arguments) -> Result<Exit> {
    let mut paths = BTreeSet::new();
    for directory in &arguments.directories {
        let found = runs_in(directory, DEPTH);
        if found.is_empty() {
            return Err(bad_input(format!("there is no run in {}", directory.display())));
        }
        paths.extend(found);
    }
    let (mut failed, mut passed) = (Vec::new(), Vec::new());
    let (mut left_out, mut plans) = (0, BTreeSet::new());
    for path in &paths {
        let run = RunDirectory::open(path).map_err(unreadable)?;
        let outcome = run.summary().map_err(unreadable)?.map(|summary| {
            let counted = RunOutcome::of(&summary, 0.0, None).counted(Failing::Either);
            (summary, counted)
        });
        let group = match &outcome {
            Some((_, Counted::Failed)) => &mut failed,
            Some((_, Counted::Passed)) => &mut passed,
            Some((_, Counted::Not(_))) | None => {
                left_out += 1;
                continue;
            }
        };
        let Some((summary, _)) = outcome else { continue };
        let order = order_of(path)?;
        let loaded = run.load().map_err(unreadable)?;
        group.push(of_run(&loaded, &summary.findings, order.as_ref()));
        plans.insert(without_seed(path));
    }
    if left_out > 0 {
        err!("left out, since they neither failed nor passed: {}", counted(left_out, "run"));
    }
    if plans.len() > 1 {
        err!("these are runs of {} plans; what tells the plans apart is told as well", plans.len());
    }
    if failed.is_empty() || passed.is_empty() {
        let (failed, passed) = (failed.len(), passed.len());
        return Err(bad_input(format!(
            "{failed} runs failed and {passed} did not; it takes some of each \
             (stormproof replay DIR --times 20 makes more)"
        )));
    }
    let ranked = compare(&failed, &passed);
    let signs: BTreeSet<&String> = failed.iter().chain(&passed).flatten().collect();
    out!(
        "{} failed, {} did not; of {} signs, about {:.0} would look so by chance alone",
        counted(failed.len() as u64, "run"),
        passed.len(),
        signs.len(),
        BY_CHANCE * signs.len() as f64
    );
    for line in table(&ranked, arguments.top) {
        out!("{line}");
    }
    Ok(Exit::Valid)
}

/// The table, best first.
fn table(ranked: &[Ranked], top: usize) -> Vec<String> {
    if ranked.is_empty() {
        return vec!["no sign is more frequent among those that failed".to_owned()];
    }
    let mut lines =
        vec![format!("{:>9}  {:>9}  {:<26}  sign", "failed", "passed", "difference, at 95 %")];
    for group in ranked.iter().take(top) {
        let Ranked { signs, failed, passed, difference } = group;
        let percent = |share: f64| format!("{:+.0} %", 100.0 * share);
        let interval = format!(
            "{} ({} to {})",
            percent(difference.value),
            percent(difference.low),
            percent(difference.high)
        );
        let of = |rate: &crate::statistics::Rate| format!("{} of {}", rate.failed, rate.runs);
        lines.push(format!("{:>9}  {:>9}  {interval:<26}  {}", of(failed), of(passed), signs[0]));
        let others = signs.len() - 1;
        if others > 0 {
            let more = signs.iter().skip(1).take(SAME).cloned().collect::<Vec<_>>();
            lines.extend(more.iter().map(|sign| format!("{:50}{sign}", "")));
            if others > SAME {
                lines.push(format!("{:50}and {} more in the same runs", "", others - SAME));
            }
        }
    }
    lines
}

/// Of the signs that the same runs have, so many more are shown.
const SAME: usize = 2;

/// The runs at a path or below.
fn runs_in(path: &Path, depth: usize) -> Vec<PathBuf> {
    if RunDirectory::open(path).is_ok() {
        return path.canonicalize().into_iter().collect();
    }
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    // Links are left out: `latest` is one of the others.
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    match depth {
        0 => Vec::new(),
        _ => folders.flat_map(|folder| runs_in(&folder.path(), depth - 1)).collect(),
    }
}

/// The plan of a run without its seed, by which repeats differ.
fn without_seed(run: &Path) -> String {
    let text = fs::read_to_string(run.join(PLAN)).unwrap_or_default();
    text.lines().filter(|line| !line.starts_with("seed = ")).collect::<Vec<_>>().join("\n")
}

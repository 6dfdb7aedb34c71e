//! Measures the index of 10,000 runs of no night: the time to read them and to draw the page, and the
//! size of the page. The runs are copies of the one given, else of one that the tests keep:
//! `cargo run --release -p stormproof-results --example index_figures -- [RUN]`

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use checker::verdict::Verdict;
use stormproof_results::index::{Index, Served, find, html};
use stormproof_results::run_directory::{HISTORY, PLAN, REPORT, RunDirectory, VERDICT};
use stormproof_results::summary::Summary;

/// The runs of the index, and those of each of its days.
const RUNS: u64 = 10_000;
const A_DAY: u64 = 500;
/// Of so many runs one fails.
const FAILING: u64 = 37;
/// So often it is read; a person who waits waits for each.
const TIMES: u32 = 5;

fn main() -> Result<()> {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/saved/every-family");
    let run = std::env::args().nth(1).map_or(kept, PathBuf::from);
    let summary = RunDirectory::open(&run)?.summary()?;
    let summary = summary.with_context(|| format!("{} has no verdict", run.display()))?;

    let folder = std::env::temp_dir().join(format!("stormproof-index-{}", std::process::id()));
    let bytes = (0..RUNS).map(|number| save(&folder, number, &summary)).sum::<Result<u64>>()?;
    println!("{RUNS} runs, verdicts of {} KB each", bytes / RUNS / 1000);
    for _ in 0..TIMES {
        let began = Instant::now();
        let found = find(&folder)?;
        let read = began.elapsed();
        assert_eq!((found.runs.len() as u64, found.unreadable.len()), (RUNS, 0));
        let page = html(&Index::of(found), "runs", Served::No);
        println!(
            "read in {:.2} s, drawn in {:.2} s, page of {:.2} MB",
            read.as_secs_f64(),
            (began.elapsed() - read).as_secs_f64(),
            page.len() as f64 / 1e6
        );
    }
    Ok(fs::remove_dir_all(&folder)?)
}

/// Saves a run with a seed and a time of its own, and returns the bytes of its verdict.
fn save(folder: &Path, number: u64, summary: &Summary) -> Result<u64> {
    let mut summary = summary.clone();
    let (day, minute) = (1 + number / A_DAY, number % A_DAY);
    let (hour, minute) = (10 + minute / 60, minute % 60);
    let run = &mut summary.run;
    run.seed = number * 7_919_993 + 104_729;
    run.started = format!("2026-11-{day:02}T{hour}:{minute:02}:00Z");
    let time = run.started.replace(['-', ':'], "");
    run.id = format!("{time}-{}-{}-s{}", run.target, run.workload, run.seed);
    let folder = folder.join(&run.id);
    if number.is_multiple_of(FAILING) {
        summary.verdict = Verdict::Invalid;
        summary.safety.verdict = Verdict::Invalid;
        summary.sentence =
            format!("process {number} read k{number} = 12, but 19 had been acknowledged");
    }
    fs::create_dir_all(&folder)?;
    for name in [HISTORY, PLAN, REPORT] {
        fs::write(folder.join(name), "")?;
    }
    let verdict = serde_json::to_vec_pretty(&summary)?;
    fs::write(folder.join(VERDICT), &verdict)?;
    Ok(verdict.len() as u64)
}

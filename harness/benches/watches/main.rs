//! The share of a run's throughput that triggers cost which see every event and never fire.
//!
//! `cargo bench -p stormproof --bench watches`. A run of three nodes of the bundled cluster, with clients
//! in a closed loop. By turns of a second nothing is watched, and every fsync of every node and every
//! message between them is, by two faults that wait for more of them than there will be. Each watched
//! second is compared with the one before, since the machine's speed drifts; the figure is the median.
//!
//! `cargo test -p stormproof --bench watches` plays a short round, to see that all works.

#[expect(dead_code, reason = "no processor time is measured here")]
#[path = "../throughput/machine.rs"]
mod machine;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// The runs, and the watched seconds of each.
const MEASURED: (usize, usize) = (3, 30);

/// The same for `cargo test`.
const TRIED: (usize, usize) = (1, 1);

/// The time at the beginning and end of each second that does not count, in seconds: watches are set and
/// ended in it.
const EDGE: f64 = 0.05;

/// The part of an event that is looked at.
#[derive(Deserialize)]
struct Line {
    time: u64,
    process: serde_json::Value,
    #[serde(rename = "type")]
    kind: String,
    f: String,
    value: serde_json::Value,
}

fn main() -> Result<()> {
    // Cargo passes `--bench` when it benchmarks, and nothing when it tests.
    let benchmarks = std::env::args().any(|it| it == "--bench");
    let (runs, pairs) = if benchmarks { MEASURED } else { TRIED };
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("watches");
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    fs::create_dir_all(&directory)?;
    println!("{}", machine::describe(&directory)?);
    let mut all = Vec::new();
    for number in 0..runs {
        all.extend(run(&directory, number, pairs)?);
    }
    let mut ratios: Vec<f64> = all.iter().map(|(without, with)| with / without).collect();
    ratios.sort_by(f64::total_cmp);
    let at = |share: f64| ratios[((ratios.len() - 1) as f64 * share).round() as usize];
    let mean = |of: fn(&(f64, f64)) -> f64| all.iter().map(of).sum::<f64>() / all.len() as f64;
    println!(
        "{:.0} operations a second, {:.0} while every fsync and message is watched: median of {:+.1} % \
         in {} pairs of seconds, half of them from {:+.1} to {:+.1} %",
        mean(|pair| pair.0),
        mean(|pair| pair.1),
        100.0 * (at(0.5) - 1.0),
        ratios.len(),
        100.0 * (at(0.25) - 1.0),
        100.0 * (at(0.75) - 1.0),
    );
    Ok(fs::remove_dir_all(&directory)?)
}

/// Operations a second without and with watches, in seconds beside each other.
fn run(directory: &Path, number: usize, pairs: usize) -> Result<Vec<(f64, f64)>> {
    // The first two seconds warm the cluster up.
    let begin = |pair: usize| 2 * pair + 2;
    let mut plan = format!(
        "nodes = 3\nlab = \"netns\"\ntime_limit = \"{}s\"\nseed = {}\nrate = 100000.0\n\
         concurrency = 10\nvalues = \"numbers\"\nkeep_going = true\n",
        begin(pairs),
        number + 1
    );
    for pair in 0..pairs {
        for seen in ["seen = \"disk\", call = \"fsync\"", "seen = \"message\", path = \"/raft/\""] {
            plan += &format!(
                "[[fault]]\nat = {}\nlasts = 0.1\nfamily = \"pause\"\naim = \"one\"\n\
                 when = {{ {seen}, nth = 4000000000, within = 1 }}\n",
                begin(pair) + 1
            );
        }
    }
    let file = directory.join("plan.toml");
    fs::write(&file, plan)?;
    let ended = Command::new(env!("CARGO_BIN_EXE_stormproof"))
        .args(["run", "--plan"])
        .arg(&file)
        .arg("--results")
        .arg(directory)
        .output()?;
    // That no fault took effect is what is wanted here, and makes the verdict unknown.
    let said = String::from_utf8_lossy(&ended.stderr);
    ensure!(ended.status.code() == Some(2), "the run ended with {}: {said}", ended.status);

    let history = fs::File::open(directory.join("latest/history.jsonl")).context("no history")?;
    let mut load = None;
    let mut counts = vec![0_u32; begin(pairs) + 1];
    let mut skipped = 0;
    for line in BufReader::new(history).lines() {
        let line: Line = serde_json::from_str(&line?)?;
        if line.f == "phase" && line.value == "load" {
            load = Some(line.time);
        }
        skipped += usize::from(line.kind == "info" && line.value["outcome"] == "skipped");
        let since = line.time - load.unwrap_or(line.time);
        let second = since as f64 / 1e9;
        let counts_here = (EDGE..1.0 - EDGE).contains(&second.fract());
        if line.process.is_u64()
            && ["ok", "fail"].contains(&&*line.kind)
            && counts_here
            && let Some(count) = counts.get_mut(second as usize)
        {
            *count += 1;
        }
    }
    ensure!(skipped == 2 * pairs, "{skipped} faults waited in vain, not {}", 2 * pairs);
    let a_second = |second: usize| f64::from(counts[second]) / (1.0 - 2.0 * EDGE);
    Ok((0..pairs).map(|pair| (a_second(begin(pair)), a_second(begin(pair) + 1))).collect())
}

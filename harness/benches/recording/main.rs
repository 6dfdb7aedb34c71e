//! Operations a second that a run can record, and what recording costs.
//!
//! `cargo bench -p stormproof --bench recording`. Twenty clients in a closed loop, as a run drives
//! them, with a history of the register workload. First against a target in this process that
//! answers at once, so that nothing but the run's own work is seen: with and without a file, with
//! and without a listener. Then against one node of the bundled cluster with its log on a tmpfs,
//! through the client that a run uses; the same operations without a record show what recording
//! costs.
//!
//! The contenders take turns, so that a machine whose speed drifts treats them alike; figures are
//! medians of the rounds, ratios are taken round by round.
//!
//! Names a contender's name must contain may follow: `-- 'one node'`.
//!
//! `cargo test -p stormproof --bench recording` plays one short round, to see that all works.

mod contender;
#[path = "../throughput/machine.rs"]
mod machine;
mod node;
mod target;

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use contender::{CONTENDERS, Contender, Figures};

/// The length of `cargo bench`: rounds, and the time of each contender in each. A median of seven
/// is not moved by three that something else on the machine disturbed.
const MEASURED: (usize, Duration) = (7, Duration::from_secs(2));

/// The length of `cargo test`.
const TRIED: (usize, Duration) = (1, Duration::from_millis(100));

#[tokio::main]
async fn main() -> Result<()> {
    // Cargo passes `--bench` when it benchmarks, and nothing when it tests.
    let (flags, wanted): (Vec<_>, Vec<_>) =
        std::env::args().skip(1).partition(|it| it.starts_with("--"));
    let (rounds, length) = if flags.iter().any(|it| it == "--bench") { MEASURED } else { TRIED };
    // What an earlier run left that was killed goes first.
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("recording");
    remove(&directory)?;
    fs::create_dir_all(&directory).with_context(|| format!("make {}", directory.display()))?;

    println!("{}", machine::describe(&directory)?);

    let plays = |it: &Contender| {
        wanted.is_empty() || wanted.iter().any(|part| it.to_string().contains(part))
    };
    let contenders: Vec<Contender> = CONTENDERS.into_iter().filter(plays).collect();
    ensure!(!contenders.is_empty(), "no contender's name contains any of {wanted:?}");
    let mut results: Vec<Results> = contenders.into_iter().map(|it| (it, Vec::new())).collect();
    for _ in 0..rounds {
        for (contender, turns) in &mut results {
            turns.push(contender.turn(&directory, length).await?);
            remove(&directory)?;
        }
    }
    print!("{}", table(&results));
    Ok(())
}

/// A contender and what was seen of it in each round.
type Results = (Contender, Vec<Figures>);

/// One line a contender. It is compared with its rival round by round, since two turns of one round
/// saw the machine in a more similar state than two medians.
fn table(results: &[Results]) -> String {
    let mut table = format!(
        "{:<30} {:>8} {:>17} {:>6} {:>7}\n",
        "medians", "ops/s", "(least–most)", "µs*", "ratio**"
    );
    for (contender, own) in results {
        let speeds = || own.iter().map(|turn| turn.speed);
        let rival = results.iter().find(|(it, _)| *it == contender.rival());
        let ratio = rival.map_or("–".to_owned(), |(_, rival)| {
            let pairs = own.iter().zip(rival);
            format!("{:.2}", median(pairs.map(|(own, rival)| own.speed / rival.speed)))
        });
        let least = speeds().fold(f64::INFINITY, f64::min);
        let most = speeds().fold(0.0, f64::max);
        table += &format!(
            "{:<30} {:>8.0} {:>17} {:>6.1} {ratio:>7}\n",
            contender.to_string(),
            median(speeds()),
            format!("({least:.0}–{most:.0})"),
            median(own.iter().map(|turn| turn.cost)),
        );
    }
    table += "*  processor time of the clients an operation\n";
    table += "** ops/s by those of the same target without a record\n";
    table
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn remove(directory: &Path) -> Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.with_context(|| format!("remove {}", directory.display())),
    }
}

//! The machine, as far as a reader of the figures must know it.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// Clock ticks a second in `/proc` (`USER_HZ`), the same on every architecture that Rust and etcd
/// both support.
const TICKS_A_SECOND: f64 = 100.0;

/// The number of trials of the disk: the median of so many is steady, and they take a second or
/// so on a spinning disk.
const DISK_TRIALS: usize = 101;

/// Processors, load and disk, in a line.
pub fn describe(directory: &Path) -> Result<String> {
    let processors = std::thread::available_parallelism()?;
    let load = fs::read_to_string("/proc/loadavg").context("read /proc/loadavg")?;
    let load = load.split(' ').next().unwrap_or_default();
    let disk = disk_latency(directory).context("try the disk")?.as_secs_f64() * 1e3;
    Ok(format!(
        "machine: {processors} processors, load average {load}, fdatasync of 4 KiB in {disk:.2} ms \
         (far below 0.1 ms, it reaches no disk)"
    ))
}

/// The median time that `fdatasync` takes after a write of 4 KiB at the end of a file.
fn disk_latency(directory: &Path) -> Result<Duration> {
    let path = directory.join("disk-trial");
    let mut file = File::create(&path)?;
    let mut trials = Vec::new();
    for _ in 0..DISK_TRIALS {
        let start = Instant::now();
        file.write_all(&[1; 4096])?;
        file.sync_data()?;
        trials.push(start.elapsed());
    }
    fs::remove_file(path)?;
    trials.sort_unstable();
    Ok(trials[DISK_TRIALS / 2])
}

/// The processor time, user and system, that a process used so far with all its threads.
/// `process` is its id or `self`.
pub fn processor_time(process: &str) -> Result<Duration> {
    let path = format!("/proc/{process}/stat");
    let stat = fs::read_to_string(&path).with_context(|| format!("read {path}"))?;
    // The name, in parentheses, may hold anything; after it come the fields from the third on
    // (`proc(5)`), of which the 14th and 15th are wanted.
    let (_, fields) = stat.rsplit_once(") ").with_context(|| format!("{path} has no name"))?;
    let ticks: Option<Vec<u64>> =
        fields.split(' ').skip(11).take(2).map(|field| field.parse().ok()).collect();
    let ticks: u64 = ticks.with_context(|| format!("{path} has no times"))?.iter().sum();
    Ok(Duration::from_secs_f64(ticks as f64 / TICKS_A_SECOND))
}

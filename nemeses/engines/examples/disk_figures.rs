//! Measures the disk engine: fsync delays against what was asked for, throughput against tmpfs and
//! the machine's own disk, mounting, and the power failure of five nodes.
//!
//! `cargo run --release -p stormproof-engines --example disk_figures [DIRECTORY ON A REAL DISK]`,
//! as root.

use std::error::Error;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use faults::fault::{DiskCondition, OpCondition, PowerCut};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use stormproof_engines::disk::Disk;

/// Delayed fsyncs measured.
const DELAYED: usize = 100;
/// Small appends measured in each place, each followed by an fdatasync.
const APPENDS: usize = 5000;
/// Bytes of the large file written in each place.
const LARGE: usize = 256 << 20;
/// Bytes of each write to it.
const AT_ONCE: usize = 1 << 20;
/// Mounts measured.
const MOUNTS: usize = 50;
/// Nodes of which the power fails.
const NODES: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    // Everything mounted here vanishes with this process.
    unshare(CloneFlags::CLONE_NEWNS)?;
    let nothing = None::<&str>;
    mount(nothing, "/", nothing, MsFlags::MS_REC | MsFlags::MS_PRIVATE, nothing)?;
    let place = std::env::temp_dir().join(format!("stormproof-figures-{}", std::process::id()));
    fs::create_dir_all(&place)?;
    let tmpfs = place.join("tmpfs");
    fs::create_dir_all(&tmpfs)?;
    mount(Some("tmpfs"), &tmpfs, Some("tmpfs"), MsFlags::empty(), nothing)?;
    let real = std::env::args_os().nth(1).map_or_else(|| place.join("real"), PathBuf::from);
    fs::create_dir_all(&real)?;

    measure_delay(&place.join("delay"))?;
    {
        let disk = Disk::mount(&place.join("ours"), 0)?;
        for (name, directory) in
            [("this engine", disk.path()), ("tmpfs", &*tmpfs), ("the machine's disk", &*real)]
        {
            measure_throughput(name, directory)?;
        }
    }
    measure_mounts(&place)?;
    measure_power_failure(&place)?;
    nix::mount::umount(&tmpfs)?;
    fs::remove_dir_all(&place)?;
    Ok(())
}

fn measure_delay(path: &Path) -> Result<(), Box<dyn Error>> {
    let disk = Disk::mount(path, 0)?;
    let file = File::create(disk.path().join("a"))?;
    let fsync = OpCondition { delay_ms: 50.0, ..OpCondition::default() };
    disk.set(&DiskCondition { fsync, ..DiskCondition::default() });
    let mut times = Vec::new();
    for _ in 0..DELAYED {
        file.write_all_at(b"x", 0)?;
        times.push(timed(|| file.sync_data())?);
    }
    println!("fsync delayed by 50 ms, as the process sees it: {}", spread(&mut times));
    println!("fsync delayed by 50 ms, as the engine measures it: {:?}", disk.seen().fsync);
    Ok(())
}

fn measure_throughput(name: &str, directory: &Path) -> Result<(), Box<dyn Error>> {
    for size in [100, 1000, 4000] {
        let bytes = vec![7; size];
        let mut file = File::create(directory.join("log"))?;
        let mut times = Vec::new();
        let took = timed(|| {
            for _ in 0..APPENDS {
                times.push(timed(|| file.write_all(&bytes).and_then(|()| file.sync_data()))?);
            }
            Ok(())
        })?;
        let rate = APPENDS as f64 / took.as_secs_f64();
        let spread = spread(&mut times);
        println!("{name}: append {size} bytes and fdatasync: {rate:.0} a second, {spread}");
    }
    let bytes = vec![7; AT_ONCE];
    let mut file = File::create(directory.join("large"))?;
    let took = timed(|| {
        for _ in 0..LARGE / AT_ONCE {
            file.write_all(&bytes)?;
        }
        file.sync_all()
    })?;
    let rate = (LARGE >> 20) as f64 / took.as_secs_f64();
    println!("{name}: write 256 MiB in order and fsync: {rate:.0} MiB/s");
    fs::remove_file(directory.join("log"))?;
    fs::remove_file(directory.join("large"))?;
    Ok(())
}

fn measure_mounts(place: &Path) -> Result<(), Box<dyn Error>> {
    let (mut mounts, mut unmounts) = (Vec::new(), Vec::new());
    for _ in 0..MOUNTS {
        let start = Instant::now();
        let disk = Disk::mount(&place.join("mount"), 0)?;
        mounts.push(start.elapsed());
        let start = Instant::now();
        drop(disk);
        unmounts.push(start.elapsed());
    }
    println!("mount: {}; unmount: {}", spread(&mut mounts), spread(&mut unmounts));
    Ok(())
}

/// The whole sequence, with a process on each disk that writes and syncs all the time.
fn measure_power_failure(place: &Path) -> Result<(), Box<dyn Error>> {
    let mut disks = Vec::new();
    for node in 0..NODES {
        disks.push(Disk::mount(&place.join(format!("n{node}")), node as u64)?);
    }
    let start = |disk: &Disk| -> std::io::Result<Child> {
        let script = "while :; do echo storm >> log; sync log; done";
        Command::new("sh")
            .args(["-c", script])
            .current_dir(disk.path())
            .stderr(Stdio::null())
            .spawn()
    };
    let mut nodes = disks.iter().map(start).collect::<Result<Vec<_>, _>>()?;
    std::thread::sleep(Duration::from_millis(500));
    let begin = Instant::now();
    disks.iter().for_each(Disk::power_off);
    for node in &mut nodes {
        node.kill()?;
    }
    for node in &mut nodes {
        node.wait()?;
    }
    let dead = begin.elapsed();
    let cut = PowerCut { keep_percent: 50.0, sector: 512 };
    for (seed, disk) in disks.iter().enumerate() {
        disk.crash(&cut, seed as u64);
    }
    for disk in &mut disks {
        disk.power_on()?;
    }
    let mut nodes = disks.iter().map(start).collect::<Result<Vec<_>, _>>()?;
    println!(
        "power failure of {NODES} nodes: dead after {dead:.1?}, up after {:.1?}",
        begin.elapsed()
    );
    for node in &mut nodes {
        node.kill()?;
        node.wait()?;
    }
    Ok(())
}

fn timed(action: impl FnOnce() -> std::io::Result<()>) -> std::io::Result<Duration> {
    let start = Instant::now();
    action()?;
    Ok(start.elapsed())
}

fn spread(times: &mut [Duration]) -> String {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 100];
    format!("{:.1?} to {:.1?}, median {:.1?}, 99 % {:.1?}", at(0), at(100), at(50), at(99))
}

//! The programs whose clocks are set. Each says over and over what its clocks show, as
//! `T WALL MONOTONIC` in nanoseconds; with the argument `wait` it waits half a second each time,
//! until an absolute time as its runtime does, and says `W MONOTONIC` how long that took by its own
//! clock.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};

/// Leads the arguments of this program when it is a node.
pub const NODE: &str = "--node";

/// The length of the waits.
pub const WAIT: Duration = Duration::from_millis(500);

/// A runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runtime {
    Rust,
    Python,
    Java,
}

impl Runtime {
    pub const ALL: [Self; 3] = [Self::Rust, Self::Python, Self::Java];

    /// The program with some arguments, or why there is none.
    pub fn program(self, arguments: &[&str]) -> Result<Vec<OsString>, String> {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clock");
        let own = || std::env::current_exe().expect("there is one").into_os_string();
        let mut argv = match self {
            Self::Rust => vec![own(), NODE.into()],
            Self::Python => vec![python()?, sources.join("ticker.py").into()],
            Self::Java => {
                // Without a compiler it cannot start from a source file.
                run(Command::new("java").args(["--describe-module", "jdk.compiler"]))?;
                vec!["java".into(), "-Xint".into(), sources.join("Ticker.java").into()]
            }
        };
        argv.extend(arguments.iter().map(Into::into));
        Ok(argv)
    }
}

/// The interpreter itself: what is found first may be a script that starts it.
fn python() -> Result<OsString, String> {
    let path = run(Command::new("python3").args(["-c", "import sys; print(sys.executable)"]))?;
    Ok(PathBuf::from(path.trim()).into())
}

/// The output of a command; none if it does not work here.
pub fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output();
    let output = output.map_err(|error| format!("{:?}: {error}", command.get_program()))?;
    if !output.status.success() {
        return Err(format!("{command:?} does not work: {}", output.status));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The clocks of this process, in nanoseconds.
pub fn clocks() -> (i64, i64) {
    let read = |clock| {
        let time = clock_gettime(clock).expect("every machine has this clock");
        time.tv_sec() * 1_000_000_000 + time.tv_nsec()
    };
    (read(ClockId::CLOCK_REALTIME), read(ClockId::CLOCK_MONOTONIC))
}

/// This program as a node.
pub fn play(arguments: &[&str]) {
    match arguments {
        [] => loop {
            tick();
            std::thread::sleep(Duration::from_millis(10));
        },
        ["wait"] => wait(),
        ["watch"] => watch(),
        other => panic!("no such node: {other:?}"),
    }
}

fn tick() {
    let (wall, monotonic) = clocks();
    println!("T {wall} {monotonic}");
}

fn wait() {
    let (nothing, never) = (Mutex::new(()), Condvar::new());
    loop {
        tick();
        let start = Instant::now();
        let mut guard = nothing.lock().expect("no other thread has it");
        let mut is_over = false;
        // Not `wait_timeout_while`, which looks at the clock and waits again if it was too early.
        while !is_over {
            let (again, result) = never.wait_timeout(guard, WAIT).expect("no other thread has it");
            (guard, is_over) = (again, result.timed_out());
        }
        println!("W {}", start.elapsed().as_nanos());
    }
}

/// Reads the monotonic clocks as fast as it can, on two threads, and says now and then how often it
/// did and how often one showed less than had been seen before.
fn watch() {
    const CLOCKS: [ClockId; 4] = [
        ClockId::CLOCK_MONOTONIC,
        ClockId::CLOCK_MONOTONIC_COARSE,
        ClockId::CLOCK_MONOTONIC_RAW,
        ClockId::CLOCK_BOOTTIME,
    ];
    let latest: Arc<[AtomicU64; CLOCKS.len()]> = Arc::default();
    let (reads, backwards) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    for _ in 0..2 {
        let latest = Arc::clone(&latest);
        let (reads, backwards) = (Arc::clone(&reads), Arc::clone(&backwards));
        std::thread::spawn(move || {
            loop {
                for (clock, latest) in CLOCKS.iter().zip(latest.iter()) {
                    let before = latest.load(Ordering::SeqCst);
                    let now = clock_gettime(*clock).expect("every machine has this clock");
                    let now = (now.tv_sec() * 1_000_000_000 + now.tv_nsec()) as u64;
                    latest.fetch_max(now, Ordering::SeqCst);
                    reads.fetch_add(1, Ordering::Relaxed);
                    backwards.fetch_add(u64::from(now < before), Ordering::Relaxed);
                }
            }
        });
    }
    loop {
        std::thread::sleep(Duration::from_millis(20));
        println!("R {} {}", reads.load(Ordering::Relaxed), backwards.load(Ordering::Relaxed));
    }
}

//! Writes per second of the bundled cluster, and of etcd beside it in the same run.
//!
//! `cargo bench -p stormproof --bench throughput`. Three nodes on loopback ports, fsync on, data
//! in the target directory, which should lie on a real disk; 64 clients, each of which sends its
//! next write to the leader when the last one is answered. The contenders take turns, so that a
//! machine whose speed drifts treats them alike; in each turn a fresh cluster has the machine for
//! itself. Figures are medians of the rounds. etcd takes part when it is on the PATH
//! (`apt-get install etcd-server`).
//!
//! Beside them the bundled cluster runs on a tmpfs, on the disks of the fault engine without
//! faults, and, on a tmpfs again, with clocks of its own that were never set. What the engines cost
//! is the speed that the latter two lose against the tmpfs of the same round, where storage costs
//! nothing that would hide it: at most 20 % are wanted of the disks. Disks need FUSE, and root or a
//! user namespace. The process of the clients serves them, as the controller of a run does, so what
//! they take shows as processor time of the clients.
//!
//! On a tmpfs it runs once more with nodes that write no events. What the tmpfs loses against that is
//! what events cost: at most 3 % are wanted. On a machine with other work the processor time of the
//! nodes says more than the speed.
//!
//! Names a contender's name must contain may follow: `-- bundled`, `-- tmpfs 'fault disks'`.
//!
//! `cargo test -p stormproof --bench throughput` plays one short round, to see that all works.

mod bundled;
mod cluster;
mod contender;
mod etcd;
mod load;
mod machine;
mod table;

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use bundled::Ground;
use contender::Contender;
use load::{Figures, Length};

/// The length of `cargo bench`. Several seconds a turn let caches fill and batches settle; five
/// rounds give a median that two bad ones do not move.
const MEASURED: (usize, Length) =
    (5, Length { warm_up: Duration::from_secs(2), measured: Duration::from_secs(5) });

/// The length of `cargo test`: long enough for every client to write.
const TRIED: (usize, Length) =
    (1, Length { warm_up: Duration::from_millis(200), measured: Duration::from_secs(1) });

/// The number of failed turns of a contender that are repeated. One that fails more often is not
/// busy but broken.
const FAILED_MAX: usize = 3;

#[tokio::main]
async fn main() -> Result<()> {
    // Cargo passes `--bench` when it benchmarks, and nothing when it tests.
    let (flags, wanted): (Vec<_>, Vec<_>) =
        std::env::args().skip(1).partition(|it| it.starts_with("--"));
    let (rounds, length) = if flags.iter().any(|it| it == "--bench") { MEASURED } else { TRIED };
    // What an earlier run left that was killed goes first.
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("throughput");
    remove(&directory)?;
    fs::create_dir_all(&directory).with_context(|| format!("make {}", directory.display()))?;
    println!("{}", machine::describe(&directory)?);

    let mut contenders = Vec::new();
    println!("bundled: stormproof {}", env!("CARGO_PKG_VERSION"));
    for ground in
        [Ground::Disk, Ground::Tmpfs, Ground::NoEvents, Ground::FaultDisk, Ground::OwnClocks]
    {
        let contender = Contender::Bundled(ground);
        match ground.try_out() {
            Ok(()) => {
                remove(&ground.directory(&directory))?;
                contenders.push(contender);
            }
            Err(why) => println!("{}: not here, {why}", contender.name()),
        }
    }
    match etcd::version() {
        Some(version) => {
            println!("etcd: {version}, default settings but for a quiet log");
            contenders.extend([Contender::EtcdJson, Contender::EtcdGrpc]);
        }
        None => println!("etcd: not on the PATH, so only the bundled cluster is measured"),
    }

    contenders.retain(|it| wanted.is_empty() || wanted.iter().any(|part| it.name().contains(part)));
    ensure!(!contenders.is_empty(), "no contender's name contains any of {wanted:?}");
    let mut results: Vec<_> = contenders.into_iter().map(Results::new).collect();
    for round in 1..=rounds {
        for results in &mut results {
            print!("round {round} of {rounds}, {:<24}", results.contender.name());
            io::stdout().flush()?;
            let turn = results.play(&directory, length).await?;
            println!("{turn}");
        }
    }
    print!("\n{}", table::render(&results));
    remove(&directory)
}

/// The results of a contender's turns.
struct Results {
    contender: Contender,
    /// One of each round.
    figures: Vec<Figures>,
    /// The number of turns that failed and were repeated.
    failed: usize,
}

impl Results {
    fn new(contender: Contender) -> Self {
        Self { contender, figures: Vec::new(), failed: 0 }
    }

    /// Plays a turn, and again should it fail: on a machine with too much to do a leader may lose
    /// its office. The table tells how often.
    async fn play(&mut self, directory: &Path, length: Length) -> Result<Figures> {
        loop {
            match self.contender.turn(directory, length).await {
                Ok(figures) => {
                    self.figures.push(figures);
                    return Ok(figures);
                }
                Err(error) if self.failed < FAILED_MAX => {
                    self.failed += 1;
                    print!("failed ({}), again… ", error.root_cause());
                    io::stdout().flush()?;
                }
                Err(error) => {
                    let name = self.contender.name();
                    return Err(error.context(format!("{name} failed too often")));
                }
            }
        }
    }
}

fn remove(directory: &Path) -> Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.with_context(|| format!("remove {}", directory.display())),
    }
}

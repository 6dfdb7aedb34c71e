//! Logs that live through one power failure after another, from seeds: any sectors may be lost of
//! what was not synced, and the log starts again with everything that was.

use std::sync::Arc;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use stormproof_cluster::bugs::{Bug, Bugs};
use stormproof_cluster::core::{Entry, Payload, Record};
use stormproof_cluster::kv::{Command, EncodedCommand, Mutation};
use stormproof_cluster::storage::{MemoryDisk, OpenError, WriteAheadLog};

/// The number of logs that are tried, and of power failures on each.
const SEEDS: u64 = 400;
const POWER_FAILURES: u64 = 12;

/// An entry of some length between that of a small command and of several sectors.
fn entry(index: u64, random: &mut ChaCha8Rng) -> Record {
    let long = random.random_range(0..100) == 0;
    let length = random.random_range(0..if long { 9_000 } else { 300 });
    let value = "x".repeat(length).into();
    let mutation = Mutation::Write { key: "k".into(), value };
    let payload = Payload::Command(EncodedCommand::new(&Command { mutation, token: None }));
    Record::Entry(Arc::new(Entry { index, term: 1, payload }))
}

/// The life of one log.
#[derive(Default)]
struct Lived {
    /// The number of torn tails that were cut off.
    torn: u64,
    /// The number of files that were begun.
    files: u64,
    /// True if entries that had been synced were gone after some restart.
    lost_synced: bool,
}

/// Writes, syncs and loses power by chance.
fn live(seed: u64, bugs: &Bugs) -> Result<Lived, OpenError> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut disk = MemoryDisk::default();
    let (mut synced, mut lived) = (0, Lived::default());
    for _ in 0..POWER_FAILURES {
        let opened = WriteAheadLog::open(disk, bugs)?;
        let mut last = opened.recovered.log.last_index();
        lived.lost_synced |= last < synced;
        lived.torn += u64::from(opened.torn_bytes > 0);
        let mut wal = opened.wal;
        if opened.records == 0 {
            wal.append([&Record::Vote { term: 1, vote: None }])?;
            wal.sync()?;
        }
        synced = last;
        for _ in 0..random.random_range(0..8) {
            let batch = (0..random.random_range(1..6)).map(|_| {
                last += 1;
                entry(last, &mut random)
            });
            wal.append(&batch.collect::<Vec<_>>())?;
            if bugs.is_empty() && random.random_bool(0.05) {
                // A snapshot through some entry is durable. The log goes on in another file.
                let dropped = random.random_range(0..=synced);
                let base = Record::Base { index: last, term: 1, dropped };
                wal.append([&base, &Record::Vote { term: 1, vote: None }])?;
                lived.files += 1;
            }
            match random.random_range(0..4) {
                0 => {}
                // Whenever it is noted what is durable, it is noted of that alone.
                1 => wal.mark()?,
                _ => {
                    wal.sync()?;
                    synced = last;
                }
            }
        }
        disk = wal.into_disk();
        match random.random_range(0..5) {
            // The process is killed; its disk knows nothing of that.
            0 => {}
            // A sync fails, and the process stops.
            1 => disk.fail_sync(),
            _ => {
                let sector = [512, 4096][random.random_range(0..2)];
                let share = [0.0, 0.5, 0.9][random.random_range(0..3)];
                disk.crash(sector, || random.random_bool(share));
            }
        }
    }
    Ok(lived)
}

#[test]
fn no_power_failure_loses_what_was_synced_or_is_taken_for_damage() {
    let (mut torn, mut files) = (0, 0);
    for seed in 0..SEEDS {
        let lived = live(seed, &Bugs::new()).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        assert!(!lived.lost_synced, "seed {seed}");
        torn += lived.torn;
        files += lived.files;
    }
    assert!(files > SEEDS / 4, "{files} files are no test of them");
    assert!(torn > SEEDS / 2, "{torn} torn tails are a test of nothing");
}

#[test]
fn appending_after_a_torn_tail_loses_what_was_synced() {
    let bugs = Bugs::from([Bug::AppendAfterTornTail]);
    let lost = (0..SEEDS).filter(|&seed| live(seed, &bugs).expect("it starts").lost_synced);
    assert!(lost.count() > 0);
}

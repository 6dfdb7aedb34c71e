//! The bundled cluster's snapshots, as flags of its nodes.

use std::time::Duration;

use clap::Args;
use cluster::core::SnapshotOptions;

/// The times at which nodes take snapshots, and the rate at which they send them.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Snapshots")]
pub struct SnapshotFlags {
    /// Take a snapshot after so many entries. The log keeps those since the snapshot before the last, so
    /// this bounds the time of a restart, and how far a follower may lag before it needs the whole state
    /// [default: 100000]
    #[arg(long, value_name = "NUMBER", env = "STORMPROOF_NODE_SNAPSHOT_ENTRIES",
        value_parser = clap::value_parser!(u64).range(1..))]
    snapshot_entries: Option<u64>,
    /// Take one after about so many bytes of entries, if that comes first: this bounds memory and disk
    /// [default: 67108864]
    #[arg(long, value_name = "BYTES", env = "STORMPROOF_NODE_SNAPSHOT_BYTES",
        value_parser = clap::value_parser!(u64).range(1..))]
    snapshot_bytes: Option<u64>,
    /// Take one after so much time, if anything was applied and none came first: this bounds what a node
    /// that is hardly used replays at its start [default: 1h]
    #[arg(long, value_name = "DURATION", env = "STORMPROOF_NODE_SNAPSHOT_INTERVAL",
        value_parser = humantime::parse_duration)]
    snapshot_interval: Option<Duration>,
    /// Send a snapshot to a follower at no more bytes a second, so that clients are served meanwhile
    /// [default: 50331648]
    #[arg(long, value_name = "BYTES", env = "STORMPROOF_NODE_SNAPSHOT_RATE",
        value_parser = clap::value_parser!(u64).range(1..))]
    snapshot_rate: Option<u64>,
}

impl SnapshotFlags {
    /// The options that were given, and otherwise the usual ones.
    pub fn options(&self) -> SnapshotOptions {
        let usual = SnapshotOptions::DEFAULT;
        SnapshotOptions {
            entries: self.snapshot_entries.unwrap_or(usual.entries),
            bytes: self.snapshot_bytes.unwrap_or(usual.bytes),
            interval: self.snapshot_interval.unwrap_or(usual.interval),
            bytes_per_second: self.snapshot_rate.unwrap_or(usual.bytes_per_second),
            ..usual
        }
    }
}

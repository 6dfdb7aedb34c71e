//! The way in which the bundled cluster's nodes answer reads, and what they do without, as flags.

use clap::Args;
use cluster::core::{ReadMode, Settings, Switch};

/// The way in which nodes answer reads, and the safeguards and savings that they do without. All nodes of
/// a cluster should have the same.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Reads and experiments")]
pub struct SettingFlags {
    /// Answer reads so: readindex (the leader asks a majority if it still leads), log (as an entry of the
    /// log), lease (the leader asks no one while a majority has promised to elect no other), follower
    /// (each node, once it has what the leader had committed), stale (each node from what it has, however
    /// old) [default: readindex]
    #[arg(long, value_name = "WAY", env = "STORMPROOF_NODE_READS")]
    reads: Option<ReadMode>,
    /// With --reads lease, the clock of one node may run faster than another's by so much: leases are
    /// shorter by that, and a node that is beyond four fifths of it stops itself [default: 10]
    #[arg(long, value_name = "PERCENT", env = "STORMPROOF_NODE_CLOCK_DRIFT",
        value_parser = clap::value_parser!(u8).range(1..=50))]
    clock_drift: Option<u8>,
    /// An append carries at most so many entries: fewer show what batches are good for [default: 512]
    #[arg(long, value_name = "NUMBER", env = "STORMPROOF_NODE_APPEND_ENTRIES",
        value_parser = clap::value_parser!(u16).range(1..))]
    append_entries: Option<u16>,
    /// Do without some of these, for an experiment: pre-vote, check-quorum, random-timeouts,
    /// learner-catch-up, joint-consensus, pipelining, batching, fsync; one a flag, or several with commas
    /// between them
    #[arg(long, value_name = "SWITCH", env = "STORMPROOF_NODE_OFF", value_delimiter = ',')]
    off: Vec<Switch>,
}

impl SettingFlags {
    /// The choices that were made, and otherwise the usual ones.
    pub fn settings(&self) -> Settings {
        let usual = Settings::default();
        Settings {
            reads: self.reads.unwrap_or(usual.reads),
            drift_percent: self.clock_drift.unwrap_or(usual.drift_percent),
            append_entries: self.append_entries.map_or(usual.append_entries, usize::from),
            off: self.off.iter().copied().collect(),
        }
    }
}

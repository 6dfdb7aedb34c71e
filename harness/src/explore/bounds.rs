//! The bounds of an exploration: they make its states finite.

use clap::ValueEnum;
use cluster::bugs::Bugs;
use cluster::core::APPEND_ENTRIES;

/// The bounds within which every interleaving is explored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// The number of nodes.
    pub nodes: usize,
    /// The nodes that may stand for election: so many of the first ones.
    pub candidates: usize,
    /// The highest term; a node of that term stands no more.
    pub terms: u64,
    /// The longest log.
    pub entries: u64,
    /// The number of crashes, of all nodes together.
    pub crashes: u8,
    /// The number of times that a heartbeat of a leader is due, with which it also sends again what was not answered.
    pub heartbeats: u8,
    /// The number of times that a leader steps down because it hears no majority.
    pub step_downs: u8,
    /// The number of times that leadership is handed over on request.
    pub transfers: u8,
    /// The operations of clients, one client each, all on the same register.
    pub operations: Vec<OperationKind>,
    /// The most attempts of a client.
    pub attempts: u8,
    /// The most entries of one append.
    pub batch: usize,
    /// True if the first node leads at first, in term 1, and its first entry is committed on all.
    pub settled: bool,
    /// True if messages that can change nothing any more are kept: a node with a planted bug may
    /// heed them.
    pub keeps_spent: bool,
    /// The planted bugs that are switched on.
    pub bugs: Bugs,
}

impl Default for Bounds {
    /// Three nodes that elect one leader, of which nothing is asked.
    fn default() -> Bounds {
        Bounds {
            nodes: 3,
            candidates: usize::MAX,
            terms: 1,
            entries: 1,
            crashes: 0,
            heartbeats: 0,
            step_downs: 0,
            transfers: 0,
            operations: Vec::new(),
            attempts: 1,
            batch: APPEND_ENTRIES,
            settled: false,
            keeps_spent: false,
            bugs: Bugs::new(),
        }
    }
}

/// The kind of a client's operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OperationKind {
    /// Writes a value that no other operation writes.
    Write,
    /// Replaces an absent value by one that no other operation writes.
    #[value(name = "cas")]
    CompareAndSet,
    /// Reads.
    Read,
}

impl OperationKind {
    /// True if it goes through the log.
    pub(crate) fn is_command(self) -> bool {
        self != OperationKind::Read
    }
}

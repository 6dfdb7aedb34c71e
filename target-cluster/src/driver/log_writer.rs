//! Group commit: many records, one barrier.

use std::io;
use std::time::Duration;

use crate::bugs::{Bug, Bugs};
use crate::core::{Record, Settings, Switch, Time};
use crate::storage::{Disk, WriteAheadLog, needs_barrier};

/// The longest time between a barrier and the note beside the log of what is durable. A note costs
/// one small write and no barrier; damage to what was written since the last one may go unnoticed.
const MARK_INTERVAL: Duration = Duration::from_millis(100);

/// The time that the planted bug `ack-before-fsync` goes without a barrier, as stores do that
/// promise their users to sync "every second".
const LAZY_SYNC_INTERVAL: Duration = Duration::from_secs(1);

/// Records to be made durable, with the sequence number of the last.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// The sequence number of the last record.
    pub(crate) through: u64,
    /// The records, in order.
    pub(crate) records: Vec<Record>,
}

impl Batch {
    /// Adds the next record.
    pub(crate) fn push(&mut self, sequence: u64, record: Record) {
        assert!(sequence > self.through, "records keep their order");
        self.through = sequence;
        self.records.push(record);
    }

    /// Adds a batch that came meanwhile: one barrier serves both.
    pub(crate) fn join(&mut self, later: Batch) {
        assert!(later.through > self.through, "batches keep their order");
        self.through = later.through;
        self.records.extend(later.records);
    }

    /// True if there is nothing to write.
    pub(crate) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }
}

/// A log with the work that is left to do on it. After an error it must not be used any more.
#[derive(Debug)]
pub(crate) struct LogWriter<D> {
    log: WriteAheadLog<D>,
    /// True if records are made durable at all, and if those of a batch are so together.
    syncs: bool,
    groups: bool,
    bugs: Bugs,
    /// The time at which work is due that no request waits for, if any is.
    deferred_due: Option<Time>,
}

impl<D: Disk> LogWriter<D> {
    /// A writer behind the last record of a log.
    pub(crate) fn new(log: WriteAheadLog<D>, settings: &Settings, bugs: Bugs) -> LogWriter<D> {
        let syncs = !settings.lacks(Switch::Fsync);
        let groups = !settings.lacks(Switch::Batching);
        LogWriter { log, syncs, groups, bugs, deferred_due: None }
    }

    /// Writes records at the time `now`. True if they are durable only after a barrier.
    pub(crate) fn write(&mut self, records: &[Record], now: Time) -> io::Result<bool> {
        let needs_barrier = |record| self.syncs && needs_barrier(record, &self.bugs);
        if self.groups {
            self.log.append(records)?;
        } else {
            for (position, record) in records.iter().enumerate() {
                if position > 0 && needs_barrier(&records[position - 1]) {
                    self.log.sync()?;
                }
                self.log.append([record])?;
            }
        }
        let lazy = self.bugs.contains(&Bug::AckBeforeFsync);
        let interval = if lazy { LAZY_SYNC_INTERVAL } else { MARK_INTERVAL };
        self.deferred_due.get_or_insert(now + interval);
        Ok(records.iter().any(needs_barrier))
    }

    /// Makes everything written so far durable.
    pub(crate) fn barrier(&mut self) -> io::Result<()> {
        self.log.sync()
    }

    /// The time at which [`Self::run_deferred`] is due, if it is.
    pub(crate) fn deferred_due(&self) -> Option<Time> {
        self.deferred_due
    }

    /// Does the work that no request waits for.
    pub(crate) fn run_deferred(&mut self) -> io::Result<()> {
        self.deferred_due = None;
        if self.syncs && self.bugs.contains(&Bug::AckBeforeFsync) {
            self.log.sync()?;
        }
        self.log.mark()
    }

    /// The disk below.
    pub(crate) fn disk_mut(&mut self) -> &mut D {
        self.log.disk_mut()
    }

    /// Closes the log without syncing it.
    pub(crate) fn into_disk(self) -> D {
        self.log.into_disk()
    }
}

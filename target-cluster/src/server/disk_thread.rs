//! The thread that owns the disk: many records, one barrier.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::inbox::{Inbox, Incoming};
use crate::bugs::{Bug, Bugs};
use crate::core::Record;
use crate::storage::{FileDisk, WriteAheadLog, needs_barrier};

/// The longest time between a barrier and the note beside the log of what is durable. A note costs
/// one small write and no barrier; damage to what was written since the last one may go unnoticed.
const MARK_INTERVAL: Duration = Duration::from_millis(100);

/// The time that the planted bug `ack-before-fsync` goes without a barrier, as stores do that
/// promise their users to sync "every second".
const LAZY_SYNC_INTERVAL: Duration = Duration::from_secs(1);

/// Records to be made durable, with the sequence number of the last.
pub(super) struct Batch {
    /// The sequence number of the last record.
    pub(super) through: u64,
    /// The records, in order.
    pub(super) records: Vec<Record>,
}

/// Starts the thread. It ends when the sender is dropped, or with the first error, which it
/// reports: after an error, only what was reported before counts as durable.
pub(super) fn start(
    wal: WriteAheadLog<FileDisk>,
    bugs: Bugs,
    inbox: Inbox,
) -> io::Result<(Sender<Batch>, JoinHandle<()>)> {
    let (sender, batches) = channel();
    let thread = DiskThread { wal, bugs, inbox, deferred_due: None };
    let thread = thread::Builder::new().name("disk".into()).spawn(move || thread.run(&batches))?;
    Ok((sender, thread))
}

struct DiskThread {
    wal: WriteAheadLog<FileDisk>,
    bugs: Bugs,
    inbox: Inbox,
    /// The time at which work is due that no request waits for, if any is.
    deferred_due: Option<Instant>,
}

impl DiskThread {
    fn run(mut self, batches: &Receiver<Batch>) {
        if let Err(error) = self.serve(batches) {
            // If the loop is gone, the node is going down anyway.
            let _ = self.inbox.blocking_send(Incoming::DiskFailed(error));
        }
    }

    /// Takes everything that has gathered, writes it, makes one barrier, reports; while the barrier
    /// lasts, the next batch gathers.
    fn serve(&mut self, batches: &Receiver<Batch>) -> io::Result<()> {
        loop {
            let received = match self.deferred_due {
                None => batches.recv().map_err(RecvTimeoutError::from),
                Some(due) => batches.recv_timeout(due.saturating_duration_since(Instant::now())),
            };
            match received {
                Ok(Batch { mut through, mut records }) => {
                    for batch in batches.try_iter() {
                        through = batch.through;
                        records.extend(batch.records);
                    }
                    self.write(&records)?;
                    if self.inbox.blocking_send(Incoming::Persisted { through }).is_err() {
                        return Ok(());
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            if self.deferred_due.is_some_and(|due| due <= Instant::now()) {
                self.run_deferred()?;
            }
        }
    }

    fn write(&mut self, records: &[Record]) -> io::Result<()> {
        self.wal.append(records)?;
        if records.iter().any(|record| needs_barrier(record, &self.bugs)) {
            self.wal.sync()?;
        }
        let lazy = self.bugs.contains(&Bug::AckBeforeFsync);
        let interval = if lazy { LAZY_SYNC_INTERVAL } else { MARK_INTERVAL };
        self.deferred_due.get_or_insert_with(|| Instant::now() + interval);
        Ok(())
    }

    /// Does the work that no request waits for.
    fn run_deferred(&mut self) -> io::Result<()> {
        self.deferred_due = None;
        if self.bugs.contains(&Bug::AckBeforeFsync) {
            self.wal.sync()?;
        }
        self.wal.mark()
    }
}

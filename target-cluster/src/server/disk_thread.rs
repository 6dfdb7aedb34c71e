//! The thread that owns the log: many records, one barrier; and the one that writes snapshots beside it.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use super::inbox::{Inbox, Incoming};
use crate::bugs::Bugs;
use crate::core::{Settings, Snapshot};
use crate::driver::{Batch, LogWriter};
use crate::storage::{Directory, FileDisk, WriteAheadLog, save_at_once};

/// Starts the thread. It ends when the sender is dropped, or with the first error, which it
/// reports: after an error, only what was reported before counts as durable.
pub(super) fn start(
    wal: WriteAheadLog<FileDisk>,
    settings: &Settings,
    bugs: Bugs,
    inbox: Inbox,
) -> io::Result<(Sender<Batch>, JoinHandle<()>)> {
    let (sender, batches) = channel();
    let writer = LogWriter::new(wal, settings, bugs);
    let thread = DiskThread { writer, inbox, start: Instant::now() };
    let thread = thread::Builder::new().name("disk".into()).spawn(move || thread.run(&batches))?;
    Ok((sender, thread))
}

/// Starts the thread that writes snapshots into the directory of the log, one at a time. It ends when
/// the sender is dropped, or with the first error, which it reports.
pub(super) fn start_snapshots(
    directory: &Path,
    inbox: Inbox,
) -> io::Result<(Sender<Arc<Snapshot>>, JoinHandle<()>)> {
    let (sender, snapshots) = channel::<Arc<Snapshot>>();
    let mut directory = Directory::at(directory);
    let write = move || {
        for snapshot in snapshots {
            let index = snapshot.index();
            let event = match save_at_once(&mut directory, snapshot) {
                Ok(()) => Incoming::SnapshotSaved { index },
                Err(error) => Incoming::DiskFailed(error),
            };
            // If the loop is gone, the node is going down anyway.
            if inbox.blocking_send(event).is_err() {
                return;
            }
        }
    };
    let thread = thread::Builder::new().name("snapshots".into()).spawn(write)?;
    Ok((sender, thread))
}

struct DiskThread {
    writer: LogWriter<FileDisk>,
    inbox: Inbox,
    /// The beginning of the time that the writer goes by.
    start: Instant,
}

impl DiskThread {
    fn run(mut self, batches: &Receiver<Batch>) {
        if let Err(error) = self.serve(batches) {
            // If the loop is gone, the node is going down anyway.
            let _ = self.inbox.blocking_send(Incoming::DiskFailed(error));
            // It may send more before it takes that in. A channel that is closed would be all that it
            // learns of, and the node would end for no reason that it can name.
            while batches.recv().is_ok() {}
        }
    }

    /// Takes everything that has gathered, writes it, makes one barrier, reports; while the barrier
    /// lasts, the next batch gathers.
    fn serve(&mut self, batches: &Receiver<Batch>) -> io::Result<()> {
        loop {
            let received = match self.writer.deferred_due() {
                None => batches.recv().map_err(RecvTimeoutError::from),
                Some(due) => batches.recv_timeout(due.saturating_sub(self.start.elapsed())),
            };
            match received {
                Ok(mut batch) => {
                    batches.try_iter().for_each(|later| batch.join(later));
                    let Batch { through, records } = batch;
                    if self.writer.write(&records, self.start.elapsed())? {
                        self.writer.barrier()?;
                    }
                    if self.inbox.blocking_send(Incoming::Persisted { through }).is_err() {
                        return Ok(());
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            if self.writer.deferred_due().is_some_and(|due| due <= self.start.elapsed()) {
                self.writer.run_deferred()?;
            }
        }
    }
}

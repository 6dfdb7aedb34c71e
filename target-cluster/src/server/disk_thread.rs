//! The thread that owns the disk: many records, one barrier.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use super::inbox::{Inbox, Incoming};
use crate::bugs::Bugs;
use crate::driver::{Batch, LogWriter};
use crate::storage::{FileDisk, WriteAheadLog};

/// Starts the thread. It ends when the sender is dropped, or with the first error, which it
/// reports: after an error, only what was reported before counts as durable.
pub(super) fn start(
    wal: WriteAheadLog<FileDisk>,
    bugs: Bugs,
    inbox: Inbox,
) -> io::Result<(Sender<Batch>, JoinHandle<()>)> {
    let (sender, batches) = channel();
    let thread = DiskThread { writer: LogWriter::new(wal, bugs), inbox, start: Instant::now() };
    let thread = thread::Builder::new().name("disk".into()).spawn(move || thread.run(&batches))?;
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

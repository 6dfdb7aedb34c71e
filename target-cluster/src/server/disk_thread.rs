//! The thread that owns the disk: many records, one barrier.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use super::raft_loop::{Event, Inbox};
use crate::core::Record;
use crate::storage::{FileDisk, WriteAheadLog};

/// Records to be made durable, with the sequence number of the last.
pub(super) struct Batch {
    /// The sequence number of the last record.
    pub(super) through: u64,
    /// The records, in order.
    pub(super) records: Vec<Record>,
}

/// Starts the thread. It ends when the sender is dropped, or with the first error, which it reports.
pub(super) fn start(wal: WriteAheadLog<FileDisk>, inbox: Inbox) -> io::Result<Sender<Batch>> {
    let (sender, batches) = channel();
    thread::Builder::new().name("disk".into()).spawn(move || write(wal, &batches, &inbox))?;
    Ok(sender)
}

/// Takes everything that has gathered, writes it, makes one barrier, reports; while the barrier
/// lasts, the next batch gathers.
fn write(mut wal: WriteAheadLog<FileDisk>, batches: &Receiver<Batch>, inbox: &Inbox) {
    while let Ok(Batch { mut through, mut records }) = batches.recv() {
        for batch in batches.try_iter() {
            through = batch.through;
            records.extend(batch.records);
        }
        let event = match wal.append(&records).and_then(|()| wal.sync()) {
            Ok(()) => Event::Persisted { through },
            Err(error) => Event::DiskFailed(error),
        };
        let failed = matches!(event, Event::DiskFailed(_));
        if inbox.blocking_send(event).is_err() || failed {
            return;
        }
    }
}

//! The write-ahead log: records in order, and what they add up to after a restart.

use std::fmt;
use std::io;

use super::Disk;
use super::frame::{self, BadFrame, MAGIC};
use crate::core::{Record, Recovered};

/// An open log.
#[derive(Debug)]
pub struct WriteAheadLog<D> {
    disk: D,
    /// How many bytes the file has.
    written: u64,
    /// How many of them are durable.
    durable: u64,
    /// Reused for each append.
    buffer: Vec<u8>,
}

/// What opening a log gives.
#[derive(Debug)]
pub struct Opened<D> {
    /// The log, ready for more.
    pub wal: WriteAheadLog<D>,
    /// The state that its records add up to.
    pub recovered: Recovered,
    /// How many records it had.
    pub records: usize,
    /// How many bytes of a torn tail were cut off.
    pub torn_bytes: u64,
}

/// Why a log cannot be opened.
#[derive(Debug)]
pub enum OpenError {
    /// The disk failed.
    Io(io::Error),
    /// A record that had been durable is damaged. To go on without it could break a promise that
    /// this node gave (camunda#6098), so it does not start.
    Corrupt {
        /// Where the record begins.
        offset: u64,
        /// What is wrong with it.
        reason: String,
    },
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::Io(error) => write!(f, "the log cannot be read: {error}"),
            OpenError::Corrupt { offset, reason } => write!(
                f,
                "the log is corrupt at byte {offset}: {reason}. What was durable is damaged, so \
                 the node does not start"
            ),
        }
    }
}

impl std::error::Error for OpenError {}

impl From<io::Error> for OpenError {
    fn from(error: io::Error) -> OpenError {
        OpenError::Io(error)
    }
}

impl<D: Disk> WriteAheadLog<D> {
    /// Reads the log and makes it ready for more: a torn tail is cut off first, durably, since
    /// whatever were written behind it could never be read (cqlite#1390). What was read is made
    /// durable too: it may have been written, but not synced, before the process was killed.
    ///
    /// A damaged record at the very end is taken for a torn one: nothing behind it tells that it
    /// had been durable.
    pub fn open(mut disk: D) -> Result<Opened<D>, OpenError> {
        let bytes = disk.read()?;
        let mut recovered = Recovered::default();
        let (mut offset, mut records) = (0, 0);
        while offset < bytes.len() {
            match frame::decode(&bytes[offset..]) {
                Ok(frame) => {
                    replay(&mut recovered, frame.record)
                        .map_err(|reason| OpenError::Corrupt { offset: offset as u64, reason })?;
                    offset += frame.size;
                    records += 1;
                }
                Err(bad) if bad == BadFrame::Payload || was_durable(&bytes, offset) => {
                    let reason = bad.reason().to_string();
                    return Err(OpenError::Corrupt { offset: offset as u64, reason });
                }
                Err(_) => break,
            }
        }
        let written = offset as u64;
        let torn_bytes = bytes.len() as u64 - written;
        if torn_bytes > 0 {
            disk.truncate(written)?;
        }
        disk.sync()?;
        let wal = WriteAheadLog { disk, written, durable: written, buffer: Vec::new() };
        Ok(Opened { wal, recovered, records, torn_bytes })
    }

    /// Writes records behind the last one, with one write. They are durable after [`Self::sync`].
    /// After an error the log must not be used any more.
    pub fn append<'a>(&mut self, records: impl IntoIterator<Item = &'a Record>) -> io::Result<()> {
        self.buffer.clear();
        for record in records {
            frame::encode(record, self.durable, &mut self.buffer);
        }
        self.disk.append(&self.buffer)?;
        self.written += self.buffer.len() as u64;
        Ok(())
    }

    /// Makes every record durable. After an error the log must not be used any more (see
    /// [`Disk::sync`]).
    pub fn sync(&mut self) -> io::Result<()> {
        self.disk.sync()?;
        self.durable = self.written;
        Ok(())
    }

    /// The disk below.
    pub fn disk(&self) -> &D {
        &self.disk
    }

    /// Closes the log without syncing it.
    pub fn into_disk(self) -> D {
        self.disk
    }
}

/// Whether a good record behind `offset` says that the one there had been durable.
fn was_durable(bytes: &[u8], offset: usize) -> bool {
    (offset + 1..bytes.len())
        .filter(|&at| bytes[at..].starts_with(&MAGIC))
        .filter_map(|at| frame::decode(&bytes[at..]).ok())
        .any(|frame| frame.durable > offset as u64)
}

/// Adds one record to the state.
fn replay(state: &mut Recovered, record: Record) -> Result<(), String> {
    let last = state.log.last_index();
    match record {
        Record::Vote { term, .. } if term < state.term => {
            return Err(format!("the term falls from {} to {term}", state.term));
        }
        Record::Vote { term, vote } => (state.term, state.vote) = (term, vote),
        Record::Entry(entry) if entry.index != last + 1 || entry.term < state.log.last_term() => {
            return Err(format!(
                "entry {} of term {} follows entry {last} of term {}",
                entry.index,
                entry.term,
                state.log.last_term()
            ));
        }
        Record::Entry(entry) if entry.term > state.term => {
            return Err(format!(
                "entry {} is of term {}, not reached yet",
                entry.index, entry.term
            ));
        }
        Record::Entry(entry) => state.log.append(entry),
        Record::Truncate { from } if from == 0 || from > last => {
            return Err(format!("nothing at {from} to remove, the last entry is {last}"));
        }
        Record::Truncate { from } => state.log.truncate(from),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::core::{Entry, Payload};
    use crate::storage::{FileDisk, MemoryDisk};

    fn vote(term: u64) -> Record {
        Record::Vote { term, vote: Some("n1".into()) }
    }

    fn entry(index: u64, term: u64) -> Record {
        Record::Entry(Arc::new(Entry { index, term, payload: Payload::Noop }))
    }

    fn open(bytes: &[u8]) -> Result<Opened<MemoryDisk>, OpenError> {
        WriteAheadLog::open(MemoryDisk::with_bytes(bytes.to_vec()))
    }

    /// The bytes of a log to which `records` were written, one barrier after each.
    fn written(records: &[Record]) -> Vec<u8> {
        let mut wal = open(&[]).unwrap().wal;
        for record in records {
            wal.append([record]).unwrap();
            wal.sync().unwrap();
        }
        wal.into_disk().bytes().to_vec()
    }

    #[test]
    fn records_add_up_to_the_state_they_were_written_for() {
        let records =
            [vote(1), entry(1, 1), entry(2, 1), vote(2), Record::Truncate { from: 2 }, entry(2, 2)];
        let opened = open(&written(&records)).unwrap();
        assert_eq!((opened.records, opened.torn_bytes), (6, 0));
        assert_eq!((opened.recovered.term, opened.recovered.vote), (2, Some("n1".into())));
        let terms: Vec<_> = opened.recovered.log.entries().iter().map(|e| e.term).collect();
        assert_eq!(terms, [1, 2]);
    }

    #[test]
    fn a_tail_torn_at_any_byte_is_cut_off_and_the_log_goes_on() {
        let two = written(&[vote(1), entry(1, 1)]);
        let three = written(&[vote(1), entry(1, 1), entry(2, 1)]);
        for end in two.len()..three.len() {
            let opened = open(&three[..end]).unwrap();
            assert_eq!(opened.records, 2);
            assert_eq!(opened.torn_bytes, (end - two.len()) as u64);
            let mut wal = opened.wal;
            wal.append([&entry(2, 1), &entry(3, 1)]).unwrap();
            let again = open(wal.disk().bytes()).unwrap();
            assert_eq!(again.recovered.log.last_index(), 3, "torn at byte {end}");
        }
    }

    #[test]
    fn any_flipped_bit_before_the_last_record_refuses_to_start() {
        let before_last = written(&[vote(1), entry(1, 1)]).len();
        let whole = written(&[vote(1), entry(1, 1), entry(2, 1)]);
        for bit in 0..before_last * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            match open(&bytes) {
                Err(OpenError::Corrupt { offset, .. }) => assert!(offset < before_last as u64),
                other => panic!("bit {bit}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_flipped_bit_in_the_last_record_is_taken_for_a_torn_write() {
        let whole = written(&[vote(1), entry(1, 1)]);
        let mut bytes = whole.clone();
        bytes[whole.len() - 1] ^= 1;
        let opened = open(&bytes).unwrap();
        assert_eq!(opened.records, 1);
        assert!(opened.torn_bytes > 0);
    }

    #[test]
    fn pages_that_reached_the_disk_out_of_order_are_a_torn_write_too() {
        let mut wal = open(&written(&[vote(1)])).unwrap().wal;
        wal.append([&entry(1, 1), &entry(2, 1), &entry(3, 1)]).unwrap();
        let mut disk = wal.into_disk();
        let unsynced = disk.unsynced();
        disk.crash(unsynced, 3..unsynced / 2);
        let opened = WriteAheadLog::open(disk).unwrap();
        assert_eq!((opened.records, opened.recovered.log.last_index()), (1, 0));
    }

    #[test]
    fn a_crash_takes_what_was_not_synced_and_nothing_else() {
        let mut wal = open(&[]).unwrap().wal;
        wal.append([&vote(1), &entry(1, 1)]).unwrap();
        wal.sync().unwrap();
        wal.append([&entry(2, 1)]).unwrap();
        let mut disk = wal.into_disk();
        disk.crash(0, 0..0);
        let opened = WriteAheadLog::open(disk).unwrap();
        assert_eq!((opened.recovered.log.last_index(), opened.torn_bytes), (1, 0));
    }

    #[test]
    fn records_that_contradict_each_other_are_corruption() {
        for records in [
            vec![vote(2), vote(1)],
            vec![vote(1), entry(2, 1)],
            vec![vote(2), entry(1, 2), entry(2, 1)],
            vec![vote(1), entry(1, 2)],
            vec![Record::Truncate { from: 1 }],
        ] {
            assert!(matches!(open(&written(&records)), Err(OpenError::Corrupt { .. })));
        }
    }

    #[test]
    fn a_real_file_keeps_the_log_and_its_directory_is_made() {
        let root = std::env::temp_dir().join(format!("stormproof-wal-{}", std::process::id()));
        let directory = root.join("a/b");
        let disk = || FileDisk::open(&directory, "raft.log").unwrap();
        let mut wal = WriteAheadLog::open(disk()).unwrap().wal;
        wal.append([&vote(1), &entry(1, 1)]).unwrap();
        wal.sync().unwrap();
        drop(wal);
        let path = directory.join("raft.log");
        let length = std::fs::metadata(&path).unwrap().len();
        std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length - 1).unwrap();
        let opened = WriteAheadLog::open(disk()).unwrap();
        assert_eq!(opened.records, 1);
        let mut wal = opened.wal;
        wal.append([&entry(1, 1)]).unwrap();
        assert_eq!(WriteAheadLog::open(disk()).unwrap().records, 2);
        std::fs::remove_dir_all(root).unwrap();
    }
}

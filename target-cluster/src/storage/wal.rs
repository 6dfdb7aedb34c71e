//! The write-ahead log: records in order, and what they add up to after a restart.
//!
//! A restart has to distinguish two things that look the same, a write that the power failed in and
//! damage to what had been durable. The one is ordinary and cut off, the other breaks promises that
//! the node gave, so it refuses to start. Two witnesses say how much of the file had been durable:
//! every record how much it was when the record was written, and the watermark beside the file.
//! A bad record below the highest of them is damage.
//!
//! Damage that neither of them witnesses is not noticed: that the last records were cut off or
//! damaged that were written since the watermark was last noted and to which nothing was added.
//! Such a node is as if it had acknowledged what it lost.

use std::io;

use super::frame::{self, BadFrame, MAGIC};
use super::{Disk, planted};
use crate::bugs::{Bug, Bugs};
use crate::core::{Record, Recovered};

/// An open log.
#[derive(Debug)]
pub struct WriteAheadLog<D> {
    disk: D,
    /// The length of the file, in bytes.
    written: u64,
    /// The number of those bytes that are durable.
    durable: u64,
    /// The number of those that the watermark speaks of.
    marked: u64,
    /// Reused for each append.
    buffer: Vec<u8>,
    /// True if a sync that failed is tried again, with the planted bug `fsync-error-retried`.
    retries_sync: bool,
}

/// A log that was opened, with what was found in it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Opened<D> {
    /// The log, ready for more.
    pub wal: WriteAheadLog<D>,
    /// The state that its records add up to.
    pub recovered: Recovered,
    /// The number of records that it had.
    pub records: usize,
    /// The length of the torn tail that was cut off, in bytes.
    pub torn_bytes: u64,
}

/// The reason for which a log cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The disk failed.
    #[error("the log cannot be read: {0}")]
    Io(#[from] io::Error),
    /// A record that had been durable is damaged. To go on without it could break a promise that
    /// this node gave (camunda#6098), so it does not start.
    #[error(
        "the log is corrupt at byte {offset}: {reason}. What was durable is damaged, so the node \
         does not start"
    )]
    Corrupt {
        /// The byte at which the record begins.
        offset: u64,
        /// The defect, in words.
        reason: String,
    },
}

impl<D: Disk> WriteAheadLog<D> {
    /// Reads the log and makes it ready for more: a torn tail is cut off first, durably, since
    /// records written behind it could never be read (cqlite#1390). What was read is made
    /// durable too: it may have been written, but not synced, before the process was killed.
    pub fn open(mut disk: D, bugs: &Bugs) -> Result<Opened<D>, OpenError> {
        let bytes = disk.read()?;
        let found = match find(&bytes, disk.watermark()?, bugs) {
            Err(_) if bugs.contains(&Bug::CorruptLogDiscarded) => Found::default(),
            found => found?,
        };
        let Found { recovered, records, end, witnessed } = found;
        let torn_bytes = (bytes.len() - end) as u64;
        let mut written = end as u64;
        if bugs.contains(&Bug::AppendAfterTornTail) {
            written += torn_bytes;
        } else if torn_bytes > 0 {
            disk.truncate(written)?;
        }
        // A sync that failed before the restart may have left what can be read, but is not on the
        // disk, and what the kernel would not write again by itself.
        disk.rewrite(witnessed, &bytes[witnessed as usize..written as usize])?;
        disk.sync()?;
        let mut wal = WriteAheadLog {
            disk,
            written,
            durable: written,
            marked: 0,
            buffer: Vec::new(),
            retries_sync: bugs.contains(&Bug::FsyncErrorRetried),
        };
        wal.mark()?;
        Ok(Opened { wal, recovered, records, torn_bytes })
    }

    /// Writes records behind the last one, with one write. They are durable after [`Self::sync`].
    /// After an error the log must not be used any more (see [`Disk`]).
    pub fn append<'a>(&mut self, records: impl IntoIterator<Item = &'a Record>) -> io::Result<()> {
        self.buffer.clear();
        for record in records {
            frame::encode(record, self.durable, &mut self.buffer);
        }
        self.disk.append(&self.buffer)?;
        self.written += self.buffer.len() as u64;
        Ok(())
    }

    /// Makes every record durable. After an error the log must not be used any more.
    pub fn sync(&mut self) -> io::Result<()> {
        match self.disk.sync() {
            Err(_) if self.retries_sync => self.disk.sync()?,
            synced => synced?,
        }
        self.durable = self.written;
        Ok(())
    }

    /// Notes beside the log how much of it is durable. Needs no barrier, and need not be done after
    /// each: what it says stays true.
    pub fn mark(&mut self) -> io::Result<()> {
        if self.marked < self.durable {
            self.disk.set_watermark(self.durable)?;
            self.marked = self.durable;
        }
        Ok(())
    }

    /// The disk below.
    pub fn disk(&self) -> &D {
        &self.disk
    }

    /// The disk below, to make it fail.
    pub(crate) fn disk_mut(&mut self) -> &mut D {
        &mut self.disk
    }

    /// Closes the log without syncing it.
    pub fn into_disk(self) -> D {
        self.disk
    }
}

/// The content of a log.
#[derive(Default)]
struct Found {
    recovered: Recovered,
    records: usize,
    /// The position behind the last good record.
    end: usize,
    /// The number of bytes of which a witness says that they had been durable.
    witnessed: u64,
}

/// Reads the records up to the end of the log, or to a torn one.
fn find(bytes: &[u8], watermark: u64, bugs: &Bugs) -> Result<Found, OpenError> {
    let mut witnessed = if planted::ignores_watermark(bytes, bugs) { 0 } else { watermark };
    let mut recovered = Recovered::default();
    let (mut end, mut records) = (0, 0);
    let corrupt = |end, reason| Err(OpenError::Corrupt { offset: end as u64, reason });
    while end < bytes.len() {
        match frame::decode(&bytes[end..]) {
            Ok(frame) => {
                if let Err(contradiction) = replay(&mut recovered, frame.record) {
                    return corrupt(end, contradiction.to_string());
                }
                witnessed = witnessed.max(frame.durable);
                end += frame.size;
                records += 1;
            }
            Err(bad) => {
                if !planted::ignores_records_behind(bugs) {
                    witnessed = witnessed.max(witnessed_behind(bytes, end));
                }
                let was_durable = witnessed > end as u64 || bugs.contains(&Bug::TornTailRefused);
                if bad == BadFrame::Payload || was_durable {
                    return corrupt(end, bad.to_string());
                }
                break;
            }
        }
    }
    if witnessed > end as u64 {
        let reason = format!("the log ends here, of which {witnessed} bytes had been durable");
        return corrupt(end, reason);
    }
    Ok(Found { recovered, records, end, witnessed })
}

/// The most bytes that any good record behind the bad one at `offset` says had been durable.
fn witnessed_behind(bytes: &[u8], offset: usize) -> u64 {
    (offset + 1..bytes.len())
        .filter(|&at| bytes[at..].starts_with(&MAGIC))
        .filter_map(|at| frame::decode(&bytes[at..]).ok())
        .map(|frame| frame.durable)
        .max()
        .unwrap_or(0)
}

/// A record that contradicts those before it: it comes from no node, so the log is corrupt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Contradiction {
    /// The current term is earlier than the one before.
    #[error("the term falls from {from} to {to}")]
    TermFalls {
        /// The term before.
        from: u64,
        /// The term of the record.
        to: u64,
    },
    /// The entry has another index than the next one, or an earlier term than the last one.
    #[error("entry {index} of term {term} follows entry {last} of term {last_term}")]
    DoesNotFollow {
        /// The index of the entry.
        index: u64,
        /// Its term.
        term: u64,
        /// The index of the last entry.
        last: u64,
        /// The term of that.
        last_term: u64,
    },
    /// The entry is of a later term than the current one.
    #[error("entry {index} is of term {term}, not reached yet")]
    TermNotReached {
        /// The index of the entry.
        index: u64,
        /// Its term.
        term: u64,
    },
    /// Entries are removed that are not there.
    #[error("nothing at {from} to remove, the last entry is {last}")]
    NothingToRemove {
        /// The first one to remove.
        from: u64,
        /// The index of the last entry.
        last: u64,
    },
}

/// Adds one record to the state.
///
/// # Errors
/// When the record contradicts the state, which is left as it was.
pub fn replay(state: &mut Recovered, record: Record) -> Result<(), Contradiction> {
    let (last, last_term) = (state.log.last_index(), state.log.last_term());
    match record {
        Record::Vote { term, .. } if term < state.term => {
            return Err(Contradiction::TermFalls { from: state.term, to: term });
        }
        Record::Vote { term, vote } => (state.term, state.vote) = (term, vote),
        Record::Entry(entry) => {
            let (index, term) = (entry.index, entry.term);
            if index != last + 1 || term < last_term {
                return Err(Contradiction::DoesNotFollow { index, term, last, last_term });
            }
            if term > state.term {
                return Err(Contradiction::TermNotReached { index, term });
            }
            state.log.append(entry);
        }
        Record::Truncate { from } if from == 0 || from > last => {
            return Err(Contradiction::NothingToRemove { from, last });
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
        WriteAheadLog::open(MemoryDisk::with_bytes(bytes.to_vec()), &Bugs::new())
    }

    /// Opens a log of which so many bytes were noted to be durable.
    fn open_marked(bytes: &[u8], watermark: usize) -> Result<Opened<MemoryDisk>, OpenError> {
        let mut disk = MemoryDisk::with_bytes(bytes.to_vec());
        disk.set_watermark(watermark as u64).unwrap();
        WriteAheadLog::open(disk, &Bugs::new())
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
    fn a_flipped_bit_in_the_last_record_is_noticed_by_the_watermark_alone() {
        let whole = written(&[vote(1), entry(1, 1)]);
        let mut bytes = whole.clone();
        bytes[whole.len() - 1] ^= 1;
        let opened = open(&bytes).unwrap();
        assert_eq!(opened.records, 1, "nothing distinguishes it from a torn write");
        assert!(opened.torn_bytes > 0);
        let opened = open_marked(&bytes, whole.len());
        assert!(matches!(opened, Err(OpenError::Corrupt { .. })), "{opened:?}");
    }

    #[test]
    fn a_log_that_was_cut_off_below_the_watermark_refuses_to_start() {
        let whole = written(&[vote(1), entry(1, 1), entry(2, 1)]);
        for end in 0..whole.len() {
            match open_marked(&whole[..end], whole.len()) {
                Err(OpenError::Corrupt { offset, .. }) => assert!(offset <= end as u64),
                other => panic!("cut off at {end}: {other:?}"),
            }
        }
        assert_eq!(open_marked(&whole, whole.len()).unwrap().records, 3);
    }

    #[test]
    fn what_a_failed_sync_left_in_the_cache_is_durable_after_the_restart() {
        let mut wal = open(&written(&[vote(1)])).unwrap().wal;
        wal.append([&entry(1, 1)]).unwrap();
        let mut disk = wal.into_disk();
        disk.fail_sync();
        let opened = WriteAheadLog::open(disk, &Bugs::new()).unwrap();
        assert_eq!(opened.recovered.log.last_index(), 1, "it can be read");
        let mut disk = opened.wal.into_disk();
        disk.crash(512, || false);
        let opened = WriteAheadLog::open(disk, &Bugs::new()).unwrap();
        assert_eq!(opened.recovered.log.last_index(), 1, "so it must not be lost any more");
    }

    #[test]
    fn pages_that_reached_the_disk_out_of_order_are_a_torn_write_too() {
        let mut wal = open(&written(&[vote(1)])).unwrap().wal;
        wal.append([&entry(1, 1), &entry(2, 1), &entry(3, 1)]).unwrap();
        let mut disk = wal.into_disk();
        let mut sectors = [true, false, true, true, true].into_iter().cycle();
        disk.crash(64, || sectors.next() == Some(true));
        let opened = WriteAheadLog::open(disk, &Bugs::new()).unwrap();
        assert_eq!((opened.records, opened.recovered.log.last_index()), (1, 0));
    }

    #[test]
    fn a_crash_takes_what_was_not_synced_and_nothing_else() {
        let mut wal = open(&[]).unwrap().wal;
        wal.append([&vote(1), &entry(1, 1)]).unwrap();
        wal.sync().unwrap();
        wal.append([&entry(2, 1)]).unwrap();
        let mut disk = wal.into_disk();
        disk.crash(512, || false);
        let opened = WriteAheadLog::open(disk, &Bugs::new()).unwrap();
        assert_eq!((opened.recovered.log.last_index(), opened.torn_bytes), (1, 0));
    }

    #[test]
    fn records_that_contradict_each_other_are_corruption() {
        for (records, contradiction) in [
            (vec![vote(2), vote(1)], "the term falls from 2 to 1"),
            (vec![vote(1), entry(2, 1)], "entry 2 of term 1 follows entry 0 of term 0"),
            (
                vec![vote(2), entry(1, 2), entry(2, 1)],
                "entry 2 of term 1 follows entry 1 of term 2",
            ),
            (vec![vote(1), entry(1, 2)], "entry 1 is of term 2, not reached yet"),
            (
                vec![vote(1), entry(1, 1), Record::Truncate { from: 2 }],
                "nothing at 2 to remove, the last entry is 1",
            ),
            (vec![Record::Truncate { from: 0 }], "nothing at 0 to remove, the last entry is 0"),
        ] {
            match open(&written(&records)) {
                Err(OpenError::Corrupt { reason, .. }) => assert_eq!(reason, contradiction),
                other => panic!("{contradiction}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_real_file_keeps_the_log_and_its_directory_is_made() {
        let root = std::env::temp_dir().join(format!("stormproof-wal-{}", std::process::id()));
        let directory = root.join("a/b");
        let disk = || FileDisk::open(&directory, "raft.log").unwrap();
        let mut wal = WriteAheadLog::open(disk(), &Bugs::new()).unwrap().wal;
        wal.append([&vote(1), &entry(1, 1)]).unwrap();
        wal.sync().unwrap();
        drop(wal);
        let path = directory.join("raft.log");
        let length = std::fs::metadata(&path).unwrap().len();
        std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length - 1).unwrap();
        let opened = WriteAheadLog::open(disk(), &Bugs::new()).unwrap();
        assert_eq!(opened.records, 1);
        let mut wal = opened.wal;
        wal.append([&entry(1, 1)]).unwrap();
        drop(wal);
        assert_eq!(WriteAheadLog::open(disk(), &Bugs::new()).unwrap().records, 2);
        std::fs::remove_dir_all(root).unwrap();
    }
}

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
//!
//! With every snapshot the log goes on in a new file, which begins with a [`Record::Base`]; files whose
//! entries are not needed any more are removed. All positions are those of the whole log, as if no file
//! had ever been removed. The directory is synced before what stands in a new file counts as durable,
//! and never must be for what is removed: where files come back after a power failure, the log begins
//! with the first of those that follow each other without a gap.

use std::io;

use super::frame::{self, BadFrame, MAGIC};
use super::log_files::{LOG_FILE, log_file, of_log};
use super::{Disk, planted};
use crate::bugs::{Bug, Bugs};
use crate::core::{Log, Record, Recovered};

/// An open log.
#[derive(Debug)]
pub struct WriteAheadLog<D> {
    disk: D,
    /// The files, oldest first.
    files: Vec<LogFile>,
    /// Files that had been removed and have come back, to be removed again.
    superfluous: Vec<String>,
    /// True if the name of the newest file is not durable yet.
    names_changed: bool,
    /// The position behind the last byte.
    written: u64,
    /// The position through which the log is durable.
    durable: u64,
    /// The position of which the watermark speaks.
    marked: u64,
    /// The index through which entries are needed no more.
    dropped: u64,
    /// True if the record of term and vote is missing that follows every [`Record::Base`]: those in the
    /// files before are the only ones.
    lacks_vote: bool,
    /// Reused for each append.
    buffer: Vec<u8>,
    /// True if a sync that failed is tried again, with the planted bug `fsync-error-retried`.
    retries_sync: bool,
    /// True if names are never synced, with the planted bug `names-not-synced`.
    leaves_names: bool,
}

/// A file of a log.
#[derive(Debug, Clone)]
struct LogFile {
    name: String,
    /// The position at which it begins.
    start: u64,
    /// The index of the entry behind which it goes on; [`NO_BASE`] if it has to be read behind the
    /// file before it in any case.
    base: u64,
}

/// The base of a file in which, or behind which, entries before it were removed.
const NO_BASE: u64 = u64::MAX;

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
        /// The name of the file.
        file: String,
        /// The byte of it at which the record begins.
        offset: u64,
        /// The defect, in words.
        reason: String,
    },
    /// There is no snapshot from which the log could go on.
    #[error(
        "no whole snapshot reaches the log, which begins behind entry {base} ({refused}). Put the \
         damaged file back from a copy; without one this node's state is lost, and it must not start \
         empty under its old name"
    )]
    NoSnapshot {
        /// The last entry that the log has dropped.
        base: u64,
        /// The snapshots that were refused, and why.
        refused: String,
    },
}

impl<D: Disk> WriteAheadLog<D> {
    /// Reads the log and makes it ready for more: a torn tail is cut off first, durably, since
    /// records written behind it could never be read (cqlite#1390). What was read is made
    /// durable too: it may have been written, but not synced, before the process was killed.
    pub fn open(mut disk: D, bugs: &Bugs) -> Result<Opened<D>, OpenError> {
        let Pieces { mut files, bytes, superfluous } = read_all(&mut disk)?;
        let start = files.first().map_or(0, |file| file.start);
        let watermark = disk.watermark()?.saturating_sub(start);
        let found = match find(&bytes, start, watermark, bugs) {
            Err(_) if bugs.contains(&Bug::CorruptLogDiscarded) => Found::default(),
            found => found.map_err(|corrupt| corrupt.within(&files))?,
        };
        let Found { recovered, records, end, witnessed, bases, lacks_vote } = found;
        for (file, base) in files.iter_mut().skip(1).zip(&bases) {
            file.base = *base;
        }
        let torn_bytes = (bytes.len() - end) as u64;
        let mut written = start + end as u64;
        if bugs.contains(&Bug::AppendAfterTornTail) {
            written += torn_bytes;
        } else {
            // A new file whose beginning is torn is as if it had never been begun.
            while files.len() > 1 && files.last().is_some_and(|file| file.start >= written) {
                disk.remove(&files.pop().expect("there are some").name)?;
            }
            if let Some(newest) = files.last()
                && torn_bytes > 0
            {
                disk.truncate(&newest.name, written - newest.start)?;
            }
        }
        if files.is_empty() {
            disk.create(LOG_FILE)?;
            files.push(LogFile { name: LOG_FILE.to_string(), start: 0, base: 0 });
        }
        // A sync that failed before the restart may have left what can be read, but is not on the
        // disk, and what the kernel would not write again by itself.
        for (position, file) in files.iter().enumerate() {
            let file_end = files.get(position + 1).map_or(written, |next| next.start);
            let from = file.start.max(start + witnessed).min(file_end);
            let again = &bytes[(from - start) as usize..(file_end - start) as usize];
            if !again.is_empty() || position + 1 == files.len() {
                disk.rewrite(&file.name, from - file.start, again)?;
                disk.sync(&file.name)?;
            }
        }
        if !bugs.contains(&Bug::NamesNotSynced) {
            disk.sync_names()?;
        }
        let mut wal = WriteAheadLog {
            disk,
            files,
            superfluous,
            names_changed: false,
            written,
            durable: written,
            marked: 0,
            dropped: 0,
            lacks_vote,
            buffer: Vec::new(),
            retries_sync: bugs.contains(&Bug::FsyncErrorRetried),
            leaves_names: bugs.contains(&Bug::NamesNotSynced),
        };
        // Files before it may go, and term and vote with them.
        if lacks_vote && !bugs.contains(&Bug::AppendAfterTornTail) {
            wal.append([&Record::Vote { term: recovered.term, vote: recovered.vote.clone() }])?;
            wal.sync()?;
        }
        wal.mark()?;
        Ok(Opened { wal, recovered, records, torn_bytes })
    }

    /// Writes records behind the last one, with one write for each file. They are durable after
    /// [`Self::sync`]. After an error the log must not be used any more (see [`Disk`]).
    pub fn append<'a>(&mut self, records: impl IntoIterator<Item = &'a Record>) -> io::Result<()> {
        self.buffer.clear();
        for record in records {
            if let Record::Base { index, dropped, .. } = record {
                self.write_buffer()?;
                self.begin_file(*index)?;
                self.dropped = self.dropped.max(*dropped);
            }
            if let Record::Truncate { from } = record {
                let removed = self.files.iter_mut().skip(1).filter(|file| file.base >= *from);
                removed.for_each(|file| file.base = NO_BASE);
            }
            self.lacks_vote = matches!(record, Record::Base { .. });
            frame::encode(record, self.durable, &mut self.buffer);
        }
        self.write_buffer()
    }

    fn write_buffer(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let newest = self.files.last().expect("a log has a file");
        self.disk.append(&newest.name, &self.buffer)?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// Goes on in a new file, once all that is in the others is durable: a record that is missing
    /// there has been lost.
    fn begin_file(&mut self, base: u64) -> io::Result<()> {
        self.sync()?;
        let (name, start) = (log_file(self.written), self.written);
        if self.files.last().is_some_and(|newest| newest.start == start) {
            return Ok(());
        }
        self.disk.create(&name)?;
        self.files.push(LogFile { name, start, base });
        self.names_changed = true;
        Ok(())
    }

    /// Makes every record durable, and removes the files that are not needed any more. After an error
    /// the log must not be used any more.
    pub fn sync(&mut self) -> io::Result<()> {
        let newest = &self.files.last().expect("a log has a file").name;
        match self.disk.sync(newest) {
            Err(_) if self.retries_sync => self.disk.sync(newest)?,
            synced => synced?,
        }
        if std::mem::take(&mut self.names_changed) && !self.leaves_names {
            self.disk.sync_names()?;
        }
        self.durable = self.written;
        if self.lacks_vote {
            return Ok(());
        }
        let is_enough = |file: &LogFile| file.base <= self.dropped;
        let first = self.files.iter().skip(1).rposition(is_enough).map_or(0, |before| before + 1);
        self.superfluous.extend(self.files.drain(..first).map(|file| file.name));
        for name in self.superfluous.drain(..) {
            self.disk.remove(&name)?;
        }
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

/// The files of a log.
#[derive(Default)]
struct Pieces {
    /// Those that follow each other without a gap, up to the newest.
    files: Vec<LogFile>,
    /// Everything in them.
    bytes: Vec<u8>,
    /// The names of those before a gap.
    superfluous: Vec<String>,
}

/// Reads the files of a log.
fn read_all<D: Disk>(disk: &mut D) -> io::Result<Pieces> {
    let Pieces { mut files, mut bytes, mut superfluous } = Pieces::default();
    for (start, name) in of_log(&disk.names()?) {
        let end = files.first().map_or(0, |first| first.start) + bytes.len() as u64;
        if end != start {
            superfluous.extend(files.drain(..).map(|file: LogFile| file.name));
            bytes.clear();
        }
        bytes.extend(disk.read(&name)?);
        files.push(LogFile { name, start, base: NO_BASE });
    }
    Ok(Pieces { files, bytes, superfluous })
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
    /// The index of each [`Record::Base`], but for one at the beginning.
    bases: Vec<u64>,
    /// True if the record of term and vote is missing that follows every [`Record::Base`]: a crash came in
    /// between.
    lacks_vote: bool,
}

/// A record that had been durable is damaged.
struct Corrupt {
    /// The position of the record among the bytes that were read.
    at: usize,
    reason: String,
}

impl Corrupt {
    /// Says in which file that is.
    fn within(self, files: &[LogFile]) -> OpenError {
        let start = files.first().map_or(0, |first| first.start);
        let position = start + self.at as u64;
        let file = files.iter().rfind(|file| file.start <= position);
        let (file, offset) =
            file.map_or((LOG_FILE, 0), |file| (file.name.as_str(), position - file.start));
        OpenError::Corrupt { file: file.to_string(), offset, reason: self.reason }
    }
}

/// Reads the records up to the end of the log, or to a torn one. The bytes begin at the position
/// `start` of the log, and so many of them had been durable, says the note.
fn find(bytes: &[u8], start: u64, watermark: u64, bugs: &Bugs) -> Result<Found, Corrupt> {
    let mut witnessed = if planted::ignores_watermark(bytes, bugs) { 0 } else { watermark };
    let mut recovered = Recovered::default();
    let (mut end, mut records, mut bases, mut lacks_vote) = (0, 0, Vec::new(), false);
    let corrupt = |at, reason| Err(Corrupt { at, reason });
    while end < bytes.len() {
        match frame::decode(&bytes[end..]) {
            Ok(frame) => {
                lacks_vote = matches!(frame.record, Record::Base { .. });
                match &frame.record {
                    Record::Base { index, .. } if end > 0 => bases.push(*index),
                    Record::Truncate { from } => {
                        let removed = bases.iter_mut().filter(|base| **base >= *from);
                        removed.for_each(|base| *base = NO_BASE);
                    }
                    _ => {}
                }
                if let Err(contradiction) = replay(&mut recovered, frame.record) {
                    return corrupt(end, contradiction.to_string());
                }
                witnessed = witnessed.max(frame.durable.saturating_sub(start));
                end += frame.size;
                records += 1;
            }
            Err(bad) => {
                if !planted::ignores_records_behind(bugs) {
                    let behind = witnessed_behind(bytes, end).saturating_sub(start);
                    witnessed = witnessed.max(behind);
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
        let witnessed = start + witnessed;
        let reason = format!("the log ends here, of which {witnessed} bytes had been durable");
        return corrupt(end, reason);
    }
    Ok(Found { recovered, records, end, witnessed, bases, lacks_vote })
}

/// The most bytes of the log that any good record behind the bad one at `offset` says had been durable.
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
        Record::Base { index, term, .. } if term > state.term && index > 0 && last > 0 => {
            return Err(Contradiction::TermNotReached { index, term });
        }
        Record::Base { index, term, dropped } => {
            if (index, term) != (last, last_term) {
                // A snapshot took the place of the log, or the files before are gone.
                state.log = Log::behind(index, term);
            }
            drop(state.log.drop_through(dropped.min(index)));
        }
        Record::Truncate { from } if from <= state.log.base() || from > last => {
            return Err(Contradiction::NothingToRemove { from, last });
        }
        Record::Truncate { from } => state.log.truncate(from),
    }
    Ok(())
}

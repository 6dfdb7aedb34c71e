//! A disk that loses what was not synced, as real ones do, and that fails when it is asked to.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;

use super::log_files::{LOG_FILE, of_log};
use super::{Disk, Files};

/// The files of a directory in memory, with a cache before them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemoryDisk {
    /// By a number that stays the same when a file is renamed.
    files: BTreeMap<u64, MemoryFile>,
    /// The file of each name.
    names: BTreeMap<String, u64>,
    /// The names that are durable.
    durable_names: BTreeMap<String, u64>,
    /// The number of files there ever were.
    made: u64,
    /// Kept in any case: the hardest case for a log that trusts it.
    watermark: u64,
    /// The way in which it fails the next time it could.
    failure: Option<DiskFailure>,
}

/// One file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct MemoryFile {
    /// The bytes that are read.
    bytes: Vec<u8>,
    /// The writes that were not synced, in order.
    unsynced: Vec<Range<usize>>,
    /// The writes whose sync failed: they can be read, but no later sync makes them durable.
    forgotten: Vec<Range<usize>>,
}

/// A way in which a disk fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DiskFailure {
    /// The next sync fails, once.
    Sync,
    /// There is no room for what is appended, until [`MemoryDisk::fail`] says otherwise.
    Full,
}

impl MemoryDisk {
    /// A disk with a log of these durable bytes.
    pub fn with_bytes(bytes: Vec<u8>) -> MemoryDisk {
        let mut disk = MemoryDisk::default();
        disk.create(LOG_FILE).expect("a disk in memory does not fail");
        disk.durable_names.clone_from(&disk.names);
        disk.newest_log().bytes = bytes;
        disk
    }

    /// Everything in the newest file of the log, durable or not.
    pub fn bytes(&self) -> &[u8] {
        let name = of_log(self.names.keys()).pop();
        name.map_or(&[][..], |(_, name)| &self.files[&self.names[&name]].bytes[..])
    }

    /// The position in the log at which its newest file begins.
    pub fn newest_log_start(&self) -> u64 {
        of_log(self.names.keys()).pop().map_or(0, |(start, _)| start)
    }

    /// The names of all files.
    pub fn file_names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(String::as_str)
    }

    fn newest_log(&mut self) -> &mut MemoryFile {
        if of_log(self.names.keys()).is_empty() {
            self.create(LOG_FILE).expect("a disk in memory does not fail");
        }
        let (_, name) = of_log(self.names.keys()).pop().expect("it was made");
        self.file(&name).expect("it is there")
    }

    fn file(&mut self, name: &str) -> io::Result<&mut MemoryFile> {
        let number = self.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(self.files.get_mut(number).expect("every name is of a file"))
    }

    /// The number of bytes that a power failure could take.
    pub fn unsynced(&self) -> usize {
        self.files.values().map(|file| file.unsynced.iter().map(Range::len).sum::<usize>()).sum()
    }

    /// From now on it fails in that way, or not any more.
    pub fn fail(&mut self, failure: Option<DiskFailure>) {
        self.failure = failure;
    }

    /// True if something that is asked of it will fail.
    pub fn fails(&self) -> bool {
        self.failure.is_some()
    }

    /// The power fails. Of each write that was not synced, every sector survives if `survives` says
    /// so: sectors reach the disk in any order, and what was never written reads as zeros. So it is
    /// with names that were not synced, which survive all or none. Returns how many of the unsynced
    /// bytes survived.
    pub fn crash(&mut self, sector: usize, mut survives: impl FnMut() -> bool) -> usize {
        assert!(sector > 0, "a sector has bytes");
        let kept = self.files.values_mut().map(|file| file.crash(sector, &mut survives)).sum();
        if self.names != self.durable_names {
            if survives() {
                self.durable_names.clone_from(&self.names);
            } else {
                self.names.clone_from(&self.durable_names);
            }
            self.forget_nameless();
        }
        kept
    }

    /// Files without any name are gone.
    fn forget_nameless(&mut self) {
        let (names, durable) = (&self.names, &self.durable_names);
        let is_named = |number: &u64| names.values().chain(durable.values()).any(|it| it == number);
        self.files.retain(|number, _| is_named(number));
    }

    /// The bytes of the newest file of the log change while no one writes them: damage, of which the
    /// note beside the log knows nothing.
    pub fn damage(&mut self, change: impl Fn(&mut Vec<u8>)) {
        let file = self.newest_log();
        file.unsynced.clear();
        file.forgotten.clear();
        change(&mut file.bytes);
    }

    /// The bytes of a file change while no one writes them.
    pub fn damage_file(&mut self, name: &str, change: impl Fn(&mut Vec<u8>)) {
        let file = self.file(name).expect("it is one of the files");
        file.unsynced.clear();
        change(&mut file.bytes);
    }

    /// A sync fails: the kernel forgets that anything was to be written. It can be read as long as
    /// the machine runs, and a later sync has nothing to do.
    pub fn fail_sync(&mut self) {
        for file in self.files.values_mut() {
            file.forgotten.append(&mut file.unsynced);
        }
    }

    /// A bit of the newest file of the log, which had been durable, is found inverted. True if that
    /// changed anything.
    pub fn flip_bit(&mut self, bit: usize) -> bool {
        self.newest_log().bytes[bit / 8] ^= 1 << (bit % 8);
        true
    }

    /// Zeros are found where something durable had been in the newest file of the log. True if that
    /// changed anything.
    pub fn zero(&mut self, range: Range<usize>) -> bool {
        let lost = &mut self.newest_log().bytes[range];
        let changes = lost.iter().any(|byte| *byte != 0);
        lost.fill(0);
        changes
    }

    /// The end of the newest file of the log from that byte on is found missing. True if that changed
    /// anything.
    pub fn cut_to(&mut self, length: usize) -> bool {
        self.newest_log().cut_to(length)
    }

    /// All files are found missing. True if that changed anything.
    pub fn wipe(&mut self) -> bool {
        let changes = self.files.values().any(|file| !file.bytes.is_empty());
        (self.files, self.names, self.durable_names) = Default::default();
        changes
    }
}

impl MemoryFile {
    fn crash(&mut self, sector: usize, survives: &mut impl FnMut() -> bool) -> usize {
        let mut lost = std::mem::take(&mut self.forgotten);
        let mut kept = 0;
        for write in std::mem::take(&mut self.unsynced) {
            let mut at = write.start;
            while at < write.end {
                let next = ((at / sector + 1) * sector).min(write.end);
                if survives() {
                    kept += next - at;
                } else {
                    lost.push(at..next);
                }
                at = next;
            }
        }
        lost.sort_unstable_by_key(|range| range.start);
        // The file ends with the last byte that was written to the disk.
        for range in lost.into_iter().rev() {
            if range.end == self.bytes.len() {
                self.bytes.truncate(range.start);
            } else {
                self.bytes[range].fill(0);
            }
        }
        kept
    }

    fn cut_to(&mut self, length: usize) -> bool {
        let changes = length < self.bytes.len();
        self.bytes.truncate(length);
        for ranges in [&mut self.unsynced, &mut self.forgotten] {
            ranges.retain_mut(|range| {
                range.end = range.end.min(length);
                range.start < range.end
            });
        }
        changes
    }
}

impl Files for MemoryDisk {
    fn names(&mut self) -> io::Result<Vec<String>> {
        Ok(self.names.keys().cloned().collect())
    }

    fn read(&mut self, name: &str) -> io::Result<Vec<u8>> {
        Ok(self.file(name)?.bytes.clone())
    }

    fn create(&mut self, name: &str) -> io::Result<()> {
        self.made += 1;
        self.files.insert(self.made, MemoryFile::default());
        self.names.insert(name.to_string(), self.made);
        Ok(())
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        // A write that finds no room may have found some.
        let full = self.failure == Some(DiskFailure::Full);
        let written = if full { &bytes[..bytes.len() / 2] } else { bytes };
        let file = self.file(name)?;
        let start = file.bytes.len();
        file.bytes.extend_from_slice(written);
        if !written.is_empty() {
            file.unsynced.push(start..start + written.len());
        }
        if full { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        self.fail_if_told()?;
        self.file(name)?.unsynced.clear();
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let number = self.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        self.names.insert(to.to_string(), number);
        Ok(())
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.names.remove(name).map(drop).ok_or(io::ErrorKind::NotFound.into())
    }

    fn sync_names(&mut self) -> io::Result<()> {
        self.fail_if_told()?;
        self.durable_names.clone_from(&self.names);
        self.forget_nameless();
        Ok(())
    }
}

impl MemoryDisk {
    fn fail_if_told(&mut self) -> io::Result<()> {
        if self.failure == Some(DiskFailure::Sync) {
            self.failure = None;
            self.fail_sync();
            return Err(io::Error::from_raw_os_error(EIO));
        }
        Ok(())
    }
}

impl Disk for MemoryDisk {
    fn rewrite(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let file = self.file(name)?;
        let offset = offset as usize;
        let end = offset + bytes.len();
        assert_eq!(&file.bytes[offset..end], bytes, "nothing changes");
        // Bytes that are durable stay so; those of a failed sync are to be written again.
        let forgotten = std::mem::take(&mut file.forgotten);
        for range in forgotten {
            let again = range.start.max(offset)..range.end.min(end);
            let parts =
                [range.start..again.start.min(range.end), again.end.max(range.start)..range.end];
            if again.start >= again.end {
                file.forgotten.push(range);
                continue;
            }
            file.forgotten.extend(parts.into_iter().filter(|part| part.start < part.end));
            file.unsynced.push(again);
        }
        Ok(())
    }

    fn truncate(&mut self, name: &str, length: u64) -> io::Result<()> {
        self.sync(name)?;
        self.file(name)?.cut_to(length as usize);
        Ok(())
    }

    fn watermark(&mut self) -> io::Result<u64> {
        Ok(self.watermark)
    }

    fn set_watermark(&mut self, durable: u64) -> io::Result<()> {
        self.watermark = durable;
        Ok(())
    }
}

/// The error number of a failed input or output.
const EIO: i32 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    fn disk() -> MemoryDisk {
        let mut disk = MemoryDisk::with_bytes(b"durable".to_vec());
        disk.append(LOG_FILE, b"first").unwrap();
        disk.append(LOG_FILE, b"second").unwrap();
        disk
    }

    #[test]
    fn a_crash_leaves_zeros_where_a_later_sector_survived() {
        let mut disk = disk();
        let mut survivors = [false, true, false].into_iter();
        // Sectors of 8 bytes: d u r a b l e f | i r s t s e c o | n d
        assert_eq!(disk.crash(8, || survivors.next() == Some(true)), 4);
        assert_eq!(disk.bytes(), b"durable\0irst");
        assert_eq!(disk.unsynced(), 0);
    }

    #[test]
    fn what_a_failed_sync_left_is_lost_unless_it_is_written_again() {
        for again in [false, true] {
            let mut disk = disk();
            disk.fail(Some(DiskFailure::Sync));
            assert!(disk.sync(LOG_FILE).is_err());
            if again {
                disk.rewrite(LOG_FILE, 9, b"rstsecond").unwrap();
            }
            disk.sync(LOG_FILE).unwrap();
            disk.crash(512, || unreachable!("nothing is unsynced"));
            let left: &[u8] = if again { b"durable\0\0rstsecond" } else { b"durable" };
            assert_eq!(disk.bytes(), left);
        }
    }

    #[test]
    fn damage_says_if_it_changed_anything() {
        let mut disk = MemoryDisk::with_bytes(b"a\0\0b".to_vec());
        assert!(!disk.zero(1..3));
        assert!(disk.zero(0..2));
        assert_eq!(disk.bytes(), b"\0\0\0b");
        assert!(!disk.cut_to(4));
        assert!(disk.cut_to(0));
        assert_eq!(disk.bytes(), b"");
    }

    #[test]
    fn a_full_disk_takes_a_part_and_says_so() {
        let mut disk = MemoryDisk::with_bytes(Vec::new());
        disk.fail(Some(DiskFailure::Full));
        assert_eq!(
            disk.append(LOG_FILE, b"record").unwrap_err().kind(),
            io::ErrorKind::StorageFull
        );
        assert_eq!(disk.bytes(), b"rec");
        disk.fail(None);
        disk.append(LOG_FILE, b"ord").unwrap();
    }

    #[test]
    fn names_that_were_not_synced_are_lost_with_what_was_synced_to_the_files() {
        for survive in [false, true] {
            let mut disk = MemoryDisk::with_bytes(b"old".to_vec());
            disk.create("new").unwrap();
            disk.append("new", b"synced").unwrap();
            disk.sync("new").unwrap();
            disk.rename("new", LOG_FILE).unwrap();
            assert_eq!(disk.bytes(), b"synced");
            disk.crash(512, || survive);
            let left: &[u8] = if survive { b"synced" } else { b"old" };
            assert_eq!(disk.bytes(), left);
            assert_eq!(disk.names().unwrap(), [LOG_FILE]);
        }
        let mut disk = MemoryDisk::with_bytes(b"old".to_vec());
        disk.remove(LOG_FILE).unwrap();
        disk.crash(512, || false);
        assert_eq!(disk.bytes(), b"old", "what was removed is there again");
    }
}

//! A disk that loses what was not synced, as real ones do, and that fails when it is asked to.

use std::io;
use std::ops::Range;

use super::Disk;

/// One file in memory, with a cache before it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemoryDisk {
    /// The bytes that are read.
    bytes: Vec<u8>,
    /// The writes that were not synced, in order.
    unsynced: Vec<Range<usize>>,
    /// The writes whose sync failed: they can be read, but no later sync makes them durable.
    forgotten: Vec<Range<usize>>,
    /// Kept in any case: the hardest case for a log that trusts it.
    watermark: u64,
    /// The way in which it fails the next time it could.
    failure: Option<DiskFailure>,
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
    /// A file with these durable bytes.
    pub fn with_bytes(bytes: Vec<u8>) -> MemoryDisk {
        MemoryDisk { bytes, ..MemoryDisk::default() }
    }

    /// Everything in the file, durable or not.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The number of bytes that a power failure could take.
    pub fn unsynced(&self) -> usize {
        self.unsynced.iter().map(Range::len).sum()
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
    /// so: sectors reach the disk in any order, and what was never written reads as zeros. Returns
    /// how many of the unsynced bytes survived.
    pub fn crash(&mut self, sector: usize, mut survives: impl FnMut() -> bool) -> usize {
        assert!(sector > 0, "a sector has bytes");
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

    /// The bytes of the file change while no one writes them: damage, of which the note beside the
    /// log knows nothing.
    pub fn damage(&mut self, change: impl Fn(&mut Vec<u8>)) {
        self.unsynced.clear();
        self.forgotten.clear();
        change(&mut self.bytes);
    }

    /// A sync fails: the kernel forgets that anything was to be written. It can be read as long as
    /// the machine runs, and a later sync has nothing to do.
    pub fn fail_sync(&mut self) {
        self.forgotten.append(&mut self.unsynced);
    }

    /// A bit of what had been durable is found inverted. True if that changed anything.
    pub fn flip_bit(&mut self, bit: usize) -> bool {
        self.bytes[bit / 8] ^= 1 << (bit % 8);
        true
    }

    /// Zeros are found where something durable had been. True if that changed anything.
    pub fn zero(&mut self, range: Range<usize>) -> bool {
        let lost = &mut self.bytes[range];
        let changes = lost.iter().any(|byte| *byte != 0);
        lost.fill(0);
        changes
    }

    /// The end of the file from that byte on is found missing. True if that changed anything.
    pub fn cut_to(&mut self, length: usize) -> bool {
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

impl Disk for MemoryDisk {
    fn read(&mut self) -> io::Result<Vec<u8>> {
        Ok(self.bytes.clone())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let start = self.bytes.len();
        // A write that finds no room may have found some.
        let full = self.failure == Some(DiskFailure::Full);
        let written = if full { &bytes[..bytes.len() / 2] } else { bytes };
        self.bytes.extend_from_slice(written);
        if !written.is_empty() {
            self.unsynced.push(start..start + written.len());
        }
        if full { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn rewrite(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let offset = offset as usize;
        let end = offset + bytes.len();
        assert_eq!(&self.bytes[offset..end], bytes, "nothing changes");
        // Bytes that are durable stay so; those of a failed sync are to be written again.
        let forgotten = std::mem::take(&mut self.forgotten);
        for range in forgotten {
            let again = range.start.max(offset)..range.end.min(end);
            let parts =
                [range.start..again.start.min(range.end), again.end.max(range.start)..range.end];
            if again.start >= again.end {
                self.forgotten.push(range);
                continue;
            }
            self.forgotten.extend(parts.into_iter().filter(|part| part.start < part.end));
            self.unsynced.push(again);
        }
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        if self.failure == Some(DiskFailure::Sync) {
            self.failure = None;
            self.fail_sync();
            return Err(io::Error::from_raw_os_error(EIO));
        }
        self.unsynced.clear();
        Ok(())
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.sync()?;
        self.cut_to(length as usize);
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
        disk.append(b"first").unwrap();
        disk.append(b"second").unwrap();
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
            assert!(disk.sync().is_err());
            if again {
                disk.rewrite(9, b"rstsecond").unwrap();
            }
            disk.sync().unwrap();
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
        let mut disk = MemoryDisk::default();
        disk.fail(Some(DiskFailure::Full));
        assert_eq!(disk.append(b"record").unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(disk.bytes(), b"rec");
        disk.fail(None);
        disk.append(b"ord").unwrap();
    }
}

//! A disk that loses what was not synced, as real ones do.

use std::io;

use super::Disk;

/// One file in memory, with a cache before it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemoryDisk {
    /// The bytes that are read.
    cache: Vec<u8>,
    /// The bytes that a power failure leaves.
    durable: Vec<u8>,
    /// The writes that were not synced, in order: position and bytes.
    writes: Vec<(usize, Vec<u8>)>,
    /// Kept in any case: the hardest case for a log that trusts it.
    watermark: u64,
}

impl MemoryDisk {
    /// A file with these durable bytes.
    pub fn with_bytes(bytes: Vec<u8>) -> MemoryDisk {
        MemoryDisk { durable: bytes.clone(), cache: bytes, ..MemoryDisk::default() }
    }

    /// Everything in the file, durable or not.
    pub fn bytes(&self) -> &[u8] {
        &self.cache
    }

    /// The number of bytes that a power failure could take.
    pub fn unsynced(&self) -> usize {
        self.writes.iter().map(|(_, bytes)| bytes.len()).sum()
    }

    /// The power fails. Of each write that was not synced, every sector survives if `survives` says
    /// so: sectors reach the disk in any order, and what was never written reads as zeros. Returns
    /// how many of the unsynced bytes survived.
    pub fn crash(&mut self, sector: usize, survives: impl FnMut() -> bool) -> usize {
        assert!(sector > 0, "a sector has bytes");
        let kept = self.write_back(sector, survives);
        self.cache.clone_from(&self.durable);
        kept
    }

    /// Writes to the disk what survives of each write, sector by sector; returns how many bytes
    /// did.
    fn write_back(&mut self, sector: usize, mut survives: impl FnMut() -> bool) -> usize {
        let mut kept = 0;
        for (offset, bytes) in std::mem::take(&mut self.writes) {
            let (mut at, end) = (offset, offset + bytes.len());
            while at < end {
                let next = ((at / sector + 1) * sector).min(end);
                if survives() {
                    put(&mut self.durable, at, &bytes[at - offset..next - offset]);
                    kept += next - at;
                }
                at = next;
            }
        }
        kept
    }

    /// The bytes of the file change while no one writes them: damage, of which the note beside the
    /// log knows nothing.
    pub fn damage(&mut self, change: impl Fn(&mut Vec<u8>)) {
        self.write_back(usize::MAX, || true);
        change(&mut self.durable);
        self.cache.clone_from(&self.durable);
    }

    /// A sync fails: the kernel forgets that anything was to be written. It can be read as long as
    /// the machine runs, and a later sync has nothing to do.
    pub fn fail_sync(&mut self) {
        self.writes.clear();
    }
}

impl Disk for MemoryDisk {
    fn read(&mut self) -> io::Result<Vec<u8>> {
        Ok(self.cache.clone())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.writes.push((self.cache.len(), bytes.to_vec()));
        self.cache.extend_from_slice(bytes);
        Ok(())
    }

    fn rewrite(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let offset = offset as usize;
        assert_eq!(&self.cache[offset..offset + bytes.len()], bytes, "nothing changes");
        self.writes.push((offset, bytes.to_vec()));
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.write_back(usize::MAX, || true);
        Ok(())
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.sync()?;
        self.cache.truncate(length as usize);
        self.durable.truncate(length as usize);
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

/// Puts `bytes` at `offset`; what is missing before them reads as zeros.
fn put(file: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    file.resize(file.len().max(end), 0);
    file[offset..end].copy_from_slice(bytes);
}

//! A disk that can lose what was not synced.

use std::io;
use std::ops::Range;

use super::Disk;

/// One file in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemoryDisk {
    bytes: Vec<u8>,
    synced: usize,
}

impl MemoryDisk {
    /// A file with these durable bytes.
    pub fn with_bytes(bytes: Vec<u8>) -> MemoryDisk {
        MemoryDisk { synced: bytes.len(), bytes }
    }

    /// Everything in the file, durable or not.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many bytes a crash could take.
    pub fn unsynced(&self) -> usize {
        self.bytes.len() - self.synced
    }

    /// The power fails. Of the bytes that were not synced, `kept` are there afterwards, those in
    /// `hole` as zeros: the pages of a file reach the disk in any order.
    pub fn crash(&mut self, kept: usize, hole: Range<usize>) {
        assert!(kept <= self.unsynced() && hole.end <= kept, "only unsynced bytes are lost");
        self.bytes.truncate(self.synced + kept);
        self.bytes[self.synced..][hole].fill(0);
        self.synced = self.bytes.len();
    }
}

impl Disk for MemoryDisk {
    fn read(&mut self) -> io::Result<Vec<u8>> {
        Ok(self.bytes.clone())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.synced = self.bytes.len();
        Ok(())
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.bytes.truncate(length as usize);
        self.synced = self.bytes.len();
        Ok(())
    }
}

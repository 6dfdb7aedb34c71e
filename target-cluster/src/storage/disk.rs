//! The interface of the disk below a log.

use std::io;

/// One file that grows at its end, and beside it a note of how much of it was once durable.
///
/// After an error of any kind nothing is known about what is durable, and a later success would
/// not say otherwise: the kernel reports a lost page once and then forgets it (PostgreSQL's
/// "fsyncgate", 2018). A caller must not try again but stop.
pub trait Disk {
    /// Everything in the file, durable or not.
    fn read(&mut self) -> io::Result<Vec<u8>>;
    /// Writes behind the last byte. Not durable yet.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Writes the bytes that stand at `offset` once more, so that the next [`Disk::sync`] makes
    /// them durable even if the kernel believes that they are. Changes nothing that is read.
    fn rewrite(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Makes everything written so far durable.
    fn sync(&mut self) -> io::Result<()>;
    /// Cuts the file to `length` bytes, durably.
    fn truncate(&mut self, length: u64) -> io::Result<()>;
    /// The number of bytes of the file that were once durable, as far as it was noted.
    fn watermark(&mut self) -> io::Result<u64>;
    /// Notes that so many bytes of the file are durable. The note itself is not synced: when it is
    /// lost, an older one stands, which is true as well.
    fn set_watermark(&mut self, durable: u64) -> io::Result<()>;
}

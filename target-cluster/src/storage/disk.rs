//! The interface of the disk below a node's log and snapshots.

use std::io;

/// The files of one directory, which grow at their ends.
///
/// Bytes are durable once their file is synced, and the names of files once the directory is: a file
/// whose name is lost in a power failure is lost with all that was synced to it (etcd#6368).
///
/// After an error of any kind nothing is known about what is durable, and a later success would
/// not say otherwise: the kernel reports a lost page once and then forgets it (PostgreSQL's
/// "fsyncgate", 2018). A caller must not try again but stop.
pub trait Files {
    /// The names of all files, in order.
    fn names(&mut self) -> io::Result<Vec<String>>;
    /// Everything in a file, durable or not.
    fn read(&mut self, name: &str) -> io::Result<Vec<u8>>;
    /// Makes an empty file, in place of one of that name. Its name is not durable yet.
    fn create(&mut self, name: &str) -> io::Result<()>;
    /// Writes behind the last byte of a file. Not durable yet.
    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()>;
    /// Makes everything written to a file so far durable.
    fn sync(&mut self, name: &str) -> io::Result<()>;
    /// Gives a file another name, in place of one that has it. Not durable yet.
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file. Not durable yet.
    fn remove(&mut self, name: &str) -> io::Result<()>;
    /// Makes durable which names there are.
    fn sync_names(&mut self) -> io::Result<()>;
}

/// The files of one node, and beside them a note of how much of its log was once durable.
pub trait Disk: Files {
    /// Writes the bytes that stand at `offset` of a file once more, so that the next [`Files::sync`]
    /// makes them durable even if the kernel believes that they are. Changes nothing that is read.
    fn rewrite(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Cuts a file to `length` bytes, durably.
    fn truncate(&mut self, name: &str, length: u64) -> io::Result<()>;
    /// The number of bytes of the log that were once durable, as far as it was noted; counted from the
    /// beginning of the first file that the log ever had.
    fn watermark(&mut self) -> io::Result<u64>;
    /// Notes that so many bytes of the log are durable. The note itself is not synced: when it is
    /// lost, an older one stands, which is true as well.
    fn set_watermark(&mut self, durable: u64) -> io::Result<()>;
}

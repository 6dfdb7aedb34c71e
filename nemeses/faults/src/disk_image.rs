//! A file system in memory that knows what a power failure would leave of it.
//!
//! Pure: no IO, no clock, no randomness of its own; [`stormproof-engines`] puts it behind a mount.
//!
//! Every file has a volatile content, which processes read, and a durable one, with a log of the
//! writes between the two; every directory likewise, with one journal for all names, sizes and
//! attributes. The rules are those of ext4 and XFS as they are mounted by default:
//!
//! - An fsync or fdatasync of a file makes its content durable and commits the journal: names,
//!   sizes and attributes that were changed earlier, anywhere. An fsync of a directory commits the
//!   journal.
//! - A [`crash`](Image::crash) keeps some sectors of unsynced writes, in the order in which they
//!   were written, which tears and reorders them, and a prefix of the journal.
//! - Nothing else makes anything durable, except that the journal and the file being written are
//!   written back when they grow beyond a bound, as a kernel short of memory would.
//!
//! Where it differs from real file systems, all on the side of what they may do:
//!
//! - It loses the content of a file that was renamed over another one without an fsync, as XFS may.
//!   ext4 writes such a file first (`auto_da_alloc`), which POSIX does not promise.
//! - It can leave a file that grew with zeros where a write was lost. ext4 and XFS do that too, but
//!   only between two of their own steps; a plain disk may always.
//! - Nothing becomes durable by the passing of time; ext4 commits every five seconds.
//! - A range that was cleared becomes durable with its file alone, times at once.
//! - A failed fsync leaves the writes unsynced, and a later one makes them durable. Linux may
//!   forget them, see `Disk::sync` of the bundled target.

mod content;
mod durability;
mod file;
mod image;
mod journal;
mod names;
mod pages;

#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::time::SystemTime;

pub use content::Range;
pub use durability::{Damaged, Unsynced};
pub use image::Image;
pub use journal::Attributes;
pub use names::{LONGEST_NAME, Listed, Renaming};

/// What identifies a file, a directory or anything else that can have names.
pub type InodeNumber = u64;

/// The directory that everything is in.
pub const ROOT: InodeNumber = 1;

/// What an inode is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A socket, a named pipe or a device: a name for something in the kernel.
    Special {
        /// The bits of `S_IFMT`.
        kind: u32,
        /// Which device.
        device: u32,
    },
}

/// What to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum New {
    /// An empty regular file.
    File,
    /// An empty directory.
    Directory,
    /// A symbolic link to this path.
    Symlink(OsString),
    /// A socket, a named pipe or a device.
    Special {
        /// The bits of `S_IFMT`.
        kind: u32,
        /// Which device.
        device: u32,
    },
}

/// What `stat` tells of an inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// Which inode.
    pub inode: InodeNumber,
    /// What it is.
    pub kind: Kind,
    /// Who may do what with it.
    pub attributes: Attributes,
    /// Bytes; of a symbolic link those of its path.
    pub size: u64,
    /// Bytes of allocated pages.
    pub allocated: u64,
    /// How many names it has.
    pub links: u32,
    /// When they changed.
    pub times: Times,
}

/// When an inode changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// As it was set; reading does not change it.
    pub accessed: SystemTime,
    /// Its content.
    pub modified: SystemTime,
    /// Anything of it.
    pub changed: SystemTime,
}

/// Why an operation was refused. Each has the `errno` of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// `ENOENT`
    NotFound,
    /// `EEXIST`
    Exists,
    /// `ENOTDIR`
    NotADirectory,
    /// `EISDIR`
    IsADirectory,
    /// `ENOTEMPTY`
    NotEmpty,
    /// `EINVAL`
    Invalid,
    /// `ENOSPC`
    NoSpace,
    /// `EFBIG`
    TooLarge,
    /// `ENAMETOOLONG`
    NameTooLong,
}

/// How much fits, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// In all.
    pub capacity: u64,
    /// Taken by files.
    pub used: u64,
}

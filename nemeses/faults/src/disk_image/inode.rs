//! Inodes as callers see them, and what is said of them.

use std::ffi::OsString;
use std::time::SystemTime;

use super::Attributes;

/// The number that identifies a file, a directory or anything else that can have names.
pub type InodeNumber = u64;

/// The directory that everything is in.
pub const ROOT: InodeNumber = 1;

/// The kind of an inode.
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

/// The thing to make.
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

/// The answer to `stat` of an inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// Which inode.
    pub inode: InodeNumber,
    /// Its kind.
    pub kind: Kind,
    /// Its permissions.
    pub attributes: Attributes,
    /// Bytes; of a symbolic link those of its path.
    pub size: u64,
    /// Bytes of allocated pages.
    pub allocated: u64,
    /// The number of its names.
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

/// The reason for which an operation was refused. Each has the `errno` of its name.
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
    /// `EIO`: something that was written before could not be made durable.
    WritesLost,
}

/// The space in all, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// In all.
    pub capacity: u64,
    /// Taken by files.
    pub used: u64,
}

//! Inodes as callers see them, and what is said of them.

use std::ffi::OsString;
use std::time::SystemTime;

use super::Attributes;

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

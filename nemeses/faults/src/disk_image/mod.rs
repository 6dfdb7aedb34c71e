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
//! - After an fsync that failed, what it was to write is read as if nothing had happened, is written
//!   by no later fsync, though that succeeds, and is gone with the power, unless its page was
//!   changed meanwhile ("fsyncgate"; Rebello et al., "Can applications recover from fsync
//!   failures?", ATC 2020). ext4 leaves zeros there, XFS a file that did not grow.
//! - Nothing else makes anything durable, except that the journal and the file being written are
//!   written back when they grow beyond a bound, as a kernel short of memory would.
//!
//! Differences from real file systems, all on the side of what they may do:
//!
//! - It loses the content of a file that was renamed over another one without an fsync, as XFS may.
//!   ext4 writes such a file first (`auto_da_alloc`), which POSIX does not promise.
//! - It can leave a file that grew with zeros where a write was lost. ext4 and XFS do that too, but
//!   only between two of their own steps; a plain disk may always.
//! - Nothing becomes durable by the passing of time; ext4 commits every five seconds.
//! - A range that was cleared becomes durable with its file alone, times at once.
//! - A page that could not be written and is changed again is written by the next fsync. XFS does so;
//!   ext4 loses it still if its place was new to the file: its extent stays marked as unwritten.
//! - A page that a failed fsync left in the cache stays there while the process lives that wrote it,
//!   and no longer: the kernel may drop a clean page at any time. It may keep it too, and show it to the
//!   next process, which does not know that it has to write it again; hardly a service is proof
//!   against that.
//! - A directory's fsync that failed may be tried again; ext4 and XFS then give up their journal and
//!   refuse everything.

mod content;
mod durability;
mod file;
mod image;
mod inode;
mod journal;
mod names;
mod pages;

#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod tests;

pub use content::Range;
pub use durability::{Damaged, Unsynced};
pub use image::Image;
pub use inode::{InodeNumber, Kind, New, ROOT, Refusal, Space, Status, Times};
pub use journal::Attributes;
pub use names::{LONGEST_NAME, Listed, Renaming};

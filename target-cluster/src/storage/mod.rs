//! The disk of a node: a write-ahead log of [`crate::core::Record`]s, and snapshots beside it.
//!
//! The bytes are those of `frame` and `snapshot_files`; where they go is behind [`Disk`], so that the
//! simulated world can lose what was not synced, and names too. Beside the log stands whom it belongs to
//! ([`Identity`]). What a node starts with is put together in `recovery`.

mod barrier;
mod disk;
mod file_disk;
mod frame;
mod identity;
mod log_files;
mod memory_disk;
mod planted;
mod reclaimer;
mod recovery;
mod snapshot_files;
mod wal;
#[cfg(test)]
mod wal_tests;
mod watermark;

pub use disk::{Disk, Files};
pub use file_disk::{Directory, FileDisk};
pub use identity::{IDENTITY_FILE, Identity, IdentityError};
pub use log_files::LOG_FILE;
pub use memory_disk::{DiskFailure, MemoryDisk};
pub use recovery::{Started, recover};
pub use wal::{Contradiction, OpenError, Opened, WriteAheadLog, replay};

pub(crate) use barrier::needs_barrier;
pub(crate) use snapshot_files::{SnapshotWriter, save_at_once};

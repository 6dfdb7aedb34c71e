//! The disk of a node: one write-ahead log of [`crate::core::Record`]s.
//!
//! The bytes are those of `frame`; where they go is behind [`Disk`], so that the simulated world
//! can lose what was not synced. Beside the log stands whom it belongs to ([`Identity`]).

mod barrier;
mod disk;
mod file_disk;
mod frame;
mod identity;
mod memory_disk;
mod planted;
mod wal;
mod watermark;

pub use disk::Disk;
pub use file_disk::FileDisk;
pub use identity::{IDENTITY_FILE, Identity, IdentityError};
pub use memory_disk::{DiskFailure, MemoryDisk};
pub use wal::{Contradiction, OpenError, Opened, WriteAheadLog, replay};

pub(crate) use barrier::needs_barrier;

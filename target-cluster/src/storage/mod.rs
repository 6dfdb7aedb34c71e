//! The disk of a node: one write-ahead log of [`crate::core::Record`]s.
//!
//! The bytes are those of `frame`; where they go is behind [`Disk`], so that the simulated world
//! can lose what was not synced.

mod barrier;
mod disk;
mod file_disk;
mod frame;
mod memory_disk;
mod wal;
mod watermark;

pub use disk::Disk;
pub use file_disk::FileDisk;
pub use memory_disk::MemoryDisk;
pub use wal::{OpenError, Opened, WriteAheadLog};

pub(crate) use barrier::needs_barrier;

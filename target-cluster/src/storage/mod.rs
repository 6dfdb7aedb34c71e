//! What a node keeps on its disk: one write-ahead log of [`crate::core::Record`]s.
//!
//! The bytes are those of `frame`; where they go is behind [`Disk`], so that the simulated world
//! can lose what was not synced.

mod disk;
mod frame;
mod memory_disk;
mod wal;

pub use disk::{Disk, FileDisk};
pub use frame::{HEADER_BYTES, MAGIC};
pub use memory_disk::MemoryDisk;
pub use wal::{OpenError, Opened, WriteAheadLog};

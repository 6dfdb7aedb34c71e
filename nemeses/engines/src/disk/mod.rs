//! A disk for each node that can be slow, full, broken, or lose its power.
//!
//! Each node's data directory is a FUSE file system that this process serves from memory, from a
//! [`faults::disk_image`]. Programs run on it unmodified.
//!
//! The process that serves a mount must never wait for it. So nothing here looks at a mount by its
//! path; the files of a node are taken from the image with [`Disk::export`]. And a
//! process that waits for an answer of its disk cannot be killed until it has it: before waiting
//! for a process's end, lift the condition that holds it, or switch the power off.
//!
//! A power failure, each step at all nodes before the next: links down (a node without power says
//! nothing) → [`Disk::power_off`] → SIGKILL → wait for the processes → [`Disk::crash`] →
//! [`Disk::power_on`] → start. Killing first would let a delayed fsync complete, and hide what it
//! was to lose.
//!
//! Calls can be seen, and held at their moment, by [`watches`]: each fsync, write and rename that the
//! kernel sends. It sends none while it holds back another of the same file or directory, and a
//! `sync(2)` is none of them.
//!
//! Not reached: what the kernel has in its cache is read without asking, so a read condition meets
//! only what is read for the first time since it was set. The kernel does not pass `sync(2)` and
//! `syncfs(2)` on to FUSE: they become [`barrier`]s where a node's calls can be seen, without what
//! a node changed in shared memory of a file and did not `msync`. There are no extended attributes
//! and no `O_TMPFILE`.

mod barrier;
mod counters;
mod filesystem;
mod interceptor;
mod loop_device;
mod mount;
mod node_disk;
mod serve;
mod shared;
mod translate;
mod trial;
mod watches;

pub(crate) use barrier::SyncBarrier;
pub use loop_device::{LoopDisk, RealFileSystem};
pub use mount::TYPE;
pub use node_disk::Disk;
pub use trial::try_out;

//! Disks for real: mounted, with real processes on them. Where FUSE cannot be mounted, each test
//! says so and does nothing.

mod crash;
mod etcd;
mod failed_sync;
mod faults;
mod held;
mod killed;
mod posix;
mod support;
mod synced;

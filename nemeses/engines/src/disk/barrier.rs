//! `sync(2)` and `syncfs(2)`, made barriers of a node's disk: the kernel does not pass them on to
//! FUSE, so that a service which relies on them would be blamed for what it did make durable.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use nix::errno::Errno;

use super::counters::OpKind;
use super::shared::Shared;
use crate::mounts::mounts;
use crate::supervision::Question;

/// Makes all of a disk durable, as long as it is mounted as it is now.
#[derive(Clone)]
pub(crate) struct SyncBarrier {
    shared: Arc<Shared>,
    mount: u64,
    /// The number of the mount (`proc_pid_mountinfo(5)`).
    id: u64,
}

impl SyncBarrier {
    /// That of a disk which is mounted at `path` now.
    pub(super) fn new(shared: &Arc<Shared>, path: &Path) -> io::Result<Self> {
        let mounts = mounts()?;
        // What was mounted last at a place is what is seen there.
        let ours = mounts.iter().rev().find(|mount| mount.point == path);
        let ours = ours.ok_or_else(|| io::Error::other("the disk is not among the mounts"))?;
        Ok(Self { shared: Arc::clone(shared), mount: shared.powered().mount, id: ours.id })
    }

    /// Returns whether a thread's call is about the disk: `sync(2)` is about every one,
    /// `syncfs(2)` about that of its descriptor.
    pub(crate) fn is_meant(&self, question: &Question) -> bool {
        match question.call {
            libc::SYS_sync => true,
            // The descriptor is an `int`. Looking at the file itself would ask the disk.
            libc::SYS_syncfs => {
                let (thread, descriptor) = (question.thread, question.arguments[0] as i32);
                let info = fs::read_to_string(format!("/proc/{thread}/fdinfo/{descriptor}"));
                let info = info.unwrap_or_default();
                let mut ids = info.lines().filter_map(|line| line.strip_prefix("mnt_id:"));
                ids.next().and_then(|id| id.trim().parse().ok()) == Some(self.id)
            }
            _ => false,
        }
    }

    /// Makes everything durable that was written until now, as the condition of the disk allows,
    /// and then has `done` run with the result.
    pub(crate) fn make(&self, done: impl FnOnce(Result<(), Errno>) + Send + 'static) {
        let received = Instant::now();
        let (shared, mount) = (Arc::clone(&self.shared), self.mount);
        self.shared.interceptor.pass(OpKind::Fsync, 0, move |error| {
            let result = match error {
                Some(error) => {
                    if error.code() == libc::EIO {
                        let _ = shared.act(mount, |image| {
                            image.fail_sync_all();
                            Ok(())
                        });
                    }
                    Err((error, true))
                }
                None => shared.act(mount, |image| {
                    image.sync_all();
                    Ok(())
                }),
            };
            shared.interceptor.record(OpKind::Fsync, received, result.is_err());
            done(result.map_err(|(error, _)| Errno::from_raw(error.code())));
        });
    }
}

impl fmt::Debug for SyncBarrier {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SyncBarrier").field("mount", &self.id).finish_non_exhaustive()
    }
}

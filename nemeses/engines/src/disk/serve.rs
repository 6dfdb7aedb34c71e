//! The way of a request: past the interceptor, to the image, back to the kernel.

use std::ffi::OsStr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use fuser::{
    Errno, Generation, INodeNo, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory, ReplyEmpty,
    ReplyEntry, ReplyStatfs, ReplyWrite, Request,
};

use super::counters::OpKind;
use super::shared::Shared;
use super::translate::attributes;
use faults::disk_image::{Attributes, Image, New, Refusal, Status};

/// The time for which the kernel may cache answers. Only the kernel changes anything, and
/// damage is followed by a notification.
pub(super) const BELIEVED: Duration = Duration::from_secs(3600);

/// Numbers of inodes are never used twice.
pub(super) const GENERATION: Generation = Generation(0);

/// One mount of an image. After the next mount, requests through this one fail.
pub(super) struct NodeFilesystem {
    pub(super) shared: Arc<Shared>,
    pub(super) mount: u64,
}

/// An error, which every kind of reply can carry.
pub(super) trait Refuse: Send + 'static {
    fn refuse(self, error: Errno);
}

macro_rules! refuse {
    ($($reply:ty),*) => {
        $(impl Refuse for $reply {
            fn refuse(self, error: Errno) {
                self.error(error);
            }
        })*
    };
}

refuse!(
    ReplyAttr,
    ReplyCreate,
    ReplyData,
    ReplyDirectory,
    ReplyEmpty,
    ReplyEntry,
    ReplyStatfs,
    ReplyWrite
);

impl NodeFilesystem {
    /// Answers a request as the condition of the disk allows: `act` on the image, then `answer`.
    pub(super) fn serve<R: Refuse, T>(
        &self,
        kind: OpKind,
        bytes: u64,
        reply: R,
        act: impl FnOnce(&mut Image) -> Result<T, Refusal> + Send + 'static,
        answer: impl FnOnce(R, T) + Send + 'static,
    ) {
        self.serve_failing(kind, bytes, reply, |_| {}, act, answer);
    }

    /// The same, and `fail` is what happens to the image when the condition lets the request fail.
    fn serve_failing<R: Refuse, T>(
        &self,
        kind: OpKind,
        bytes: u64,
        reply: R,
        fail: impl FnOnce(&mut Image) + Send + 'static,
        act: impl FnOnce(&mut Image) -> Result<T, Refusal> + Send + 'static,
        answer: impl FnOnce(R, T) + Send + 'static,
    ) {
        let received = Instant::now();
        let (shared, mount) = (Arc::clone(&self.shared), self.mount);
        self.shared.interceptor.pass(kind, bytes, move |error| {
            let result = match error {
                Some(error) => {
                    // A disk whose power is off is not acted on, and what was read-only is not
                    // written to.
                    if error.code() == libc::EIO {
                        let _ = shared.act(mount, |image| {
                            fail(image);
                            Ok(())
                        });
                    }
                    Err((error, true))
                }
                None => shared.act(mount, act),
            };
            let is_fault = matches!(result, Err((_, true)));
            shared.interceptor.record(kind, received, is_fault);
            match result {
                Ok(value) => answer(reply, value),
                Err((error, _)) => reply.refuse(error),
            }
        });
    }

    /// Answers at once a request that no condition concerns.
    pub(super) fn serve_now<R: Refuse, T>(
        &self,
        reply: R,
        act: impl FnOnce(&mut Image) -> Result<T, Refusal>,
        answer: impl FnOnce(R, T),
    ) {
        match self.shared.act(self.mount, act) {
            Ok(value) => answer(reply, value),
            Err((error, _)) => reply.refuse(error),
        }
    }

    pub(super) fn sync(&self, inode: INodeNo, reply: ReplyEmpty) {
        // The kernel asks for one of a file at a time, so that none waits for what another loses.
        let inode = inode.0;
        let sync = move |image: &mut Image| image.sync(inode);
        let fail = move |image: &mut Image| image.fail_sync(inode);
        self.serve_failing(OpKind::Fsync, 0, reply, fail, sync, |reply, ()| reply.ok());
    }

    /// Makes something new that is answered with its entry.
    pub(super) fn make(
        &self,
        request: &Request,
        (parent, name): (INodeNo, &OsStr),
        new: New,
        mode: u32,
        reply: ReplyEntry,
    ) {
        let make = creation(request, parent, name, new, mode);
        self.serve(OpKind::Metadata, 0, reply, make, answer_entry);
    }
}

/// Answers with an entry of a directory.
pub(super) fn answer_entry(reply: ReplyEntry, status: Status) {
    reply.entry(&BELIEVED, &attributes(&status), GENERATION);
}

/// Answers with the attributes of a file.
pub(super) fn answer_attributes(reply: ReplyAttr, status: Status) {
    reply.attr(&BELIEVED, &attributes(&status));
}

/// Creates something with the owner of the request.
pub(super) fn creation(
    request: &Request,
    parent: INodeNo,
    name: &OsStr,
    new: New,
    mode: u32,
) -> impl FnOnce(&mut Image) -> Result<Status, Refusal> + Send + 'static {
    let owner = Attributes { mode: mode & 0o7777, uid: request.uid(), gid: request.gid() };
    let name = name.to_owned();
    move |image| {
        let status = image.create(parent.0, &name, new, owner, SystemTime::now())?;
        image.remember(status.inode);
        Ok(status)
    }
}

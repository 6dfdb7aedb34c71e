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
use super::watches::Call;
use faults::disk_image::{Attributes, Image, New, Refusal, Status};
use faults::trigger::{DiskCall, Edge};

/// The time for which the kernel may cache answers. Only the kernel changes anything, and
/// damage is followed by a notification.
pub(super) const BELIEVED: Duration = Duration::from_secs(3600);

/// Numbers of inodes are never used twice.
pub(super) const GENERATION: Generation = Generation(0);

/// One mount of an image. After the next mount, requests through this one fail.
#[derive(Clone)]
pub(super) struct NodeFilesystem {
    pub(super) shared: Arc<Shared>,
    pub(super) mount: u64,
}

/// The part of a request that conditions and watches look at.
pub(super) struct Asked {
    pub(super) kind: OpKind,
    /// Those that count towards the bandwidth.
    pub(super) bytes: u64,
    /// The call that it is, while there are watches.
    pub(super) call: Option<Call>,
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
    pub(super) fn serve<R: Refuse, T: Send + 'static>(
        &self,
        kind: OpKind,
        bytes: u64,
        reply: R,
        act: impl FnOnce(&mut Image) -> Result<T, Refusal> + Send + 'static,
        answer: impl FnOnce(R, T) + Send + 'static,
    ) {
        self.serve_watched(Asked { kind, bytes, call: None }, reply, |_| {}, act, answer);
    }

    /// The same of a call that a watch may hold; `fail` is what happens to the image when the
    /// condition lets the request fail.
    pub(super) fn serve_watched<R: Refuse, T: Send + 'static>(
        &self,
        asked: Asked,
        reply: R,
        fail: impl FnOnce(&mut Image) + Send + 'static,
        act: impl FnOnce(&mut Image) -> Result<T, Refusal> + Send + 'static,
        answer: impl FnOnce(R, T) + Send + 'static,
    ) {
        let Asked { kind, bytes, call } = asked;
        let (shared, mount) = (Arc::clone(&self.shared), self.mount);
        let seen_after = call.clone();
        let finish = move |received: Instant, error: Option<Errno>| {
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
            match (result, seen_after) {
                (Err((error, _)), _) => reply.refuse(error),
                (Ok(value), None) => answer(reply, value),
                (Ok(value), Some(call)) => {
                    shared.watch(Edge::After, &call, mount, move |error| match error {
                        Some(error) if error.code() == libc::EIO => reply.refuse(error),
                        _ => answer(reply, value),
                    });
                }
            }
        };
        let received = Instant::now();
        let Some(call) = call else {
            return self.shared.interceptor.pass(kind, bytes, move |error| finish(received, error));
        };
        let shared = Arc::clone(&self.shared);
        self.shared.watch(Edge::Before, &call, mount, move |error| match error {
            // It never happened.
            Some(_) => finish(received, error),
            None => {
                let received = Instant::now();
                shared.interceptor.pass(kind, bytes, move |error| finish(received, error));
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
        let call = self.shared.watches.call(DiskCall::Fsync, inode);
        let asked = Asked { kind: OpKind::Fsync, bytes: 0, call };
        let wait = self.shared.keeper.get().and_then(|(node, keeper)| keeper.sync(node));
        match wait {
            None => self.serve_watched(asked, reply, fail, sync, |reply, ()| reply.ok()),
            Some(wait) => {
                let filesystem = self.clone();
                wait.then(move || {
                    filesystem.serve_watched(asked, reply, fail, sync, |reply, ()| reply.ok());
                });
            }
        }
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

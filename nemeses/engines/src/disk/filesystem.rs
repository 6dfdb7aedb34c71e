//! The requests of the kernel to a mount, answered from an image.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use fuser::{
    BsdFileFlags, Errno, FileHandle, FileType, Filesystem, FopenFlags, INodeNo, InitFlags,
    KernelConfig, LockOwner, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData,
    ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyOpen, ReplyStatfs, ReplyWrite, ReplyXattr,
    Request, TimeOrNow, WriteFlags,
};

use super::counters::OpKind;
use super::serve::{
    Asked, BELIEVED, GENERATION, NodeFilesystem, answer_attributes, answer_entry, creation,
};
use super::translate::{BLOCK, attributes, file_type};
use faults::disk_image::{Image, LONGEST_NAME, New, Range, Renaming};
use faults::trigger::DiskCall;

/// The largest write that is sent as one.
const LARGEST_WRITE: u32 = 1 << 20;

/// Requests that the kernel may have under way on its own account, such as reading ahead.
const BACKGROUND: u16 = 64;

impl Filesystem for NodeFilesystem {
    fn init(&mut self, _: &Request, config: &mut KernelConfig) -> io::Result<()> {
        // Opening a file or a directory changes nothing here, so the kernel need not ask. The
        // write-back cache stays off: with it the kernel would collect writes, and a power failure
        // would find fewer of them than a real one.
        for wanted in [
            InitFlags::FUSE_ASYNC_DIO,
            InitFlags::FUSE_PARALLEL_DIROPS,
            InitFlags::FUSE_NO_OPEN_SUPPORT,
            InitFlags::FUSE_NO_OPENDIR_SUPPORT,
            InitFlags::FUSE_CACHE_SYMLINKS,
        ] {
            // An older kernel goes without.
            let _ = config.add_capabilities(wanted);
        }
        let refused = |nearest: &dyn std::fmt::Display| {
            io::Error::other(format!("FUSE allows only {nearest} at once"))
        };
        config.set_max_write(LARGEST_WRITE).map_err(|nearest| refused(&nearest))?;
        config.set_max_background(BACKGROUND).map_err(|nearest| refused(&nearest))?;
        Ok(())
    }

    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let look = |image: &mut Image| {
            let status = image.lookup(parent.0, name)?;
            image.remember(status.inode);
            Ok(status)
        };
        self.serve_now(reply, look, answer_entry);
    }

    fn forget(&self, _: &Request, inode: INodeNo, times: u64) {
        // A forgotten inode of an earlier mount is none of this one's.
        let _ = self.shared.act(self.mount, |image| {
            image.forget(inode.0, times);
            Ok(())
        });
    }

    fn getattr(&self, _: &Request, inode: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        self.serve_now(reply, |image| image.status(inode.0), answer_attributes);
    }

    fn setattr(
        &self,
        _: &Request,
        inode: INodeNo,
        mode: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
        size: Option<u64>,
        accessed: Option<TimeOrNow>,
        modified: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let set = move |image: &mut Image| {
            let now = SystemTime::now();
            if let Some(size) = size {
                image.set_size(inode.0, size, now)?;
            }
            if mode.is_some() || uid.is_some() || gid.is_some() {
                let mode = mode.map(|mode| mode & 0o7777);
                image.set_attributes(inode.0, mode, uid, gid, now)?;
            }
            let time = |time| match time {
                TimeOrNow::SpecificTime(time) => time,
                TimeOrNow::Now => now,
            };
            image.set_times(inode.0, accessed.map(time), modified.map(time), now)?;
            image.status(inode.0)
        };
        self.serve(OpKind::Metadata, 0, reply, set, answer_attributes);
    }

    fn readlink(&self, _: &Request, inode: INodeNo, reply: ReplyData) {
        self.serve_now(
            reply,
            |image| image.target(inode.0),
            |reply, target| {
                reply.data(target.as_encoded_bytes());
            },
        );
    }

    fn mknod(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        _umask: u32,
        device: u32,
        reply: ReplyEntry,
    ) {
        let new = match mode & libc::S_IFMT {
            libc::S_IFREG | 0 => New::File,
            kind => New::Special { kind, device },
        };
        self.make(request, (parent, name), new, mode, reply);
    }

    fn mkdir(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        _umask: u32,
        reply: ReplyEntry,
    ) {
        self.make(request, (parent, name), New::Directory, mode, reply);
    }

    fn symlink(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        target: &Path,
        reply: ReplyEntry,
    ) {
        let new = New::Symlink(target.as_os_str().to_owned());
        self.make(request, (parent, name), new, 0o777, reply);
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let name = name.to_owned();
        let unlink = move |image: &mut Image| image.unlink(parent.0, &name, SystemTime::now());
        self.serve(OpKind::Metadata, 0, reply, unlink, |reply, ()| reply.ok());
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let name = name.to_owned();
        let remove =
            move |image: &mut Image| image.remove_directory(parent.0, &name, SystemTime::now());
        self.serve(OpKind::Metadata, 0, reply, remove, |reply, ()| reply.ok());
    }

    fn rename(
        &self,
        _: &Request,
        from: INodeNo,
        old: &OsStr,
        to: INodeNo,
        new: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let renaming = match flags {
            RenameFlags::RENAME_NOREPLACE => Renaming::Keep,
            RenameFlags::RENAME_EXCHANGE => Renaming::Exchange,
            flags if flags.is_empty() => Renaming::Replace,
            _ => return reply.error(Errno::EINVAL),
        };
        let call = self.shared.watches.rename((from.0, old), (to.0, new));
        let asked = Asked { kind: OpKind::Metadata, bytes: 0, call };
        let (old, new) = (old.to_owned(), new.to_owned());
        let rename = move |image: &mut Image| {
            image.rename((from.0, &old), (to.0, &new), renaming, SystemTime::now())
        };
        self.serve_watched(asked, reply, |_| {}, rename, |reply, ()| reply.ok());
    }

    fn link(&self, _: &Request, inode: INodeNo, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let name = name.to_owned();
        let link = move |image: &mut Image| {
            let status = image.link(inode.0, parent.0, &name, SystemTime::now())?;
            image.remember(status.inode);
            Ok(status)
        };
        self.serve(OpKind::Metadata, 0, reply, link, answer_entry);
    }

    fn open(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        // The kernel then opens files on its own, and does not ask again.
        reply.error(Errno::ENOSYS);
    }

    fn opendir(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        reply.error(Errno::ENOSYS);
    }

    fn create(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        _umask: u32,
        _flags: i32,
        reply: ReplyCreate,
    ) {
        let make = creation(request, parent, name, New::File, mode);
        self.serve(OpKind::Metadata, 0, reply, make, |reply, status| {
            let (handle, keep) = (FileHandle(0), FopenFlags::FOPEN_KEEP_CACHE);
            reply.created(&BELIEVED, &attributes(&status), GENERATION, handle, keep);
        });
    }

    fn read(
        &self,
        _: &Request,
        inode: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        // Only bytes that are there take bandwidth, however far the kernel reads ahead.
        let bytes = if self.shared.interceptor.is_open() {
            0
        } else {
            let status = self.shared.act(self.mount, |image| image.status(inode.0));
            status.map_or(0, |status| status.size.saturating_sub(offset).min(size.into()))
        };
        let read = move |image: &mut Image| image.read(inode.0, offset, size.into());
        self.serve(OpKind::Read, bytes, reply, read, |reply, bytes| reply.data(&bytes));
    }

    fn write(
        &self,
        _: &Request,
        inode: INodeNo,
        _: FileHandle,
        offset: u64,
        bytes: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        // The kernel itself sends an fsync after a write that is to be synchronous.
        let (length, bytes) = (bytes.len() as u32, Box::from(bytes));
        let write = move |image: &mut Image| image.write(inode.0, offset, bytes, SystemTime::now());
        let call = self.shared.watches.call(DiskCall::Write, inode.0);
        let asked = Asked { kind: OpKind::Write, bytes: length.into(), call };
        self.serve_watched(asked, reply, |_| {}, write, move |reply, ()| reply.written(length));
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        // Closing a file makes nothing durable, so the kernel need not ask.
        reply.error(Errno::ENOSYS);
    }

    fn fsync(&self, _: &Request, inode: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        self.sync(inode, reply);
    }

    fn fsyncdir(&self, _: &Request, inode: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        self.sync(inode, reply);
    }

    fn readdir(
        &self,
        _: &Request,
        inode: INodeNo,
        _: FileHandle,
        offset: u64,
        reply: ReplyDirectory,
    ) {
        let list = |image: &mut Image| {
            let listed = image.list(inode.0, offset.saturating_sub(DOTS))?;
            Ok((image.parent(inode.0)?, listed))
        };
        self.serve_now(reply, list, |mut reply, (parent, listed)| {
            let dots = [(1, inode, "."), (DOTS, INodeNo(parent), "..")];
            let dots = dots.into_iter().filter(|(place, ..)| *place > offset);
            let mut full = false;
            for (place, inode, name) in dots {
                full = full || reply.add(inode, place, FileType::Directory, name);
            }
            for entry in listed {
                let (inode, place) = (INodeNo(entry.inode), entry.place + DOTS);
                full = full || reply.add(inode, place, file_type(entry.kind), &entry.name);
            }
            reply.ok();
        });
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        self.serve_now(
            reply,
            |image| Ok(image.space()),
            |reply, space| {
                let total = space.capacity / u64::from(BLOCK);
                let free = space.capacity.saturating_sub(space.used) / u64::from(BLOCK);
                reply.statfs(
                    total,
                    free,
                    free,
                    MOST_INODES,
                    MOST_INODES,
                    BLOCK,
                    LONGEST_NAME as u32,
                    BLOCK,
                );
            },
        );
    }

    fn fallocate(
        &self,
        _: &Request,
        inode: INodeNo,
        _: FileHandle,
        offset: u64,
        length: u64,
        mode: i32,
        reply: ReplyEmpty,
    ) {
        let range = match mode {
            0 => Range::Allocate,
            libc::FALLOC_FL_KEEP_SIZE => Range::AllocateKeepingSize,
            libc::FALLOC_FL_ZERO_RANGE => Range::Zero,
            _ if mode == libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE => Range::Punch,
            _ if mode == libc::FALLOC_FL_ZERO_RANGE | libc::FALLOC_FL_KEEP_SIZE => {
                Range::ZeroKeepingSize
            }
            _ => return reply.error(Errno::EOPNOTSUPP),
        };
        let set = move |image: &mut Image| {
            image.set_range(inode.0, offset, length, range, SystemTime::now())
        };
        self.serve(OpKind::Metadata, 0, reply, set, |reply, ()| reply.ok());
    }

    fn getxattr(&self, _: &Request, _: INodeNo, _: &OsStr, _: u32, reply: ReplyXattr) {
        // There are no extended attributes; the kernel then says ENOTSUP and does not ask before
        // every write whether a capability must go.
        reply.error(Errno::ENOSYS);
    }
}

/// The places that `.` and `..` take in a listing.
const DOTS: u64 = 2;
/// There is no bound but memory.
const MOST_INODES: u64 = 1 << 20;

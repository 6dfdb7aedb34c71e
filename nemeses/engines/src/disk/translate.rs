//! The words of an image in those of the kernel.

use fuser::{Errno, FileAttr, FileType, INodeNo};

use faults::disk_image::{Kind, Refusal, Status};

/// The unit in bytes of `stat` and `statfs`.
pub(super) const BLOCK: u32 = 4096;

pub(super) fn errno(refusal: Refusal) -> Errno {
    match refusal {
        Refusal::NotFound => Errno::ENOENT,
        Refusal::Exists => Errno::EEXIST,
        Refusal::NotADirectory => Errno::ENOTDIR,
        Refusal::IsADirectory => Errno::EISDIR,
        Refusal::NotEmpty => Errno::ENOTEMPTY,
        Refusal::Invalid => Errno::EINVAL,
        Refusal::NoSpace => Errno::ENOSPC,
        Refusal::TooLarge => Errno::EFBIG,
        Refusal::NameTooLong => Errno::ENAMETOOLONG,
        Refusal::WritesLost => Errno::EIO,
    }
}

pub(super) fn file_type(kind: Kind) -> FileType {
    match kind {
        Kind::File => FileType::RegularFile,
        Kind::Directory => FileType::Directory,
        Kind::Symlink => FileType::Symlink,
        Kind::Special { kind, .. } => match kind {
            libc::S_IFSOCK => FileType::Socket,
            libc::S_IFCHR => FileType::CharDevice,
            libc::S_IFBLK => FileType::BlockDevice,
            _ => FileType::NamedPipe,
        },
    }
}

pub(super) fn attributes(status: &Status) -> FileAttr {
    let device = match status.kind {
        Kind::Special { device, .. } => device,
        _ => 0,
    };
    FileAttr {
        ino: INodeNo(status.inode),
        size: status.size,
        blocks: status.allocated / 512,
        atime: status.times.accessed,
        mtime: status.times.modified,
        ctime: status.times.changed,
        crtime: status.times.changed,
        kind: file_type(status.kind),
        perm: status.attributes.mode as u16,
        nlink: status.links,
        uid: status.attributes.uid,
        gid: status.attributes.gid,
        rdev: device,
        blksize: BLOCK,
        flags: 0,
    }
}

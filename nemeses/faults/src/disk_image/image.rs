//! The table of inodes, and what an image is besides.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::time::SystemTime;

use super::file::File;
use super::journal::{Attributes, Journal, Operation};
use super::names::Directory;
use super::pages::PAGE;
use super::{InodeNumber, Kind, New, ROOT, Refusal, Space, Status, Times};

/// A file system. See the [module](super) for what survives a power failure.
#[derive(Debug, Clone)]
pub struct Image {
    pub(super) inodes: BTreeMap<InodeNumber, Inode>,
    next_inode: InodeNumber,
    pub(super) journal: Journal,
    /// Files of which a size is in the journal.
    pub(super) resized: BTreeSet<InodeNumber>,
    /// Inodes without a name, to be freed once they are no longer needed.
    pub(super) orphans: BTreeSet<InodeNumber>,
    /// The number of times that names changed.
    pub(super) renamings: u64,
    /// Pages that files with a name have.
    pub(super) used: u64,
    /// Pages that there are.
    capacity: u64,
}

/// One inode.
#[derive(Debug, Clone)]
pub(super) struct Inode {
    pub(super) content: Content,
    pub(super) attributes: Attributes,
    pub(super) durable_attributes: Attributes,
    pub(super) times: Times,
    /// The number of its names; of a directory as `stat` counts them.
    pub(super) links: u32,
    /// The number of its names after a power failure that loses all it may.
    pub(super) durable_links: u32,
    /// The number of lookups by the kernel that it has not yet forgotten.
    pub(super) remembered: u64,
    /// The name that it was given last, and the directory in which.
    pub(super) named: Option<(InodeNumber, OsString)>,
}

/// The content of an inode.
#[derive(Debug, Clone)]
pub(super) enum Content {
    File(File),
    Directory(Directory),
    Symlink(OsString),
    Special { kind: u32, device: u32 },
}

impl Image {
    /// An empty one that has room for `capacity` bytes, whose root belongs to `uid` and `gid`.
    pub fn new(capacity: u64, uid: u32, gid: u32, now: SystemTime) -> Self {
        let mut image = Self {
            inodes: BTreeMap::new(),
            next_inode: ROOT,
            journal: Journal::default(),
            resized: BTreeSet::new(),
            orphans: BTreeSet::new(),
            renamings: 0,
            used: 0,
            capacity: capacity / PAGE,
        };
        let root = image.new_inode(New::Directory, Attributes { mode: 0o755, uid, gid }, now);
        image.inode_mut(root).expect("it was just made").durable_links = 1;
        image
    }

    /// An inode without a name yet.
    pub(super) fn new_inode(
        &mut self,
        new: New,
        attributes: Attributes,
        now: SystemTime,
    ) -> InodeNumber {
        let number = self.next_inode;
        self.next_inode += 1;
        let (content, links) = match new {
            New::File => (Content::File(File::default()), 1),
            New::Directory => (Content::Directory(Directory::within(ROOT)), 2),
            New::Symlink(target) => (Content::Symlink(target), 1),
            New::Special { kind, device } => (Content::Special { kind, device }, 1),
        };
        let inode = Inode {
            content,
            attributes,
            durable_attributes: attributes,
            times: Times { accessed: now, modified: now, changed: now },
            links,
            durable_links: 0,
            remembered: 0,
            named: None,
        };
        self.inodes.insert(number, inode);
        number
    }

    pub(super) fn inode(&self, number: InodeNumber) -> Result<&Inode, Refusal> {
        self.inodes.get(&number).ok_or(Refusal::NotFound)
    }

    pub(super) fn inode_mut(&mut self, number: InodeNumber) -> Result<&mut Inode, Refusal> {
        self.inodes.get_mut(&number).ok_or(Refusal::NotFound)
    }

    /// The answer to `stat`.
    pub fn status(&self, number: InodeNumber) -> Result<Status, Refusal> {
        let inode = self.inode(number)?;
        let (kind, size, pages) = match &inode.content {
            Content::File(file) => (Kind::File, file.content().size(), file.content().allocated()),
            Content::Directory(_) => (Kind::Directory, PAGE, 1),
            Content::Symlink(target) => (Kind::Symlink, target.len() as u64, 0),
            Content::Special { kind, device } => {
                (Kind::Special { kind: *kind, device: *device }, 0, 0)
            }
        };
        let Inode { attributes, links, times, .. } = *inode;
        let allocated = pages * PAGE;
        Ok(Status { inode: number, kind, attributes, size, allocated, links, times })
    }

    /// Changes permissions and owner, as far as they are given.
    pub fn set_attributes(
        &mut self,
        number: InodeNumber,
        mode: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
        now: SystemTime,
    ) -> Result<(), Refusal> {
        let inode = self.inode_mut(number)?;
        let old = inode.attributes;
        let new = Attributes {
            mode: mode.unwrap_or(old.mode),
            uid: uid.unwrap_or(old.uid),
            gid: gid.unwrap_or(old.gid),
        };
        inode.attributes = new;
        inode.times.changed = now;
        self.note(Operation::Attributes(number, new));
        Ok(())
    }

    /// Sets times, as far as they are given.
    pub fn set_times(
        &mut self,
        number: InodeNumber,
        accessed: Option<SystemTime>,
        modified: Option<SystemTime>,
        now: SystemTime,
    ) -> Result<(), Refusal> {
        let times = &mut self.inode_mut(number)?.times;
        times.accessed = accessed.unwrap_or(times.accessed);
        times.modified = modified.unwrap_or(times.modified);
        times.changed = now;
        Ok(())
    }

    /// The space in all, and the space that is taken.
    pub fn space(&self) -> Space {
        Space { capacity: self.capacity * PAGE, used: self.used * PAGE }
    }

    /// Makes room for so many bytes in all. What is there stays even if it is more.
    pub fn set_capacity(&mut self, bytes: u64) {
        self.capacity = bytes / PAGE;
    }

    /// Returns true if so many more pages fit. What was deleted takes no space any more, even while
    /// it is in use: the kernel tells too late when that ends.
    pub(super) fn check_room(&self, pages: u64) -> Result<(), Refusal> {
        let fits = pages == 0 || self.used + pages <= self.capacity;
        if fits { Ok(()) } else { Err(Refusal::NoSpace) }
    }
}

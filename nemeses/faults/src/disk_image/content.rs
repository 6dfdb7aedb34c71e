//! Reading and writing files.

use std::ffi::OsString;
use std::time::SystemTime;

use super::file::File;
use super::image::{Content, Image};
use super::journal::Operation;
use super::{InodeNumber, Refusal};

/// A file with more unsynced bytes is written back, so that memory stays bounded.
const MOST_UNSYNCED: u64 = 64 << 20;

/// The largest size of a file. Far more than fits, but `truncate` takes no space.
const MOST_BYTES: u64 = 1 << 44;

/// An operation on a range of a file besides writing to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// Give it space; the file grows over it.
    Allocate,
    /// Give it space; the file keeps its size.
    AllocateKeepingSize,
    /// Free its space; it reads as zeros.
    Punch,
    /// It reads as zeros; the file grows over it.
    Zero,
    /// It reads as zeros; the file keeps its size.
    ZeroKeepingSize,
}

impl Image {
    pub(super) fn file(&self, number: InodeNumber) -> Result<&File, Refusal> {
        match &self.inode(number)?.content {
            Content::File(file) => Ok(file),
            Content::Directory(_) => Err(Refusal::IsADirectory),
            _ => Err(Refusal::Invalid),
        }
    }

    pub(super) fn file_mut(&mut self, number: InodeNumber) -> Result<&mut File, Refusal> {
        match &mut self.inode_mut(number)?.content {
            Content::File(file) => Ok(file),
            Content::Directory(_) => Err(Refusal::IsADirectory),
            _ => Err(Refusal::Invalid),
        }
    }

    /// Does something to a file and keeps account of the pages that it then has.
    fn change(
        &mut self,
        number: InodeNumber,
        now: SystemTime,
        change: impl FnOnce(&mut File),
    ) -> Result<(), Refusal> {
        let file = self.file_mut(number)?;
        let before = file.content().allocated();
        change(file);
        let after = file.content().allocated();
        let inode = self.inode_mut(number)?;
        (inode.times.modified, inode.times.changed) = (now, now);
        if inode.links > 0 {
            self.used = self.used + after - before;
        }
        Ok(())
    }

    /// At most `length` bytes from `offset` on.
    pub fn read(&self, number: InodeNumber, offset: u64, length: u64) -> Result<Vec<u8>, Refusal> {
        Ok(self.file(number)?.content().read(offset, length))
    }

    /// The target of a symbolic link.
    pub fn target(&self, number: InodeNumber) -> Result<OsString, Refusal> {
        match &self.inode(number)?.content {
            Content::Symlink(target) => Ok(target.clone()),
            _ => Err(Refusal::Invalid),
        }
    }

    /// Puts bytes at an offset. All of them are written or none.
    pub fn write(
        &mut self,
        number: InodeNumber,
        offset: u64,
        bytes: Box<[u8]>,
        now: SystemTime,
    ) -> Result<(), Refusal> {
        let length = bytes.len() as u64;
        let missing = self.file(number)?.content().holes(offset, length);
        check_size(offset, length)?;
        self.check_room(missing)?;
        self.change(number, now, |file| file.write(offset, bytes))?;
        if self.file(number)?.unsynced() > MOST_UNSYNCED {
            self.commit();
            self.file_mut(number)?.write_back();
        }
        Ok(())
    }

    /// Cuts or grows a file.
    pub fn set_size(
        &mut self,
        number: InodeNumber,
        size: u64,
        now: SystemTime,
    ) -> Result<(), Refusal> {
        check_size(size, 0)?;
        // An inode that is no file must leave no trace in the journal.
        self.file(number)?;
        let place = self.note(Operation::Resize);
        self.resized.insert(number);
        self.change(number, now, |file| file.resize(size, place))
    }

    /// Does to a range of a file what `fallocate` may ask for.
    pub fn set_range(
        &mut self,
        number: InodeNumber,
        offset: u64,
        length: u64,
        range: Range,
        now: SystemTime,
    ) -> Result<(), Refusal> {
        check_size(offset, length)?;
        let content = self.file(number)?.content();
        let size = content.size();
        let takes_space = range != Range::Punch;
        let missing = if takes_space { content.holes(offset, length) } else { 0 };
        self.check_room(missing)?;
        let clears = matches!(range, Range::Punch | Range::Zero | Range::ZeroKeepingSize);
        self.change(number, now, |file| {
            if clears {
                file.clear(offset, length);
            }
            if takes_space {
                file.allocate(offset, length);
            }
        })?;
        let grows = matches!(range, Range::Allocate | Range::Zero);
        if grows && size < offset + length {
            self.set_size(number, offset + length, now)?;
        }
        Ok(())
    }
}

fn check_size(offset: u64, length: u64) -> Result<(), Refusal> {
    match offset.checked_add(length) {
        Some(end) if end <= MOST_BYTES => Ok(()),
        _ => Err(Refusal::TooLarge),
    }
}

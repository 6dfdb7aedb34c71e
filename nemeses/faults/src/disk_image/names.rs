//! Directories: names, and what they mean.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::SystemTime;

use super::durability::pages_of;
use super::image::{Content, Image, Inode};
use super::journal::{Attributes, Edit, Operation};
use super::{InodeNumber, Kind, New, ROOT, Refusal, Status};

/// A directory.
#[derive(Debug, Clone)]
pub(super) struct Directory {
    /// The state that processes see.
    pub(super) names: BTreeMap<OsString, Meaning>,
    /// The state after a power failure that loses all it may.
    pub(super) durable: BTreeMap<OsString, InodeNumber>,
    /// The directory that it is in.
    pub(super) parent: InodeNumber,
    /// The place of the next new name in listings.
    next_place: u64,
}

/// The meaning of a name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Meaning {
    pub(super) inode: InodeNumber,
    /// Listings go by it, so that they neither skip nor repeat what stays while others come and go.
    place: u64,
}

/// A name of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The name.
    pub name: OsString,
    /// Its meaning.
    pub inode: InodeNumber,
    /// The kind of that inode.
    pub kind: Kind,
    /// The listing goes on behind this.
    pub place: u64,
}

/// The way to treat a name that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renaming {
    /// It loses its meaning.
    Replace,
    /// It is an error.
    Keep,
    /// The two names exchange their meanings; the other one must be there.
    Exchange,
}

/// Bytes of the longest name, as on Linux's own file systems.
pub const LONGEST_NAME: usize = 255;

fn check_name(name: &OsStr) -> Result<(), Refusal> {
    if name.len() <= LONGEST_NAME { Ok(()) } else { Err(Refusal::NameTooLong) }
}

impl Directory {
    pub(super) fn within(parent: InodeNumber) -> Self {
        Self { names: BTreeMap::new(), durable: BTreeMap::new(), parent, next_place: 1 }
    }

    /// Gives a name a meaning, or takes it away.
    pub(super) fn set(&mut self, name: &OsStr, inode: Option<InodeNumber>) {
        let Some(inode) = inode else {
            self.names.remove(name);
            return;
        };
        let place = self.next_place;
        self.next_place += 1;
        self.names.insert(name.to_owned(), Meaning { inode, place });
    }
}

impl Inode {
    pub(super) fn is_directory(&self) -> bool {
        matches!(self.content, Content::Directory(_))
    }
}

impl Image {
    pub(super) fn directory(&self, number: InodeNumber) -> Result<&Directory, Refusal> {
        match &self.inode(number)?.content {
            Content::Directory(directory) => Ok(directory),
            _ => Err(Refusal::NotADirectory),
        }
    }

    pub(super) fn directory_mut(&mut self, number: InodeNumber) -> Result<&mut Directory, Refusal> {
        match &mut self.inode_mut(number)?.content {
            Content::Directory(directory) => Ok(directory),
            _ => Err(Refusal::NotADirectory),
        }
    }

    /// The meaning of a name.
    pub fn lookup(&self, directory: InodeNumber, name: &OsStr) -> Result<Status, Refusal> {
        let meaning = self.directory(directory)?.names.get(name).ok_or(Refusal::NotFound)?;
        self.status(meaning.inode)
    }

    fn find(&self, directory: InodeNumber, name: &OsStr) -> Result<InodeNumber, Refusal> {
        self.lookup(directory, name).map(|status| status.inode)
    }

    /// The directory that a directory is in.
    pub fn parent(&self, directory: InodeNumber) -> Result<InodeNumber, Refusal> {
        Ok(self.directory(directory)?.parent)
    }

    /// The path of an inode, as `/proc` shows it for an open file: with ` (deleted)` behind the last
    /// one if it has no name any more. That of the root is `.`; of several names the last that was
    /// given counts, as long as it is its own.
    pub fn path(&self, number: InodeNumber) -> Result<PathBuf, Refusal> {
        if number == ROOT {
            return Ok(PathBuf::from("."));
        }
        let mut names = Vec::new();
        let mut at = number;
        while at != ROOT {
            let (directory, name) = self.name(at)?;
            names.push(name);
            at = directory;
        }
        let mut path: PathBuf = names.into_iter().rev().collect();
        if self.inode(number)?.links == 0 {
            path.as_mut_os_string().push(" (deleted)");
        }
        Ok(path)
    }

    /// The number of times that names changed: as long as it is the same, so is every path.
    pub fn renamings(&self) -> u64 {
        self.renamings
    }

    /// A name of an inode, and the directory in which it has it.
    fn name(&self, number: InodeNumber) -> Result<(InodeNumber, &OsStr), Refusal> {
        let means = |meaning: &Meaning| meaning.inode == number;
        let inode = self.inode(number)?;
        if let Some((directory, name)) = &inode.named {
            let known = self.directory(*directory).ok().and_then(|it| it.names.get(name));
            if inode.links == 0 || known.is_some_and(means) {
                return Ok((*directory, name));
            }
        }
        // It lost the name that it was given last, and has another one.
        for (directory, inode) in &self.inodes {
            if let Content::Directory(it) = &inode.content
                && let Some((name, _)) = it.names.iter().find(|(_, meaning)| means(meaning))
            {
                return Ok((*directory, name));
            }
        }
        Err(Refusal::NotFound)
    }

    /// The names behind a place, in the order in which they came; all behind 0.
    pub fn list(&self, directory: InodeNumber, behind: u64) -> Result<Vec<Listed>, Refusal> {
        let names = &self.directory(directory)?.names;
        let mut listed = Vec::with_capacity(names.len());
        for (name, Meaning { inode, place }) in names {
            if *place > behind {
                let kind = self.status(*inode)?.kind;
                listed.push(Listed { name: name.clone(), inode: *inode, kind, place: *place });
            }
        }
        listed.sort_unstable_by_key(|listed| listed.place);
        Ok(listed)
    }

    /// Makes something new under a name.
    pub fn create(
        &mut self,
        directory: InodeNumber,
        name: &OsStr,
        new: New,
        attributes: Attributes,
        now: SystemTime,
    ) -> Result<Status, Refusal> {
        check_name(name)?;
        if self.directory(directory)?.names.contains_key(name) {
            return Err(Refusal::Exists);
        }
        // Nothing may be created in a directory that was removed.
        if self.inode(directory)?.links == 0 {
            return Err(Refusal::NotFound);
        }
        let number = self.new_inode(new, attributes, now);
        if let Ok(made) = self.directory_mut(number) {
            made.parent = directory;
            self.inode_mut(directory)?.links += 1;
        }
        self.edit(vec![(directory, name, Some(number))], now)?;
        self.status(number)
    }

    /// Gives an inode one more name.
    pub fn link(
        &mut self,
        number: InodeNumber,
        directory: InodeNumber,
        name: &OsStr,
        now: SystemTime,
    ) -> Result<Status, Refusal> {
        check_name(name)?;
        if self.directory(directory)?.names.contains_key(name) {
            return Err(Refusal::Exists);
        }
        let inode = self.inode_mut(number)?;
        if inode.is_directory() || inode.links == 0 {
            return Err(Refusal::Invalid);
        }
        inode.links += 1;
        inode.times.changed = now;
        self.edit(vec![(directory, name, Some(number))], now)?;
        self.status(number)
    }

    /// Takes a name from what is not a directory.
    pub fn unlink(
        &mut self,
        directory: InodeNumber,
        name: &OsStr,
        now: SystemTime,
    ) -> Result<(), Refusal> {
        let number = self.find(directory, name)?;
        if self.inode(number)?.is_directory() {
            return Err(Refusal::IsADirectory);
        }
        self.edit(vec![(directory, name, None)], now)?;
        self.lose_link(number, now)
    }

    /// Removes an empty directory.
    pub fn remove_directory(
        &mut self,
        directory: InodeNumber,
        name: &OsStr,
        now: SystemTime,
    ) -> Result<(), Refusal> {
        let number = self.find(directory, name)?;
        if !self.directory(number)?.names.is_empty() {
            return Err(Refusal::NotEmpty);
        }
        self.edit(vec![(directory, name, None)], now)?;
        self.inode_mut(directory)?.links -= 1;
        self.lose_directory(number);
        Ok(())
    }

    /// Gives what one name means to another name.
    pub fn rename(
        &mut self,
        (from, old): (InodeNumber, &OsStr),
        (to, new): (InodeNumber, &OsStr),
        renaming: Renaming,
        now: SystemTime,
    ) -> Result<(), Refusal> {
        check_name(new)?;
        let moved = self.find(from, old)?;
        let other = match (self.find(to, new), renaming) {
            (Ok(_), Renaming::Keep) => return Err(Refusal::Exists),
            (Err(refusal), Renaming::Exchange) => return Err(refusal),
            (found, _) => found.ok(),
        };
        if other == Some(moved) {
            // Two names of one inode: POSIX wants both to stay.
            return Ok(());
        }
        let exchanged = other.filter(|_| renaming == Renaming::Exchange);
        let replaced = other.filter(|_| renaming != Renaming::Exchange);
        if self.is_within(to, moved) || exchanged.is_some_and(|other| self.is_within(from, other)) {
            return Err(Refusal::Invalid);
        }
        if let Some(replaced) = replaced {
            self.check_replaceable(moved, replaced)?;
        }
        self.edit(vec![(from, old, exchanged), (to, new, Some(moved))], now)?;
        self.move_directory(moved, from, to);
        if let Some(exchanged) = exchanged {
            self.move_directory(exchanged, to, from);
            self.inode_mut(exchanged)?.times.changed = now;
        }
        self.inode_mut(moved)?.times.changed = now;
        if let Some(replaced) = replaced {
            if self.inode(replaced)?.is_directory() {
                self.inode_mut(to)?.links -= 1;
                self.lose_directory(replaced);
            } else {
                self.lose_link(replaced, now)?;
            }
        }
        Ok(())
    }

    fn check_replaceable(&self, moved: InodeNumber, replaced: InodeNumber) -> Result<(), Refusal> {
        match (self.inode(moved)?.is_directory(), self.directory(replaced)) {
            (false, Ok(_)) => Err(Refusal::IsADirectory),
            (true, Err(_)) => Err(Refusal::NotADirectory),
            (true, Ok(directory)) if !directory.names.is_empty() => Err(Refusal::NotEmpty),
            _ => Ok(()),
        }
    }

    /// Returns true if `directory` is `ancestor` or somewhere in it.
    fn is_within(&self, directory: InodeNumber, ancestor: InodeNumber) -> bool {
        let mut at = directory;
        loop {
            if at == ancestor {
                return true;
            }
            match self.directory(at) {
                Ok(found) if at != ROOT => at = found.parent,
                _ => return false,
            }
        }
    }

    /// Keeps account of a directory's parent. What is no directory has none.
    fn move_directory(&mut self, moved: InodeNumber, from: InodeNumber, to: InodeNumber) {
        if let Ok(directory) = self.directory_mut(moved) {
            directory.parent = to;
            for (parent, difference) in [(from, -1), (to, 1)] {
                if let Ok(parent) = self.inode_mut(parent) {
                    parent.links = parent.links.saturating_add_signed(difference);
                }
            }
        }
    }

    fn lose_link(&mut self, number: InodeNumber, now: SystemTime) -> Result<(), Refusal> {
        let inode = self.inode_mut(number)?;
        inode.links -= 1;
        inode.times.changed = now;
        if inode.links == 0 {
            self.used -= pages_of(inode);
            self.orphans.insert(number);
        }
        Ok(())
    }

    fn lose_directory(&mut self, number: InodeNumber) {
        if let Ok(inode) = self.inode_mut(number) {
            inode.links = 0;
            self.orphans.insert(number);
        }
    }

    /// Changes what names mean, all at once.
    fn edit(
        &mut self,
        edits: Vec<(InodeNumber, &OsStr, Option<InodeNumber>)>,
        now: SystemTime,
    ) -> Result<(), Refusal> {
        self.renamings += 1;
        let mut noted = Vec::with_capacity(edits.len());
        for (directory, name, inode) in edits {
            self.directory_mut(directory)?.set(name, inode);
            if let Some(inode) = inode {
                self.inode_mut(inode)?.named = Some((directory, name.to_owned()));
            }
            let times = &mut self.inode_mut(directory)?.times;
            (times.modified, times.changed) = (now, now);
            noted.push(Edit { directory, name: name.to_owned(), inode });
        }
        self.note(Operation::Names(noted));
        Ok(())
    }
}

//! Operations that become durable, are lost, or free inodes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rand::{Rng, RngExt};

use super::file::Sectors;
use super::image::{Content, Image, Inode};
use super::journal::{Operation, surviving_prefix};
use super::{InodeNumber, Kind, ROOT, Refusal};
use crate::fault::{Damage, PowerCut};
use crate::host::PowerSeen;

/// A longer journal is committed, so that memory stays bounded.
const MOST_OPERATIONS: usize = 16_384;

/// The operations that a power failure may take.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unsynced {
    /// Bytes written, overwritten ones included.
    pub bytes: u64,
    /// Changes of names, sizes and attributes.
    pub operations: u64,
}

impl Image {
    /// Notes an operation in the journal, and returns its place.
    pub(super) fn note(&mut self, operation: Operation) -> u64 {
        if self.journal.len() >= MOST_OPERATIONS {
            self.commit();
        }
        let place = self.journal.next_place();
        self.journal.push(operation);
        place
    }

    /// An fsync of an inode of any kind.
    pub fn sync(&mut self, number: InodeNumber) -> Result<(), Refusal> {
        let is_well = match &mut self.inode_mut(number)?.content {
            Content::File(file) => file.sync(),
            _ => true,
        };
        if !is_well {
            return Err(Refusal::WritesLost);
        }
        self.commit();
        Ok(())
    }

    /// An fsync of an inode failed: as on Linux, what it was to write is taken for written, and a
    /// later one does not write it. What stands in the journal is tried again.
    pub fn fail_sync(&mut self, number: InodeNumber) {
        if let Ok(file) = self.file_mut(number) {
            file.fail_sync(true);
        }
    }

    /// Pages that could not be written leave the cache, see [`File::evict`](super::file::File::evict). Returns the inodes of
    /// which the kernel must forget what it has.
    pub fn evict(&mut self) -> Vec<InodeNumber> {
        let mut evicted = Vec::new();
        for (number, inode) in &mut self.inodes {
            let before = pages_of(inode);
            if let Content::File(file) = &mut inode.content
                && file.evict()
            {
                evicted.push(*number);
                if inode.links > 0 {
                    self.used = self.used + pages_of(inode) - before;
                }
            }
        }
        evicted
    }

    /// A `sync(2)` failed, which has no way to say so: the next fsync of each file does.
    pub fn fail_sync_all(&mut self) {
        for inode in self.inodes.values_mut() {
            if let Content::File(file) = &mut inode.content {
                file.fail_sync(false);
            }
        }
    }

    /// Everything becomes durable, as after `sync(2)`.
    pub fn sync_all(&mut self) {
        for inode in self.inodes.values_mut() {
            if let Content::File(file) = &mut inode.content {
                file.write_back();
            }
        }
        self.commit();
    }

    /// The journal becomes durable.
    pub(super) fn commit(&mut self) {
        for operation in self.journal.take() {
            self.make_durable(operation);
        }
        for number in std::mem::take(&mut self.resized) {
            if let Ok(file) = self.file_mut(number) {
                file.commit_sizes();
            }
        }
        self.free_orphans();
    }

    fn make_durable(&mut self, operation: Operation) {
        match operation {
            Operation::Names(edits) => {
                for edit in edits {
                    let Ok(directory) = self.directory_mut(edit.directory) else { continue };
                    let old = match edit.inode {
                        Some(inode) => directory.durable.insert(edit.name, inode),
                        None => directory.durable.remove(&edit.name),
                    };
                    for (number, difference) in [(old, -1), (edit.inode, 1)] {
                        let inode = number.and_then(|number| self.inodes.get_mut(&number));
                        if let Some(inode) = inode {
                            inode.durable_links =
                                inode.durable_links.saturating_add_signed(difference);
                        }
                    }
                }
            }
            Operation::Attributes(number, attributes) => {
                if let Ok(inode) = self.inode_mut(number) {
                    inode.durable_attributes = attributes;
                }
            }
            Operation::Resize => {}
        }
    }

    /// The kernel has learned of an inode, and will say when it forgets it.
    pub fn remember(&mut self, number: InodeNumber) {
        if let Ok(inode) = self.inode_mut(number) {
            inode.remembered += 1;
        }
    }

    /// The kernel forgot an inode as often as that.
    pub fn forget(&mut self, number: InodeNumber, times: u64) {
        if let Ok(inode) = self.inode_mut(number) {
            inode.remembered = inode.remembered.saturating_sub(times);
        }
        // Otherwise the next commit frees it: an operation of the journal may still bring it back.
        if self.orphans.contains(&number) && self.journal.len() == 0 {
            self.free_orphans();
        }
    }

    /// Frees inodes that have no name, are not in use and that no power failure brings back. The
    /// journal is empty.
    fn free_orphans(&mut self) {
        let needed = |inode: &Inode| inode.remembered > 0 || inode.durable_links > 0;
        let orphans = std::mem::take(&mut self.orphans);
        for number in orphans {
            match self.inodes.get(&number) {
                Some(inode) if needed(inode) => {
                    self.orphans.insert(number);
                }
                _ => {
                    self.inodes.remove(&number);
                }
            }
        }
    }

    /// The operations that a power failure may take now.
    pub fn unsynced(&self) -> Unsynced {
        let bytes = self.inodes.values().map(|inode| match &inode.content {
            Content::File(file) => file.unsynced(),
            _ => 0,
        });
        Unsynced { bytes: bytes.sum(), operations: self.journal.len() as u64 }
    }

    /// The power fails: of what was not synced survives what `cut` and `random` say. No inode is in
    /// use any more.
    pub fn crash(&mut self, cut: &PowerCut, random: &mut impl Rng) -> PowerSeen {
        let chance = (cut.keep_percent / 100.0).clamp(0.0, 1.0);
        let first = self.journal.next_place() - self.journal.len() as u64;
        let mut operations = self.journal.take();
        let kept = surviving_prefix(operations.len(), chance, random.random());
        let names_lost = (operations.len() - kept) as u64;
        operations.truncate(kept);
        for operation in operations {
            self.make_durable(operation);
        }
        self.resized.clear();
        let journal_end = first + kept as u64;
        let sector = u64::from(cut.sector.max(1));
        let mut sectors = Sectors::default();
        for inode in self.inodes.values_mut() {
            inode.attributes = inode.durable_attributes;
            inode.remembered = 0;
            if let Content::File(file) = &mut inode.content {
                let of_file = file.crash(journal_end, sector, || random.random_bool(chance));
                sectors.kept += of_file.kept;
                sectors.lost += of_file.lost;
            }
        }
        self.start_from_durable_names();
        PowerSeen {
            sectors_kept: sectors.kept,
            sectors_lost: sectors.lost,
            names_kept: kept as u64,
            names_lost,
        }
    }

    /// The state that a mount finds: the durable names, and only inodes that have one.
    fn start_from_durable_names(&mut self) {
        self.orphans.clear();
        self.renamings += 1;
        let mut old = std::mem::take(&mut self.inodes);
        let mut waiting = vec![(ROOT, ROOT, None)];
        while let Some((number, parent, name)) = waiting.pop() {
            if let Some(inode) = self.inodes.get_mut(&number) {
                // One more name of a file.
                inode.links += 1;
                continue;
            }
            let Some(mut inode) = old.remove(&number) else { continue };
            inode.links = 1;
            inode.named = name.map(|name| (parent, name));
            if let Content::Directory(directory) = &mut inode.content {
                directory.parent = parent;
                directory.names = BTreeMap::new();
                inode.links = 2;
                for (name, child) in directory.durable.clone() {
                    directory.set(&name, Some(child));
                    waiting.push((child, number, Some(name)));
                }
            }
            let is_subdirectory = inode.is_directory() && number != ROOT;
            self.inodes.insert(number, inode);
            if is_subdirectory && let Ok(parent) = self.inode_mut(parent) {
                parent.links += 1;
            }
        }
        for inode in self.inodes.values_mut() {
            inode.durable_links = if inode.is_directory() { 1 } else { inode.links };
        }
        self.used = self.inodes.values().map(pages_of).sum();
    }

    /// Every path, directories before what is in them, in the order of names.
    pub fn paths(&self) -> Vec<(PathBuf, InodeNumber, Kind)> {
        let mut found = Vec::new();
        self.add_paths(ROOT, Path::new(""), &mut found);
        found
    }

    fn add_paths(
        &self,
        directory: InodeNumber,
        path: &Path,
        found: &mut Vec<(PathBuf, InodeNumber, Kind)>,
    ) {
        let mut listed = self.list(directory, 0).unwrap_or_default();
        listed.sort_unstable_by(|left, right| left.name.cmp(&right.name));
        for listed in listed {
            let path = path.join(&listed.name);
            found.push((path.clone(), listed.inode, listed.kind));
            if listed.kind == Kind::Directory {
                self.add_paths(listed.inode, &path, found);
            }
        }
    }

    /// Damages a file, durably, and tells which one and how, or why there is nothing to damage: of
    /// those that are meant the largest, of several the first by path; where none is meant, one of
    /// a kind that is drawn.
    pub fn damage(
        &mut self,
        damage: &Damage,
        random: &mut impl Rng,
    ) -> Result<Damaged, &'static str> {
        let meant = |path: &Path| match damage.file() {
            Some(part) => path.to_string_lossy().contains(part),
            None => true,
        };
        let mut kinds: BTreeMap<String, Vec<(u64, PathBuf, InodeNumber)>> = BTreeMap::new();
        for (path, inode, kind) in self.paths() {
            let size = self.status(inode).map_or(0, |status| status.size);
            if kind == Kind::File && meant(&path) && size > 0 {
                let kind = damage.file().map_or_else(|| kind_of(&path), str::to_owned);
                kinds.entry(kind).or_default().push((size, path, inode));
            }
        }
        let drawn = random.random_range(0..kinds.len().max(1));
        let files = kinds.into_values().nth(drawn).ok_or("no file of that name has any content")?;
        let place = match damage.file() {
            Some(_) => {
                let largest = files.iter().map(|(size, ..)| *size).max();
                files.iter().position(|(size, ..)| Some(*size) == largest)
            }
            None => Some(random.random_range(0..files.len())),
        };
        let (size, path, inode) = files[place.unwrap_or(0)].clone();
        let offset = random.random_range(0..size);
        let bit = random.random_range(0..8_u32);
        let file = self.file_mut(inode).map_err(|_| "it is no file")?;
        let path = path.display();
        let what = match damage {
            Damage::BitFlip { .. } => {
                file.damage(|content| {
                    let byte = content.read(offset, 1)[0];
                    content.write(offset, &[byte ^ (1 << bit)]);
                });
                format!("bit {bit} of byte {offset} of {size} of {path} flipped")
            }
            Damage::Truncate { .. } => {
                file.damage(|content| content.resize(offset));
                format!("{path} cut from {size} to {offset} bytes")
            }
        };
        self.used = self.inodes.values().map(pages_of).sum();
        Ok(Damaged { inode, what })
    }
}

/// The kind of a file by its path: segments of a log differ only in their numbers.
fn kind_of(path: &Path) -> String {
    let path = path.to_string_lossy().to_lowercase();
    let words = path.split_inclusive(|letter: char| !letter.is_ascii_alphanumeric());
    let kind = words.map(|word| {
        let (bare, end) = match word.char_indices().last() {
            Some((end, last)) if !last.is_ascii_alphanumeric() => word.split_at(end),
            _ => (word, ""),
        };
        // Names of segments are numbers, decimal or hexadecimal, with or without a word before.
        let number = bare.trim_start_matches(|letter: char| !letter.is_ascii_digit());
        let is_number = !number.is_empty() && number.chars().all(|it| it.is_ascii_hexdigit());
        match is_number {
            true => format!("{}#{end}", &bare[..bare.len() - number.len()]),
            false => word.to_owned(),
        }
    });
    kind.collect()
}

/// A description of damage that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damaged {
    /// The file.
    pub inode: InodeNumber,
    /// The damage, for a person.
    pub what: String,
}

pub(super) fn pages_of(inode: &Inode) -> u64 {
    match &inode.content {
        Content::File(file) => file.content().allocated(),
        _ => 0,
    }
}

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::leftover::{Leftover, Owner, PREFIX};
use super::undo::{is_there, loop_devices, undo_all, undo_idle};
use crate::journal::{Journal, JournalState, boot, directories, is_ours_alone, read, try_lock};
use crate::mounts::mounts;

/// Something that is left of a run that is no more.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Found {
    /// The thing that is left.
    #[serde(flatten)]
    pub leftover: Leftover,
    /// The process that the run was started as.
    pub owner: Owner,
}

impl fmt::Display for Found {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}, of process {}, which is gone", self.leftover, self.owner.pid)
    }
}

/// The result of cleaning.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// Everything that is gone now.
    pub removed: Vec<Found>,
    /// Everything that could not be removed, and the reason.
    pub kept: Vec<(Found, String)>,
}

/// Looks for leftovers, and leaves them alone.
pub fn find() -> Vec<Found> {
    let Journals { dead, live } = Journals::look();
    let mut found = Vec::new();
    for journal in dead {
        // What was announced and never made, or vanished with its owner, is nothing that is left.
        let there = journal.leftovers().filter(|found| is_there(&found.leftover));
        found.extend(there);
    }
    let known: BTreeSet<_> = found.iter().map(|found| found.leftover.clone()).collect();
    found.extend(by_name(&live).into_iter().filter(|found| !known.contains(&found.leftover)));
    found
}

/// Removes every leftover, and kills the processes that are part of one in a journal. A leftover
/// that is known by its name alone is left alone while a process is in it.
pub fn clean() -> Cleaned {
    let mut cleaned = clean_journals();
    let live = Journals::look().live;
    for found in by_name(&live) {
        let result = undo_idle(&found.leftover);
        cleaned.note(found, result);
    }
    cleaned
}

/// As [`clean`], for leftovers in journals only.
pub(crate) fn clean_journals() -> Cleaned {
    let mut cleaned = Cleaned::default();
    for journal in Journals::look().dead {
        let there: BTreeSet<_> =
            journal.leftovers().filter(|found| is_there(&found.leftover)).collect();
        let results = undo_all(&journal.open);
        if results.iter().all(|(_, result)| result.is_ok()) {
            // Gone is what it should be.
            let _ = fs::remove_file(&journal.path);
        }
        for (leftover, result) in results {
            let found = Found { leftover, owner: journal.owner };
            if result.is_err() || there.contains(&found) {
                cleaned.note(found, result);
            }
        }
    }
    cleaned
}

/// Undoes what a journal remembers, and removes the file when nothing is left. For a process that
/// outlives the controller.
pub(crate) fn settle(journal: &Journal) {
    // What cannot be undone stays in the file, for `clean`.
    if undo_all(&journal.left()).iter().all(|(_, result)| result.is_ok()) {
        journal.remove();
    }
}

impl Cleaned {
    fn note(&mut self, found: Found, result: Result<(), String>) {
        match result {
            Ok(()) => self.removed.push(found),
            Err(why) if self.kept.iter().all(|(kept, _)| *kept != found) => {
                self.kept.push((found, why));
            }
            Err(_) => {}
        }
    }
}

/// Every journal of this user.
struct Journals {
    dead: Vec<DeadJournal>,
    live: Live,
}

/// The journal of a run that is no more.
struct DeadJournal {
    path: PathBuf,
    owner: Owner,
    open: Vec<Leftover>,
    /// Locked, so that no other process cleans up after it at the same time.
    _lock: File,
}

impl DeadJournal {
    fn leftovers(&self) -> impl Iterator<Item = Found> {
        self.open.iter().map(|leftover| Found { leftover: leftover.clone(), owner: self.owner })
    }
}

/// The owners and leftovers in the journals of runs that go on.
#[derive(Default)]
struct Live {
    owners: BTreeSet<Owner>,
    leftovers: BTreeSet<Leftover>,
}

impl Live {
    /// Returns whether something of that name may belong to a run that goes on.
    fn covers(&self, leftover: &Leftover, owner: Owner) -> bool {
        self.leftovers.contains(leftover) || self.owners.contains(&owner) || owner.lives()
    }
}

impl Journals {
    fn look() -> Self {
        let mut journals = Self { dead: Vec::new(), live: Live::default() };
        for directory in directories() {
            // One that others can write to is not ours to believe.
            if is_ours_alone(&directory).is_err() {
                continue;
            }
            let entries = fs::read_dir(&directory).into_iter().flatten().flatten();
            let paths = entries.map(|entry| entry.path());
            for path in paths.filter(|path| path.extension().is_some_and(|end| end == "jsonl")) {
                journals.add(path);
            }
        }
        journals
    }

    /// Adds one. A file that cannot be read, or vanishes meanwhile, is left out.
    fn add(&mut self, path: PathBuf) {
        let file = OpenOptions::new().read(true).append(true).open(&path);
        let Ok(file) = file else { return };
        let Ok(dead) = try_lock(&file) else { return };
        let Ok(text) = read(&file) else { return };
        let state = JournalState::parse(&text);
        let owner = state.header.as_ref().map(|header| header.owner);
        // One that is only just being begun is called after its owner too.
        let owner = owner.or_else(|| path.file_stem()?.to_str()?.parse().ok());
        let Some(owner) = owner else { return };
        if dead {
            // Nothing survives the machine.
            let gone = state.header.is_some_and(|header| header.boot != boot());
            let open = if gone { Vec::new() } else { state.open };
            self.dead.push(DeadJournal { path, owner, open, _lock: file });
        } else {
            self.live.owners.insert(owner);
            self.live.leftovers.extend(state.open);
        }
    }
}

/// Everything that carries our name, but does not belong to a run that goes on.
fn by_name(live: &Live) -> Vec<Found> {
    let mut found = Vec::new();
    let mut add = |leftover: Leftover, name: &str| {
        let Some(owner) = Owner::in_name(name) else { return };
        if !live.covers(&leftover, owner) {
            found.push(Found { leftover, owner });
        }
    };
    for mount in mounts().unwrap_or_default() {
        if matches!(mount.kind.as_str(), "cgroup" | "cgroup2") {
            for path in named_directories(&mount.point) {
                let name = name_of(&path);
                add(Leftover::Cgroup { path }, &name);
            }
        } else {
            add(Leftover::Mount { path: mount.point }, &mount.source);
        }
    }
    for (_, image) in loop_devices() {
        let name = name_of(&image);
        add(Leftover::LoopDevice { image }, &name);
    }
    found
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The directories below whose name begins with ours.
fn named_directories(base: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut unseen = vec![base.to_owned()];
    while let Some(directory) = unseen.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                let ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
                if ours { &mut found } else { &mut unseen }.push(entry.path());
            }
        }
    }
    found
}

//! Snapshots in files: `snapshot-INDEX-TERM`, each written beside the log under another name, synced,
//! and only then given its own.
//!
//! ```text
//! magic (4) | length of the text (4) | CRC-32 of the text (4) | text        again and again
//! ```
//!
//! The texts together are that of the snapshot ([`crate::core::Snapshot`]). The two newest are kept: the
//! log reaches back to the older one, in case the newest is damaged.

use std::io;
use std::sync::Arc;

use super::Files;
use crate::bugs::Bugs;
use crate::core::{Piece, Snapshot, SnapshotCursor, SnapshotReader};

/// The first bytes of every part of a file.
const MAGIC: [u8; 4] = *b"\xf5Snp";

/// The number of bytes before a text.
const HEADER_BYTES: usize = 12;

/// About how many bytes of text a part has. They are encoded and written at once.
const PART_BYTES: usize = 256 * 1024;

/// About how many bytes are written before they are synced. If all were at once, in the end, syncs of the
/// log would wait behind them: a GB of them takes a disk a second and more.
const SYNC_BYTES: usize = 4 * 1024 * 1024;

/// The number of snapshots that are kept.
const KEPT: usize = 2;

/// The end of the name of a file that is not whole yet.
const UNFINISHED: &str = ".new";

/// The name of a snapshot.
fn name_of(index: u64, term: u64) -> String {
    format!("snapshot-{index:020}-{term}")
}

/// Index and term of the snapshot of that name; none if it is no name of one.
fn parse(name: &str) -> Option<(u64, u64)> {
    let (index, term) = name.strip_prefix("snapshot-")?.split_once('-')?;
    Some((index.parse().ok()?, term.parse().ok()?))
}

/// A snapshot that is written.
#[derive(Debug)]
pub(crate) struct SnapshotWriter {
    snapshot: Arc<Snapshot>,
    step: Step,
    /// The bytes that were written and not synced yet.
    unsynced: usize,
}

/// The next thing to do.
#[derive(Debug)]
enum Step {
    Create,
    Write(SnapshotCursor),
    Rename,
    SyncNames,
}

impl SnapshotWriter {
    /// Nothing is written yet.
    pub(crate) fn new(snapshot: Arc<Snapshot>) -> SnapshotWriter {
        SnapshotWriter { snapshot, step: Step::Create, unsynced: 0 }
    }

    /// The index of the last entry in it.
    pub(crate) fn index(&self) -> u64 {
        self.snapshot.index()
    }

    /// Does the next step, of which none takes long but for its sync. True once it is durable.
    pub(crate) fn advance(&mut self, files: &mut impl Files) -> io::Result<bool> {
        let name = name_of(self.snapshot.index(), self.snapshot.term());
        let unfinished = format!("{name}{UNFINISHED}");
        self.step = match &self.step {
            Step::Create => {
                files.create(&unfinished)?;
                Step::Write(SnapshotCursor::start())
            }
            Step::Write(from) => {
                let Piece { text, next } = self.snapshot.piece(from, PART_BYTES);
                let mut part = Vec::with_capacity(HEADER_BYTES + text.len());
                part.extend_from_slice(&MAGIC);
                let length = u32::try_from(text.len()).expect("a part is far smaller than 4 GiB");
                part.extend_from_slice(&length.to_le_bytes());
                part.extend_from_slice(&crc32fast::hash(text.as_bytes()).to_le_bytes());
                part.extend_from_slice(text.as_bytes());
                files.append(&unfinished, &part)?;
                self.unsynced += part.len();
                if self.unsynced >= SYNC_BYTES {
                    files.sync(&unfinished)?;
                    self.unsynced = 0;
                }
                next.map_or(Step::Rename, Step::Write)
            }
            Step::Rename => {
                files.sync(&unfinished)?;
                files.rename(&unfinished, &name)?;
                Step::SyncNames
            }
            Step::SyncNames => {
                files.sync_names()?;
                remove_superfluous(files)?;
                return Ok(true);
            }
        };
        Ok(false)
    }
}

/// Writes a snapshot with all steps in a row.
pub(crate) fn save_at_once(files: &mut impl Files, snapshot: Arc<Snapshot>) -> io::Result<()> {
    let mut writer = SnapshotWriter::new(snapshot);
    while !writer.advance(files)? {}
    Ok(())
}

/// The snapshots, oldest first.
pub(super) fn names(files: &mut impl Files) -> io::Result<Vec<(u64, u64, String)>> {
    let names = files.names()?.into_iter();
    let mut known: Vec<_> =
        names.filter_map(|name| parse(&name).map(|(index, term)| (index, term, name))).collect();
    known.sort_unstable();
    Ok(known)
}

/// Removes what a crash left unfinished.
pub(super) fn remove_unfinished(files: &mut impl Files) -> io::Result<()> {
    for name in files.names()? {
        if name.starts_with("snapshot-") && name.ends_with(UNFINISHED) {
            files.remove(&name)?;
        }
    }
    Ok(())
}

fn remove_superfluous(files: &mut impl Files) -> io::Result<()> {
    let mut known = names(files)?;
    known.truncate(known.len().saturating_sub(KEPT));
    known.iter().try_for_each(|(_, _, name)| files.remove(name))
}

/// The defect of a file, and the byte at which the part with it begins.
pub(super) type Defect = (u64, String);

/// Reads a snapshot.
pub(super) fn read(
    files: &mut impl Files,
    name: &str,
    bugs: &Bugs,
) -> io::Result<Result<Snapshot, Defect>> {
    let bytes = files.read(name)?;
    Ok(parse_parts(&bytes, bugs).and_then(|snapshot| {
        match parse(name) == Some((snapshot.index(), snapshot.term())) {
            true => Ok(snapshot),
            false => Err((0, "it is another one than its name says".to_string())),
        }
    }))
}

fn parse_parts(bytes: &[u8], bugs: &Bugs) -> Result<Snapshot, Defect> {
    let mut reader = SnapshotReader::new(bugs);
    let mut at = 0;
    while at < bytes.len() {
        let bad = |reason: String| (at as u64, reason);
        let rest = &bytes[at..];
        if rest.len() < HEADER_BYTES || rest[..4] != MAGIC {
            return Err(bad("no part of a snapshot begins here".into()));
        }
        let word = |at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|i| rest[at + i]));
        let text = rest[HEADER_BYTES..].get(..word(4) as usize);
        let text = text.ok_or_else(|| bad("the part is cut short".into()))?;
        if crc32fast::hash(text) != word(8) {
            return Err(bad("the checksum of the part differs".into()));
        }
        let text = std::str::from_utf8(text).map_err(|error| bad(error.to_string()))?;
        reader.read(text).map_err(|error| bad(error.to_string()))?;
        at += HEADER_BYTES + text.len();
    }
    reader.finish().map_err(|error| (at as u64, error.to_string()))
}

//! `nodes/<name>/applied.jsonl`: the commands of its log that a node's state machine applied.
//!
//! The first line says which indices the file covers; each further line is one command that
//! carries a token:
//!
//! ```text
//! {"node":"n1","from":1,"through":812}
//! {"index":3,"token":"r7f3:4:9","applied":true}
//! ```
//!
//! There is a line for nearly every operation of a run, in the file of every node: they are written
//! as they come and read one after the other.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::compressed;
use crate::layout::node_files;

/// File name of what a node applied within its folder.
pub const APPLIED: &str = "applied.jsonl";

/// A command that a node applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedEntry<'a> {
    /// The index of its entry.
    pub index: u64,
    /// Its token.
    #[serde(borrow)]
    pub token: Cow<'a, str>,
    /// True if it took effect: its precondition held, and it was no retry of one that had.
    pub applied: bool,
}

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    node: Cow<'a, str>,
    from: u64,
    through: u64,
}

/// Writes down what a node applied without a gap, in one life of its process. It is on disk once it
/// is [saved](AppliedLogWriter::save), as a whole or not at all: a half of it would tell of effects
/// that are missing.
#[derive(Debug)]
pub struct AppliedLogWriter {
    node: String,
    folder: PathBuf,
    from: u64,
    through: u64,
    entries: BufWriter<File>,
}

impl AppliedLogWriter {
    /// A log that covers nothing yet and begins with the first index of all.
    ///
    /// # Errors
    /// When nothing can be written to the folder of the node.
    pub fn create(folder: &Path, node: &str) -> Result<AppliedLogWriter> {
        let path = entries_of(folder);
        let options =
            File::options().write(true).create(true).truncate(true).read(true).open(&path);
        let entries = options.with_context(|| format!("cannot write {}", path.display()))?;
        let (node, folder) = (node.to_owned(), folder.to_owned());
        let entries = BufWriter::new(entries);
        Ok(AppliedLogWriter { node, folder, from: 1, through: 0, entries })
    }

    /// The last index that is covered so far; one less than the first if none is.
    pub fn through(&self) -> u64 {
        self.through
    }

    /// Begins anew at an index: what was read before has a gap behind it.
    ///
    /// # Errors
    /// When the file cannot be emptied, or the index is none.
    pub fn begin_at(&mut self, from: u64) -> Result<()> {
        self.through = from.checked_sub(1).context("indices begin at 1")?;
        self.from = from;
        self.entries.rewind().and_then(|()| self.entries.get_ref().set_len(0))?;
        Ok(())
    }

    /// Adds the next command with a token.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn push(&mut self, entry: &AppliedEntry<'_>) -> Result<()> {
        self.through = self.through.max(entry.index);
        serde_json::to_writer(&mut self.entries, entry)?;
        Ok(self.entries.write_all(b"\n")?)
    }

    /// Notes that all is told up to this index.
    pub fn cover(&mut self, through: u64) {
        self.through = self.through.max(through);
    }

    /// Saves it in the folder of its node.
    ///
    /// # Errors
    /// When the file cannot be written. The message names it.
    pub fn save(mut self) -> Result<()> {
        let path = self.folder.join(APPLIED);
        let draft = self.folder.join(format!(".{APPLIED}.draft"));
        let mut write = || -> Result<()> {
            let mut file = File::create(&draft)?;
            let head = Head { node: (&*self.node).into(), from: self.from, through: self.through };
            writeln!(file, "{}", serde_json::to_string(&head)?)?;
            self.entries.rewind()?;
            io::copy(self.entries.get_mut(), &mut file)?;
            Ok(fs::rename(&draft, &path)?)
        };
        write().with_context(|| format!("cannot write {}", path.display()))
    }
}

impl Drop for AppliedLogWriter {
    fn drop(&mut self) {
        // Best effort: who looks into the folder would take it for a part of what the run left.
        let _ = fs::remove_file(entries_of(&self.folder));
    }
}

/// The commands before they are saved.
fn entries_of(folder: &Path) -> PathBuf {
    folder.join(format!(".{APPLIED}.entries"))
}

/// A file of the commands that a node applied without a gap, in one life of its process.
#[derive(Debug)]
pub struct SavedAppliedLog {
    /// The node.
    pub node: String,
    /// The first index that it covers.
    pub from: u64,
    /// The last index that it covers.
    pub through: u64,
    path: PathBuf,
}

/// The logs of what the nodes of the run at `run` applied, by their names; nothing of nodes that left
/// no such file.
///
/// # Errors
/// When a file cannot be read or its first line not be understood. The message names it.
pub fn open_all(run: &Path) -> Result<Vec<SavedAppliedLog>> {
    node_files(run, APPLIED)?.into_iter().map(SavedAppliedLog::open).collect()
}

impl SavedAppliedLog {
    fn open(path: PathBuf) -> Result<SavedAppliedLog> {
        let (mut lines, mut line) = (Lines::of(&path)?, Vec::new());
        lines.next(&mut line)?;
        let head: Result<Head<'_>, _> = serde_json::from_slice(&line);
        let Head { node, from, through } = head.with_context(|| lines.place())?;
        Ok(SavedAppliedLog { node: node.into_owned(), from, through, path })
    }

    /// Reads the commands with a token, in the order in which they were applied.
    ///
    /// # Errors
    /// When the file cannot be read or understood. The message names file and line.
    pub fn each(&self, mut take: impl FnMut(AppliedEntry<'_>)) -> Result<()> {
        let (mut lines, mut line) = (Lines::of(&self.path)?, Vec::new());
        lines.next(&mut line)?;
        while lines.next(&mut line)? {
            take(serde_json::from_slice(&line).with_context(|| lines.place())?);
        }
        Ok(())
    }
}

/// The lines of a file.
struct Lines<'a> {
    path: &'a Path,
    file: BufReader<Box<dyn Read>>,
    number: usize,
}

impl<'a> Lines<'a> {
    fn of(path: &'a Path) -> Result<Lines<'a>> {
        let file = compressed::open(path);
        let file = file.with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Lines { path, file: BufReader::with_capacity(1 << 16, file), number: 0 })
    }

    /// Reads the next one; false at the end of the file.
    fn next(&mut self, line: &mut Vec<u8>) -> Result<bool> {
        line.clear();
        self.number += 1;
        let read = self.file.read_until(b'\n', line);
        let bytes = read.with_context(|| format!("cannot read {}", self.path.display()))?;
        Ok(bytes > 0)
    }

    /// The line that was read last, for errors.
    fn place(&self) -> String {
        format!("{}, line {}", self.path.display(), self.number)
    }
}

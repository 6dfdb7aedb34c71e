//! `nodes/<name>/applied.jsonl`: the commands of its log that a node's state machine applied.
//!
//! The first line says which indices the file covers; each further line is one command that
//! carries a token:
//!
//! ```text
//! {"node":"n1","from":1,"through":812}
//! {"index":3,"token":"r7f3:4:9","applied":true}
//! ```

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::layout::node_files;

/// File name of what a node applied within its folder.
pub const APPLIED: &str = "applied.jsonl";

/// The commands that a node applied without a gap, in one life of its process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedLog {
    /// The node.
    pub node: String,
    /// The first index that it covers.
    pub from: u64,
    /// The last index that it covers.
    pub through: u64,
    /// The commands with a token, in order.
    pub entries: Vec<AppliedEntry>,
}

/// A command that a node applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedEntry {
    /// The index of its entry.
    pub index: u64,
    /// Its token.
    pub token: Box<str>,
    /// True if it took effect: its precondition held, and it was no retry of one that had.
    pub applied: bool,
}

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    node: String,
    from: u64,
    through: u64,
}

impl AppliedLog {
    /// Writes it into the folder of its node.
    ///
    /// # Errors
    /// When the file cannot be written. The message names it.
    pub fn save(&self, node_directory: &Path) -> Result<()> {
        let path = node_directory.join(APPLIED);
        // As a whole or not at all: a half of it would tell of effects that are missing.
        let draft = node_directory.join(format!(".{APPLIED}.draft"));
        let written = || -> Result<()> {
            let mut file = BufWriter::new(File::create(&draft)?);
            let AppliedLog { node, from, through, entries } = self;
            let head = Head { node: node.clone(), from: *from, through: *through };
            serde_json::to_writer(&mut file, &head)?;
            for entry in entries {
                file.write_all(b"\n")?;
                serde_json::to_writer(&mut file, entry)?;
            }
            file.write_all(b"\n")?;
            file.flush()?;
            Ok(std::fs::rename(&draft, &path)?)
        };
        written().with_context(|| format!("cannot write {}", path.display()))
    }
}

/// The commands that the nodes of the run at `run` applied, by the names of the nodes; nothing of
/// nodes that left no such file.
///
/// # Errors
/// When a file cannot be read or understood. The message names file and line.
pub fn read_all(run: &Path) -> Result<Vec<AppliedLog>> {
    node_files(run, APPLIED)?.iter().map(|file| read(file)).collect()
}

fn read(path: &Path) -> Result<AppliedLog> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let at = |number: usize| format!("{}, line {}", path.display(), number + 1);
    let mut lines = text.lines().enumerate();
    let (number, head) = lines.next().unwrap_or((0, ""));
    let Head { node, from, through } = serde_json::from_str(head).with_context(|| at(number))?;
    let entries: Result<Vec<AppliedEntry>> = lines
        .map(|(number, line)| serde_json::from_str(line).with_context(|| at(number)))
        .collect();
    Ok(AppliedLog { node, from, through, entries: entries? })
}

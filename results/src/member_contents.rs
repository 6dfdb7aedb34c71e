//! `nodes/<name>/contents.json`: all that a member held when the run was over.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use checker::oracle::divergence::Contents;

use crate::layout::node_files;

/// File name of what a member held within its folder.
pub const CONTENTS: &str = "contents.json";

/// Writes it into the folder of its node.
///
/// # Errors
/// When the file cannot be written. The message names it.
pub fn save(contents: &Contents, node_directory: &Path) -> Result<()> {
    let path = node_directory.join(CONTENTS);
    let text = serde_json::to_vec(contents).context("contents can be written as JSON")?;
    // As a whole or not at all, as it is read.
    let draft = node_directory.join(format!(".{CONTENTS}.draft"));
    std::fs::write(&draft, text)
        .and_then(|()| std::fs::rename(&draft, &path))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// The contents of the members of the run at `run`, by the names of the members; nothing of members
/// that were not asked.
///
/// # Errors
/// When a file cannot be read or understood. The message names it.
pub fn read_all(run: &Path) -> Result<Vec<Contents>> {
    let read = |path: &PathBuf| {
        let file = || format!("cannot read {}", path.display());
        let text = std::fs::read(path).with_context(file)?;
        serde_json::from_slice(&text).with_context(file)
    };
    node_files(run, CONTENTS)?.iter().map(read).collect()
}

//! `nodes/<name>/contents.json`: all that a member held when the run was over.

use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result};
use checker::oracle::divergence::Contents;

use crate::run_directory::NODES;

/// File name of what a member held within its folder.
pub const CONTENTS: &str = "contents.json";

/// Writes it into the folder of its node.
///
/// # Errors
/// When the file cannot be written. The message names it.
pub fn save(contents: &Contents, node_directory: &Path) -> Result<()> {
    let path = node_directory.join(CONTENTS);
    let text = serde_json::to_vec(contents).context("contents can be written as JSON")?;
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// What the members of the run at `run` held, by name; of members that did not tell there is
/// nothing.
///
/// # Errors
/// When a file cannot be read or understood. The message names it.
pub fn read_all(run: &Path) -> Result<Vec<Contents>> {
    let nodes = run.join(NODES);
    let entries = match std::fs::read_dir(&nodes) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read {}", nodes.display()));
        }
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot read {}", nodes.display()))?;
        files.push(entry.path().join(CONTENTS));
    }
    files.sort();
    let read = |path: &std::path::PathBuf| {
        let file = || format!("cannot read {}", path.display());
        let text = std::fs::read(path).with_context(file)?;
        serde_json::from_slice(&text).with_context(file)
    };
    files.iter().filter(|file| file.exists()).map(read).collect()
}

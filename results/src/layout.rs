//! The names of what a run leaves, and where it stands.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::compressed;

/// File name of the resolved plan within a run directory.
pub const PLAN: &str = "plan.toml";
/// File name of the account of the run: target, lab, machine.
pub(crate) const RUN: &str = "run.json";
/// File name of the target's manifest within a run directory, if it has one.
pub const TARGET: &str = "target.toml";
/// File name of the order in which things went through their gates, if the run recorded it.
pub const ORDER: &str = "order.bin";
/// File name of the history within a run directory.
pub const HISTORY: &str = "history.jsonl";
/// File name of the [`Summary`](crate::summary::Summary) within a run directory.
pub const VERDICT: &str = "verdict.json";
/// File name of the page within a run directory.
pub const REPORT: &str = "report.html";
/// The folder that holds one folder for each node.
pub const NODES: &str = "nodes";
/// File name of a node's events within its folder.
pub(crate) const NODE_EVENTS: &str = "events.jsonl";
/// The link, beside the run directories, to the newest of them.
pub(crate) const LATEST: &str = "latest";

/// The folders of the nodes, by the names of the nodes; none when there are no nodes.
///
/// # Errors
/// When the folder of the nodes cannot be listed. The message names it.
pub(crate) fn node_folders(run: &Path) -> Result<Vec<PathBuf>> {
    let nodes = run.join(NODES);
    let list = || -> std::io::Result<Vec<PathBuf>> {
        fs::read_dir(&nodes)?.map(|entry| Ok(entry?.path())).collect()
    };
    let mut folders = match list() {
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        folders => folders.with_context(|| format!("cannot read {}", nodes.display()))?,
    };
    // A directory lists its entries in no order; verdict and page must not depend on it.
    folders.sort();
    Ok(folders)
}

/// The files of this name in the folders of the nodes, compressed or not, by the names of the nodes;
/// none when there are no nodes.
///
/// # Errors
/// When the folder of the nodes cannot be listed. The message names it.
pub(crate) fn node_files(run: &Path, name: &str) -> Result<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> =
        node_folders(run)?.iter().map(|folder| folder.join(name)).collect();
    files.retain(|file| compressed::stands(file).is_some());
    Ok(files)
}

/// Replaces a file as a whole: a reader sees the old one or the new one, never a half.
pub(crate) fn replace(folder: &Path, name: &str, contents: &[u8]) -> Result<PathBuf> {
    let path = folder.join(name);
    let draft = folder.join(format!(".{name}.draft"));
    let written = fs::write(&draft, contents).and_then(|()| fs::rename(&draft, &path));
    if written.is_err() {
        // Best effort: the draft of a full disk only takes space away from what matters.
        let _ = fs::remove_file(&draft);
    }
    written.with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

//! The last lines of the logs that nodes left.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use anyhow::Result;

use crate::layout::node_folders;
use crate::summary::{NodeAtEnd, NodeLog};

/// The number of lines of a log that are shown: a panic with its message and a few frames.
const LINES: usize = 15;

/// The end of a log, in bytes, that is looked at: room for lines of any sensible length.
const LOOKED_AT: u64 = 64 * 1024;

/// The nodes of the run at `run`, by their names, with the last lines of every file `*.log` in
/// their folders. Logs that are empty or cannot be read are left out.
///
/// # Errors
/// When the folder of the nodes cannot be listed.
pub fn read_all(run: &Path) -> Result<Vec<NodeAtEnd>> {
    let folders = node_folders(run)?;
    let nodes = folders.iter().filter(|folder| folder.is_dir()).map(|folder| NodeAtEnd {
        node: folder.file_name().map_or_else(String::new, |name| name.to_string_lossy().into()),
        answer: None,
        logs: of_folder(folder),
    });
    Ok(nodes.collect())
}

/// The last lines of every file `*.log` in the folder of a node.
pub fn of_folder(folder: &Path) -> Vec<NodeLog> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries.map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "log"));
    files.sort();
    let log = |file: &std::path::PathBuf| {
        let lines = last_lines(file);
        let file = file.file_name()?.to_string_lossy().into_owned();
        (!lines.is_empty()).then_some(NodeLog { file, lines })
    };
    files.iter().filter_map(log).collect()
}

/// The last lines of a log; none of one that cannot be read.
pub fn last_lines(log: &Path) -> Vec<String> {
    let mut bytes = Vec::new();
    let read = File::open(log).and_then(|mut file| {
        let from = file.metadata()?.len().saturating_sub(LOOKED_AT);
        file.seek(SeekFrom::Start(from))?;
        file.read_to_end(&mut bytes)
    });
    if read.is_err() {
        return Vec::new();
    }
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let shown = &lines[lines.len().saturating_sub(LINES)..];
    shown.iter().map(|line| (*line).to_owned()).collect()
}

//! Reading a run directory again.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use checker::history::{Event, History};
use serde::de::DeserializeOwned;

use crate::event::NodeEvent;
use crate::run_directory::{HISTORY, NODE_EVENTS, NODES, PLAN, VERDICT};
use crate::summary::Summary;

/// Everything that a run left, read back.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadedRun {
    /// The directory it was read from.
    pub path: PathBuf,
    /// The resolved plan, as text; none when the run ended before it was saved.
    pub plan: Option<String>,
    /// The verdict; none when the run ended before it was judged.
    pub summary: Option<Summary>,
    /// Every recorded event.
    pub history: History,
    /// The events of all nodes, by time.
    pub node_events: Vec<NodeEvent>,
    /// What the reader should know about the reading, such as a last line that was cut off.
    pub notes: Vec<String>,
}

/// Reads the run directory at `path`.
pub(crate) fn load(path: &Path) -> Result<LoadedRun> {
    let mut notes = Vec::new();
    let history = read_history(&path.join(HISTORY), &mut notes)?;
    let node_events = read_node_events(&path.join(NODES), &mut notes)?;
    let verdict = path.join(VERDICT);
    let summary = match read_if_there(&verdict)? {
        None => None,
        Some(text) => Some(
            serde_json::from_str(&text)
                .with_context(|| format!("cannot understand {}", verdict.display()))?,
        ),
    };
    let plan = read_if_there(&path.join(PLAN))?;
    Ok(LoadedRun { path: path.to_owned(), plan, summary, history, node_events, notes })
}

/// Reads a history of our own format, one JSON event a line.
///
/// A last line without its newline is left out and noted: its `write(2)` never finished. That is
/// sound: an invocation is recorded before it is sent, so this one never was; and an operation that
/// lost its completion counts as of unknown outcome.
///
/// # Errors
/// When the file cannot be read, or a line is not an event. The message names file and line.
pub fn read_history(path: &Path, notes: &mut Vec<String>) -> Result<History> {
    Ok(History { events: read_lines::<Event>(path, notes)? })
}

fn read_lines<T: DeserializeOwned>(path: &Path, notes: &mut Vec<String>) -> Result<Vec<T>> {
    // Bytes, not text: a cut may fall within a character.
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let end = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |newline| newline + 1);
    if end < bytes.len() {
        notes.push(format!("{}: the last line is cut off and was left out", path.display()));
    }
    bytes[..end]
        .split(|&byte| byte == b'\n')
        .enumerate()
        .filter(|(_, line)| !line.trim_ascii().is_empty())
        .map(|(number, line)| {
            serde_json::from_slice(line)
                .with_context(|| format!("{}, line {}", path.display(), number + 1))
        })
        .collect()
}

fn read_node_events(nodes: &Path, notes: &mut Vec<String>) -> Result<Vec<NodeEvent>> {
    let entries = match fs::read_dir(nodes) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read {}", nodes.display()));
        }
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot read {}", nodes.display()))?;
        files.push(entry.path().join(NODE_EVENTS));
    }
    // A directory lists its entries in no order; the page must not depend on it.
    files.sort();
    let mut events: Vec<NodeEvent> = Vec::new();
    for file in files.iter().filter(|file| file.exists()) {
        events.extend(read_lines::<NodeEvent>(file, notes)?);
    }
    events.sort_by_key(|event| event.time);
    Ok(events)
}

fn read_if_there(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

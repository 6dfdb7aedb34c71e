//! Reading a run directory again.

use std::fs;
use std::io::{BufRead, BufReader, ErrorKind};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use checker::history::Event;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::compressed;
use crate::event::NodeEvent;
use crate::layout::{HISTORY, NODE_EVENTS, PLAN, VERDICT, node_files};
use crate::metrics::RunHistory;
use crate::summary::Summary;
use crate::timed_logs::{self, TimedLog};

/// Everything that a run left, read back.
#[derive(Debug, Clone)]
pub struct LoadedRun {
    /// The directory it was read from.
    pub path: PathBuf,
    /// The resolved plan, as text; none when the run ended before it was saved.
    pub plan: Option<String>,
    /// The verdict; none when the run ended before it was judged.
    pub summary: Option<Summary>,
    /// The recorded events, the operations without their values.
    pub history: RunHistory,
    /// The events of all nodes, by time.
    pub node_events: Vec<NodeEvent>,
    /// Remarks on the reading, such as that the last line was cut off.
    pub notes: Vec<String>,
}

impl LoadedRun {
    /// The lines of the nodes' logs, as far as it is known when they were written.
    pub fn node_logs(&self) -> Vec<TimedLog> {
        timed_logs::read(&self.path, &self.node_events)
    }
}

/// Reads the run directory at `path`. A file that the run did not come to write is none.
pub(crate) fn load(path: &Path) -> Result<LoadedRun> {
    let mut notes = Vec::new();
    let history = path.join(HISTORY);
    let history = match compressed::stands(&history).is_some() {
        true => read_history(&history, &mut notes)?,
        false => RunHistory::default(),
    };
    let node_events = read_node_events(path, &mut notes)?;
    let summary = read_summary(path)?;
    let plan = read_if_there(&path.join(PLAN))?;
    Ok(LoadedRun { path: path.to_owned(), plan, summary, history, node_events, notes })
}

/// Reads a file of one JSON value; none when it is not there.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let Some(text) = read_if_there(path)? else { return Ok(None) };
    let value = serde_json::from_str(&text);
    Ok(Some(value.with_context(|| format!("cannot understand {}", path.display()))?))
}

/// Reads the verdict of the run in this directory; none if it was not judged.
///
/// # Errors
/// When it cannot be read or understood, or another version of stormproof wrote it.
pub(crate) fn read_summary(run: &Path) -> Result<Option<Summary>> {
    read_form(&run.join(VERDICT))
}

/// A file of JSON that says by a number of which form it is.
pub(crate) trait Form: DeserializeOwned {
    /// The only form that is read.
    const SCHEMA: u32;
    /// The form of a file without a number; none if every one has a number.
    const BEFORE: Option<u32>;
    /// The form that it says it is of.
    fn schema(&self) -> u32;
}

/// The field by which a form is told.
#[derive(Deserialize)]
struct Head {
    schema: Option<u32>,
}

/// Reads a file of a form; none when it is not there.
pub(crate) fn read_form<T: Form>(path: &Path) -> Result<Option<T>> {
    let Some(text) = read_if_there(path)? else { return Ok(None) };
    let shown = path.display();
    let cannot = || format!("cannot understand {shown}");
    let error = match serde_json::from_str::<T>(&text) {
        Ok(form) if form.schema() == T::SCHEMA => return Ok(Some(form)),
        Ok(_) => None,
        Err(error) => Some(error),
    };
    // Read once more for what is wrong: a file of another form may be so in all else.
    let head: Head = serde_json::from_str(&text).with_context(cannot)?;
    match (head.schema.or(T::BEFORE), error) {
        (None, _) => bail!("{shown} has no schema, so that it is not known what it says"),
        (Some(schema), Some(error)) if schema == T::SCHEMA => Err(error).with_context(cannot),
        (Some(schema), _) => bail!(
            "{shown} was written by another version of stormproof: its form is {schema}, and this \
             one reads {}",
            T::SCHEMA
        ),
    }
}

/// Reads JSON values, one a line.
///
/// A last line without its newline is left out and noted: its `write(2)` never finished. That is
/// sound: an invocation is recorded before it is sent, so this one never was; and an operation that
/// lost its completion counts as of unknown outcome.
fn each_line<T: DeserializeOwned>(
    path: &Path,
    notes: &mut Vec<String>,
    mut take: impl FnMut(T),
) -> Result<()> {
    let unreadable = || format!("cannot read {}", path.display());
    let mut file = BufReader::new(compressed::open(path).with_context(unreadable)?);
    // Bytes, not text: a cut may fall within a character.
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        if file.read_until(b'\n', &mut line).with_context(unreadable)? == 0 {
            break;
        }
        if line.last() != Some(&b'\n') {
            notes.push(format!("{}: the last line is cut off and was left out", path.display()));
        } else if !line.trim_ascii().is_empty() {
            let at = || format!("{}, line {number}", path.display());
            take(serde_json::from_slice(&line).with_context(at)?);
        }
    }
    Ok(())
}

fn read_history(path: &Path, notes: &mut Vec<String>) -> Result<RunHistory> {
    let mut history = RunHistory::default();
    each_line(path, notes, |event: Event| history.push(event))?;
    Ok(history)
}

fn read_node_events(run: &Path, notes: &mut Vec<String>) -> Result<Vec<NodeEvent>> {
    let mut events: Vec<NodeEvent> = Vec::new();
    for file in node_files(run, NODE_EVENTS)? {
        each_line(&file, notes, |event: NodeEvent| events.push(event))?;
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

//! The directory that a run leaves behind, and how it comes to be.
//!
//! ```text
//! results/runs/latest -> 20261120T191500Z-bundled-register-partition+kill+pause-s42
//! results/runs/20261120T191500Z-bundled-register-partition+kill+pause-s42/
//!   plan.toml              what was asked for, resolved
//!   target.toml            the manifest of the target, if it has one
//!   history.jsonl          every event of clients, nemesis and controller, in order
//!   nodes/n1/events.jsonl  what became of node n1: process, role, term, commit index, clocks
//!   nodes/n1/applied.jsonl what its state machine did with each command that has a token
//!   verdict.json           what came of it
//!   report.html            the page to look at
//! ```
//!
//! Events are on disk, as far as the operating system is concerned, before the caller goes on: one
//! `write(2)` a line and no buffer of our own, so that a controller that is killed loses nothing it
//! acted upon. Nothing is fsynced; the run does not have to survive a power cut of its controller.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use checker::history::Event;

use crate::event::{NodeEvent, RunEvent};
use crate::event_log::EventLog;
pub use crate::layout::{HISTORY, NODES, PLAN, REPORT, TARGET, VERDICT};
use crate::layout::{LATEST, NODE_EVENTS};
use crate::loaded_run::{self, LoadedRun};
use crate::summary::Summary;

/// One run's directory, open for recording, or opened again later.
#[derive(Debug)]
pub struct RunDirectory {
    path: PathBuf,
    id: String,
    /// Opened at the first event, as are those of the nodes.
    history: Option<EventLog>,
    /// By the node's name.
    node_logs: BTreeMap<String, EventLog>,
}

impl RunDirectory {
    /// Makes `results_dir/id` and points `results_dir/latest` at it. Missing parents are made too.
    /// A directory that is already there is never touched: `-2`, `-3`… is put behind the id until a
    /// name is free, and [`id`](Self::id) returns it.
    ///
    /// # Errors
    /// When the id is no plain file name, or the directory, its empty history or the link cannot be
    /// made. The message names the path.
    pub fn create(results_dir: &Path, id: &str) -> Result<RunDirectory> {
        require_plain_name("run id", id)?;
        fs::create_dir_all(results_dir)
            .with_context(|| format!("cannot make the results directory {}", show(results_dir)))?;
        let id = claim_free_name(results_dir, id)?;
        let mut directory = RunDirectory::at(results_dir.join(&id), id);
        // Made now, so that a run that cannot record fails before it starts anything.
        directory.history()?;
        point_latest_at(results_dir, &directory.id)?;
        Ok(directory)
    }

    /// Opens the directory of an earlier run. Links such as `latest` are followed.
    ///
    /// # Errors
    /// When there is no such directory, or it holds no `history.jsonl`.
    pub fn open(path: &Path) -> Result<RunDirectory> {
        let path =
            path.canonicalize().with_context(|| format!("cannot open the run {}", show(path)))?;
        let history = path.join(HISTORY);
        fs::metadata(&history)
            .with_context(|| format!("{} is not a run: cannot read its {HISTORY}", show(&path)))?;
        let id = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into());
        Ok(RunDirectory::at(path, id))
    }

    fn at(path: PathBuf, id: String) -> RunDirectory {
        RunDirectory { path, id, history: None, node_logs: BTreeMap::new() }
    }

    /// The path of the directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The directory's name, which is the run's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The folder of one node, for its logs and events; made when it is not there.
    ///
    /// # Errors
    /// When the name is no plain file name or the folder cannot be made.
    pub fn node_directory(&self, node: &str) -> Result<PathBuf> {
        require_plain_name("node name", node)?;
        let path = self.path.join(NODES).join(node);
        fs::create_dir_all(&path).with_context(|| format!("cannot make {}", show(&path)))?;
        Ok(path)
    }

    /// Saves a [`RunEvent`]; notes are not saved.
    ///
    /// # Errors
    /// See [`append_event`](Self::append_event).
    pub fn record(&mut self, event: &RunEvent) -> Result<()> {
        match event {
            RunEvent::Operation(event) => self.append_event(event),
            RunEvent::Fault(event) => self.append_event(&event.to_history()),
            RunEvent::Phase(event) => self.append_event(&event.to_history()),
            RunEvent::Node(event) => self.append_node_event(event),
            RunEvent::Note(_) => Ok(()),
        }
    }

    /// Appends one event to the history, in one `write(2)`. Its index is the caller's affair.
    ///
    /// # Errors
    /// When the line cannot be written, such as on a full disk. The file then ends with the last
    /// whole line, and the event does not count as recorded.
    pub fn append_event(&mut self, event: &Event) -> Result<()> {
        self.history()?.append(event)
    }

    /// Appends one event to its node's `events.jsonl`, in one `write(2)`.
    ///
    /// # Errors
    /// See [`append_event`](Self::append_event) and [`node_directory`](Self::node_directory).
    pub fn append_node_event(&mut self, event: &NodeEvent) -> Result<()> {
        if let Some(log) = self.node_logs.get_mut(&event.node) {
            return log.append(event);
        }
        let mut log = EventLog::open(self.node_directory(&event.node)?.join(NODE_EVENTS))?;
        log.append(event)?;
        self.node_logs.insert(event.node.clone(), log);
        Ok(())
    }

    /// Saves the resolved plan.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save_plan(&self, toml: &str) -> Result<PathBuf> {
        self.replace(PLAN, toml.as_bytes())
    }

    /// Saves the manifest of the target.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save_target(&self, toml: &str) -> Result<PathBuf> {
        self.replace(TARGET, toml.as_bytes())
    }

    /// Saves the summary as `verdict.json`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save_verdict(&self, summary: &Summary) -> Result<PathBuf> {
        let mut json = serde_json::to_vec_pretty(summary).context("cannot write a verdict")?;
        json.push(b'\n');
        self.replace(VERDICT, &json)
    }

    /// Saves the page.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save_report(&self, html: &str) -> Result<PathBuf> {
        self.replace(REPORT, html.as_bytes())
    }

    /// Reads everything that the run left, to judge it again or to draw its page again.
    ///
    /// # Errors
    /// When a file cannot be read or understood. The message names the file and, where it has
    /// lines, the line.
    pub fn load(&self) -> Result<LoadedRun> {
        loaded_run::load(&self.path)
    }

    fn history(&mut self) -> Result<&mut EventLog> {
        let log = match self.history.take() {
            Some(log) => log,
            None => EventLog::open(self.path.join(HISTORY))?,
        };
        Ok(self.history.insert(log))
    }

    /// Replaces a file as a whole: a reader sees the old one or the new one, never a half.
    fn replace(&self, name: &str, contents: &[u8]) -> Result<PathBuf> {
        let path = self.path.join(name);
        let draft = self.path.join(format!(".{name}.draft"));
        let written = fs::write(&draft, contents).and_then(|()| fs::rename(&draft, &path));
        if written.is_err() {
            // Best effort: the draft of a full disk only takes space away from what matters.
            let _ = fs::remove_file(&draft);
        }
        written.with_context(|| format!("cannot write {}", show(&path)))?;
        Ok(path)
    }
}

/// Makes the directory `id`, or `id-2`, `id-3`… and returns the name that was free.
fn claim_free_name(results_dir: &Path, id: &str) -> Result<String> {
    let mut name = id.to_owned();
    let mut copy = 1_u32;
    loop {
        let path = results_dir.join(&name);
        match fs::create_dir(&path) {
            Ok(()) => return Ok(name),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                copy += 1;
                name = format!("{id}-{copy}");
            }
            Err(error) => {
                return Err(error)
                    .with_context(|| format!("cannot make the run directory {}", show(&path)));
            }
        }
    }
}

/// Points `latest` at a run by a relative link, so that the whole folder can be moved. The link is
/// replaced in one step: who follows it meanwhile finds a run.
fn point_latest_at(results_dir: &Path, id: &str) -> Result<()> {
    let latest = results_dir.join(LATEST);
    let draft = results_dir.join(format!(".{LATEST}-{id}"));
    symlink(id, &draft)
        .and_then(|()| fs::rename(&draft, &latest))
        .inspect_err(|_| {
            let _ = fs::remove_file(&draft);
        })
        .with_context(|| format!("cannot point {} at the new run", show(&latest)))
}

/// Names become folders, so they must not lead elsewhere.
fn require_plain_name(what: &str, name: &str) -> Result<()> {
    let plain = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\0']);
    if !plain || name == LATEST {
        bail!("the {what} {name:?} cannot be the name of a folder");
    }
    Ok(())
}

fn show(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        for name in ["", ".", "..", "a/b", "/etc", ".hidden", "latest", "nul\0"] {
            assert!(require_plain_name("run id", name).is_err(), "{name:?}");
        }
        assert!(require_plain_name("node name", "10.0.0.1:8080").is_ok());
    }
}

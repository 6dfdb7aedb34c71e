//! The directory that a run leaves behind, and how it comes to be.
//!
//! ```text
//! results/runs/latest -> 20261120T191500Z-bundled-register-s42
//! results/runs/20261120T191500Z-bundled-register-s42/
//!   plan.toml              what was asked for, resolved
//!   run.json               what it was asked of: target and its version, lab, machine
//!   target.toml            the manifest of the target, if it has one
//!   order.bin              the order of messages, fsyncs and calls of clients, if it was recorded
//!   history.jsonl          every event of clients, nemesis and controller, in order
//!   nodes/n1/stdout.log    what node n1 printed, beside stderr.log
//!   nodes/n1/events.jsonl  what became of node n1: process, role, term, commit index, clocks,
//!                          how long its logs were when
//!   nodes/n1/applied.jsonl what its state machine did with each command that has a token
//!   verdict.json           what came of it
//!   report.html            the page to look at
//! ```
//!
//! Events are on disk, as far as the operating system is concerned, before the caller goes on: one
//! `write(2)` a line and no buffer of our own, so that a controller that is killed loses nothing it
//! acted upon. Nothing is fsynced; the run does not have to survive a power cut of its controller.
//! A history and what the nodes recorded may be compressed once the run has ended, to
//! `history.jsonl.gz` and so on; they are read alike. While a run goes on it holds a lock on its history, which the kernel takes back when it ends, in
//! whichever way.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use checker::history::{Event, Operations};
use serde::Serialize;

use crate::compressed;
use crate::event::{NodeEvent, RunEvent};
use crate::event_log::EventLog;
use crate::layout::{self, LATEST, NODE_EVENTS, RUN};
pub use crate::layout::{HISTORY, NODES, ORDER, PLAN, REPORT, TARGET, VERDICT};
use crate::loaded_run::{self, LoadedRun};
use crate::summary::{Account, Summary};

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
        directory.history()?.lock();
        point_latest_at(results_dir, &directory.id)?;
        Ok(directory)
    }

    /// Opens the directory of an earlier run. Links such as `latest` are followed.
    ///
    /// # Errors
    /// When there is no such directory, or it holds nothing that a run leaves. Then the message
    /// names runs that stand in it.
    pub fn open(path: &Path) -> Result<RunDirectory> {
        let path =
            path.canonicalize().with_context(|| format!("cannot open the run {}", show(path)))?;
        if !RunDirectory::is_one(&path) {
            let own = format!("{} is not a run: it has no {HISTORY} and no {PLAN}", show(&path));
            match below(&path).as_slice() {
                [] => bail!(own),
                some => bail!("{own}; runs in it are {}", some.join(", ")),
            }
        }
        let id = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into());
        Ok(RunDirectory::at(path, id))
    }

    /// Returns true if a run left something there that can be looked at.
    pub fn is_one(path: &Path) -> bool {
        let stands = |name: &&str| compressed::stands(&path.join(name)).is_some();
        [HISTORY, PLAN, VERDICT].iter().any(stands)
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
            RunEvent::Mark(event) => self.append_event(&event.to_history()),
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

    /// Saves the order in which things went through their gates.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save_order(&self, order: &[u8]) -> Result<PathBuf> {
        self.replace(ORDER, order)
    }

    /// Saves the manifest of the target.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save_target(&self, toml: &str) -> Result<PathBuf> {
        self.replace(TARGET, toml.as_bytes())
    }

    /// Saves the account of the run, before anything comes of it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save_account(&self, account: &Account) -> Result<PathBuf> {
        self.save_json(RUN, account)
    }

    /// The account of the run; none if it saved none.
    ///
    /// # Errors
    /// When the file cannot be read or understood.
    pub fn account(&self) -> Result<Option<Account>> {
        loaded_run::read_json(&self.path.join(RUN))
    }

    /// The verdict of the run; none if it was not judged.
    ///
    /// # Errors
    /// When the file cannot be read or understood.
    pub fn summary(&self) -> Result<Option<Summary>> {
        loaded_run::read_summary(&self.path)
    }

    /// Returns true if the run goes on: its process lives and records.
    pub fn goes_on(&self) -> bool {
        EventLog::is_locked(&self.path.join(HISTORY))
    }

    /// Saves the summary as `verdict.json`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save_verdict(&self, summary: &Summary) -> Result<PathBuf> {
        self.save_json(VERDICT, summary)
    }

    fn save_json(&self, name: &str, value: &impl Serialize) -> Result<PathBuf> {
        let json = serde_json::to_vec_pretty(value);
        let mut json = json.with_context(|| format!("cannot make {name}"))?;
        json.push(b'\n');
        self.replace(name, &json)
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

    /// Reads the operations with their values, for the checker.
    ///
    /// # Errors
    /// When the history cannot be read or understood. The message names the file and the line.
    pub fn operations(&self) -> Result<Operations> {
        let path = self.path.join(HISTORY);
        let file = compressed::open(&path);
        let file = file.with_context(|| format!("cannot read {}", path.display()))?;
        let reading = checker::history::read(file);
        Ok(reading.with_context(|| path.display().to_string())?.operations)
    }

    fn history(&mut self) -> Result<&mut EventLog> {
        let log = match self.history.take() {
            Some(log) => log,
            None => EventLog::open(self.path.join(HISTORY))?,
        };
        Ok(self.history.insert(log))
    }

    fn replace(&self, name: &str, contents: &[u8]) -> Result<PathBuf> {
        layout::replace(&self.path, name, contents)
    }
}

/// The most runs that an error names.
const NAMED: usize = 5;

/// The newest runs in a folder, or in a folder of it, as paths from where the user stands.
fn below(path: &Path) -> Vec<String> {
    let folders = |path: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(path).into_iter().flatten().flatten();
        // Links are left out: `latest` is one of the others.
        let is_folder = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
        entries.filter(is_folder).map(|entry| entry.path()).collect()
    };
    let near = folders(path);
    let far = near.iter().flat_map(|folder| folders(folder)).collect::<Vec<_>>();
    let mut runs: Vec<String> = near
        .iter()
        .chain(&far)
        .filter(|folder| RunDirectory::is_one(folder))
        .map(|it| show(it))
        .collect();
    // They are named by the time at which they began.
    runs.sort_by(|one, other| other.cmp(one));
    runs.truncate(NAMED);
    runs
}

/// Makes the directory `id`, or `id-2`, `id-3`… and returns the name that was free.
pub(crate) fn claim_free_name(results_dir: &Path, id: &str) -> Result<String> {
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
pub(crate) fn point_latest_at(results_dir: &Path, id: &str) -> Result<()> {
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
pub(crate) fn require_plain_name(what: &str, name: &str) -> Result<()> {
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

//! The way of one fault: the role is resolved when the fault fires, the intent is recorded, the
//! fault is injected and its effect measured, the outcome is recorded; the same for the undoing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use anyhow::{Result, bail};
use checker::history::EventType;
use nemeses::nemesis::Nemesis;
use nemeses::schedule::{Entry, Resolved, Roles};
use nemeses::world::{Host, NodeState};
use serde::Serialize;
use serde_json::{Value, json};

use super::live::Live;
use super::recorder::Recorder;

/// Carries out a schedule.
pub struct Storm<H> {
    nemesis: Nemesis<H>,
    recorder: Arc<Recorder>,
    live: Live,
    nodes: Vec<String>,
    /// How the history speaks of the faults that fired so far.
    labels: BTreeMap<u32, Label>,
}

/// How the history speaks of a fault.
struct Label {
    family: &'static str,
    name: String,
    nodes: BTreeSet<String>,
}

/// Something that is due at a time of the load.
enum Due<'a> {
    Inject(&'a Entry),
    Undo(&'a Entry),
}

impl<H: Host> Storm<H> {
    /// No fault is on yet.
    pub fn new(host: H, recorder: Arc<Recorder>, live: Live, nodes: Vec<String>) -> Self {
        let labels = BTreeMap::new();
        Storm { nemesis: Nemesis::new(host), recorder, live, nodes, labels }
    }

    /// Injects and undoes every fault of `schedule` at its time, counted from `begin` on the
    /// recorder's clock. Ends early when `stop` is told anything or is dropped; whatever is on
    /// then stays on until [`recover`](Storm::recover).
    ///
    /// # Errors
    /// When the history cannot be written.
    pub fn blow(&mut self, schedule: &[Entry], begin: Duration, stop: &Receiver<()>) -> Result<()> {
        let injections = schedule.iter().map(|entry| (entry.at, Due::Inject(entry)));
        let undoings = schedule.iter().map(|entry| (entry.ends(), Due::Undo(entry)));
        let mut agenda: Vec<_> = injections.chain(undoings).collect();
        agenda.sort_by_key(|(at, _)| *at);
        for (at, due) in agenda {
            let wait = (begin + at).saturating_sub(self.recorder.elapsed());
            if stop.recv_timeout(wait) != Err(RecvTimeoutError::Timeout) {
                return Ok(());
            }
            match due {
                Due::Inject(entry) => self.inject(entry)?,
                Due::Undo(entry) => self.undo(entry.id)?,
            }
        }
        Ok(())
    }

    fn inject(&mut self, entry: &Entry) -> Result<()> {
        let live = self.live.snapshot();
        let roles = Roles { leader: live.leader(), former_leader: None };
        let resolved = entry.resolve(&self.nodes, roles);
        let label = Label::new(entry, &resolved);
        let intent = label.event(entry.id, "inject", resolved.action());
        self.recorder.nemesis(EventType::Invoke, label.family, intent)?;
        let report = self.nemesis.inject(entry, resolved);
        let done = label.event(entry.id, "inject", &report);
        self.recorder.nemesis(EventType::Info, label.family, done)?;
        self.labels.insert(entry.id, label);
        Ok(())
    }

    fn undo(&mut self, id: u32) -> Result<()> {
        let active = self.nemesis.active().find(|(active, _)| *active == id);
        let (Some((_, action)), Some(label)) = (active, self.labels.get(&id)) else {
            return Ok(());
        };
        let intent = label.event(id, "undo", action);
        self.recorder.nemesis(EventType::Invoke, label.family, intent)?;
        if let Some(recovery) = self.nemesis.undo(id) {
            for problem in &recovery.problems {
                self.recorder.note(format!("could not undo {}: {problem}", label.name));
            }
            let done = label.event(id, "undo", &recovery);
            self.recorder.nemesis(EventType::Info, label.family, done)?;
        }
        Ok(())
    }

    /// Undoes whatever is on and starts every node that is down.
    ///
    /// # Errors
    /// When a fault cannot be undone or a node cannot be started: then nothing can be asked of
    /// the cluster.
    pub fn recover(&mut self) -> Result<()> {
        for id in self.nemesis.undo_order() {
            self.undo(id)?;
        }
        let still_on: Vec<u32> = self.nemesis.active().map(|(id, _)| id).collect();
        if !still_on.is_empty() {
            bail!("the faults {still_on:?} could not be undone");
        }
        self.start_stopped_nodes()
    }

    /// Starts each node at its time after now.
    ///
    /// # Errors
    /// When the process of one cannot be made.
    pub fn start(&mut self, starts: &[(Duration, String)]) -> Result<()> {
        let begin = self.recorder.elapsed();
        for (at, _) in starts {
            std::thread::sleep((begin + *at).saturating_sub(self.recorder.elapsed()));
            let due = starts.iter().filter(|(other, _)| other <= at);
            self.start_nodes(&due.map(|(_, node)| node.clone()).collect())?;
        }
        Ok(())
    }

    /// Starts every node that is down.
    ///
    /// # Errors
    /// When the process of one cannot be made.
    pub fn start_stopped_nodes(&mut self) -> Result<()> {
        let host = self.nemesis.host_mut();
        let down: BTreeSet<String> = self
            .nodes
            .iter()
            .filter(|node| host.state(node) == NodeState::Stopped)
            .cloned()
            .collect();
        self.start_nodes(&down)
    }

    /// Starts these nodes; those that run are left alone.
    fn start_nodes(&mut self, nodes: &BTreeSet<String>) -> Result<()> {
        for (node, started) in self.nemesis.host_mut().start(nodes) {
            if let Err(error) = started {
                bail!("cannot start {node}: {error}");
            }
        }
        Ok(())
    }
}

impl Label {
    fn new(entry: &Entry, resolved: &Resolved) -> Self {
        let nodes = resolved.nodes();
        let mut name = entry.fault.to_string();
        if !nodes.is_empty() {
            let list: Vec<&str> = nodes.iter().map(String::as_str).collect();
            name = format!("{name} ({})", list.join(", "));
        }
        Label { family: entry.fault.family().name(), name, nodes }
    }

    /// The value of a nemesis event: number, stage, name and nodes of the fault, with `details`.
    fn event(&self, id: u32, stage: &str, details: &impl Serialize) -> Value {
        let mut value =
            json!({ "fault": id, "stage": stage, "name": self.name, "nodes": self.nodes });
        let details = serde_json::to_value(details).expect("faults are plain data");
        if let (Value::Object(value), Value::Object(details)) = (&mut value, details) {
            value.extend(details.into_iter().filter(|(key, _)| key != "id"));
        }
        value
    }
}

//! The nodes of a run: where they live, what they print, and how they end.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use nemeses::host::LocalHost;
use nemeses::host::node_process::{NodeListener, NodeOutput};
use results::event::NodeChange;
use tokio::sync::Notify;

use super::recorder::Recorder;
use crate::lab::LabInUse;
use crate::plan::Plan;
use crate::target::{Member, Target};

/// How many lines of a log an error shows: a panic with its message and a few frames.
const LOG_LINES: usize = 15;

/// A node's process that ended although nobody killed it.
#[derive(Debug, Clone)]
pub struct Exit {
    /// The node.
    pub node: String,
    /// `exit code 1`, `signal SIGSEGV`…
    pub status: String,
    /// Seconds since the run started.
    pub seconds: f64,
}

/// The members of the cluster under test.
pub struct Cluster {
    /// In order of their names.
    pub members: Vec<Member>,
    logs: Vec<PathBuf>,
    exits: Arc<Exits>,
}

/// Exits that nobody asked for.
#[derive(Default)]
struct Exits {
    seen: Mutex<Vec<Exit>>,
    news: Notify,
}

impl Cluster {
    /// Gives every node its place and its directory; nothing is started yet.
    ///
    /// # Errors
    /// When the network cannot be made, no port is free or a directory cannot be made.
    pub fn build(
        plan: &Plan,
        target: Arc<dyn Target>,
        lab: &LabInUse,
        recorder: &Arc<Recorder>,
    ) -> Result<(Cluster, LocalHost)> {
        let names = plan.node_names();
        let (network, addresses) = lab.addresses(&names)?;
        let mut members = Vec::new();
        let mut logs = Vec::new();
        for (name, address) in names.iter().zip(addresses) {
            let directory = recorder.with_directory(|directory| directory.node_directory(name))?;
            let data = directory.join("data");
            std::fs::create_dir_all(&data)
                .with_context(|| format!("cannot make {}", data.display()))?;
            members.push(Member { name: name.clone(), address, data });
            logs.push(directory.join("stderr.log"));
        }
        let specs: Result<Vec<_>> = (0..members.len())
            .map(|node| members[node].spec(target.command(&members, node), logs[node].clone()))
            .collect();
        let specs = specs?;
        let exits = Arc::new(Exits::default());
        let listener: NodeListener = {
            let (recorder, exits) = (recorder.clone(), exits.clone());
            Arc::new(move |node, output| hear(&recorder, &*target, &exits, node, output))
        };
        let mut host = LocalHost::new(network, listener).context("cannot start nodes")?;
        specs.into_iter().for_each(|spec| host.add_node(spec));
        Ok((Cluster { members, logs, exits }, host))
    }

    /// Waits until some process ends although nobody killed it.
    pub async fn unexpected_exit(&self) -> Exit {
        loop {
            let news = self.exits.news.notified();
            if let Some(exit) = self.first_unexpected_exit() {
                return exit;
            }
            news.await;
        }
    }

    /// The first process that ended although nobody killed it.
    pub fn first_unexpected_exit(&self) -> Option<Exit> {
        self.exits.seen.lock().unwrap_or_else(PoisonError::into_inner).first().cloned()
    }

    /// What to tell of such an end, with the last lines of the node's log.
    pub fn describe_exit(&self, exit: &Exit) -> String {
        let log = self.members.iter().position(|member| member.name == exit.node);
        format!(
            "{} ended by itself at {:.1} s ({}){}",
            exit.node,
            exit.seconds,
            exit.status,
            log.map_or_else(String::new, |node| last_lines(&self.logs[node]))
        )
    }

    /// What to tell when the cluster never agreed on a leader.
    pub fn never_healthy(&self, limit: Duration) -> String {
        let seconds = limit.as_secs();
        let mut text = format!("the nodes did not agree on a leader within {seconds} s");
        for (member, log) in self.members.iter().zip(&self.logs) {
            text.push_str(&format!("\n{}{}", member.name, last_lines(log)));
        }
        text
    }

    /// Removes what the nodes stored; their logs stay.
    ///
    /// # Errors
    /// When a directory cannot be removed.
    pub fn remove_data(&self) -> Result<()> {
        for member in &self.members {
            std::fs::remove_dir_all(&member.data)
                .with_context(|| format!("cannot remove {}", member.data.display()))?;
        }
        Ok(())
    }
}

/// Takes in what became of a node.
fn hear(recorder: &Recorder, target: &dyn Target, exits: &Exits, node: &str, output: NodeOutput) {
    let change = match output {
        NodeOutput::Started { pid } => NodeChange::Started { pid },
        NodeOutput::Line(line) => match target.node_change(&line) {
            Some(change) => change,
            None => return,
        },
        NodeOutput::Exited { status, expected } => {
            if !expected {
                let seconds = recorder.elapsed().as_secs_f64();
                let exit = Exit { node: node.into(), status: status.clone(), seconds };
                exits.seen.lock().unwrap_or_else(PoisonError::into_inner).push(exit);
                exits.news.notify_waiters();
            }
            NodeChange::Exited { status }
        }
    };
    recorder.node(node, change);
}

/// The end of a log, as an error shows it.
pub fn last_lines(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let shown = &lines[lines.len().saturating_sub(LOG_LINES)..];
    if shown.is_empty() {
        return format!("; its log {} is empty", log.display());
    }
    format!("; the end of {}:\n  {}", log.display(), shown.join("\n  "))
}

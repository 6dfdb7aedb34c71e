//! Three nodes on loopback ports that die with the benchmark, however it ends.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use nemeses::host::LocalHost;
use nemeses::host::node_process::{NodeSpec, OwnClock};
use nemeses::world::{Host, NodeState};

use crate::machine;

/// How many nodes a cluster has.
pub const NODES: usize = 3;

/// How many lines of a node's log an error shows.
const LOG_LINES: usize = 10;

/// What is to be started as one node.
pub struct Member {
    /// Its name.
    pub name: String,
    /// Where clients reach it, `host:port`.
    pub address: String,
    /// The program and its arguments.
    pub command: Vec<OsString>,
}

/// A cluster that runs. When it is dropped its processes and its data are gone.
pub struct Cluster {
    /// Where clients reach the nodes, `host:port`.
    pub addresses: Vec<String>,
    host: LocalHost,
    names: BTreeSet<String>,
    processes: Vec<u32>,
    directory: PathBuf,
}

impl Cluster {
    /// Starts every member; `directory` is theirs and goes with them.
    pub fn start(directory: PathBuf, members: Vec<Member>) -> Result<Self> {
        let nobody_listens = Arc::new(|_: &str, _| {});
        let host = LocalHost::new(None, nobody_listens).context("cannot start nodes")?;
        fs::create_dir_all(&directory)?;
        let mut cluster = Cluster {
            addresses: members.iter().map(|member| member.address.clone()).collect(),
            host,
            names: members.iter().map(|member| member.name.clone()).collect(),
            processes: Vec::new(),
            directory,
        };
        for Member { name, command, .. } in members {
            cluster.host.add_node(NodeSpec {
                log_path: log_path(&cluster.directory, &name),
                name,
                argv: command,
                env: BTreeMap::new(),
                cwd: cluster.directory.clone(),
                own_clock: OwnClock::No,
            });
        }
        for (name, started) in cluster.host.start(&cluster.names) {
            let process = started.with_context(|| format!("cannot start {name}"))?;
            cluster.processes.push(process);
        }
        Ok(cluster)
    }

    /// A node whose process is over, should there be one.
    pub fn ended(&self) -> Option<&str> {
        let stopped = |name: &&String| self.host.state(name) == NodeState::Stopped;
        self.names.iter().find(stopped).map(String::as_str)
    }

    /// The processor time that all nodes used so far.
    pub fn processor_time(&self) -> Result<Duration> {
        self.processes.iter().map(|process| machine::processor_time(&process.to_string())).sum()
    }

    /// The end of every node's log, for an error.
    pub fn logs(&self) -> String {
        let mut text = String::from("the nodes' last words:");
        for name in &self.names {
            let log = fs::read_to_string(log_path(&self.directory, name)).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            for line in &lines[lines.len().saturating_sub(LOG_LINES)..] {
                text += &format!("\n  {name}: {line}");
            }
        }
        text
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.host.kill(&self.names);
        // What cannot be removed now is removed before the next run.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn log_path(directory: &Path, node: &str) -> PathBuf {
    directory.join(format!("{node}.log"))
}

/// Loopback addresses, `host:port`, on which nobody listens. All are held until the last is found,
/// so that no two are the same.
pub fn free_addresses(count: usize) -> Result<Vec<String>> {
    let held: std::io::Result<Vec<TcpListener>> =
        (0..count).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).collect();
    let held = held.context("no free port on the loopback")?;
    held.iter().map(|listener| Ok(listener.local_addr()?.to_string())).collect()
}

//! Three nodes on loopback ports that die with the benchmark, however it ends.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use engines::LocalHost;
use engines::node_process::{NodeSpec, OwnClock};
use faults::host::{Host, NodeState};

use crate::machine;

/// The number of nodes in a cluster.
pub const NODES: usize = 3;

/// The number of lines of a node's log that an error shows.
const LOG_LINES: usize = 10;

/// The program to be started as one node.
pub struct Member {
    /// Its name.
    pub name: String,
    /// The address for its clients, `host:port`.
    pub address: String,
    /// The program and its arguments.
    pub command: Vec<OsString>,
    /// The mount point of its disk of the fault engine, should it have one.
    pub disk: Option<PathBuf>,
    /// True if it has clocks of its own.
    pub own_clock: OwnClock,
}

/// A cluster that runs. When it is dropped its processes and its data are gone.
pub struct Cluster {
    /// The addresses of the nodes for clients, `host:port`.
    pub addresses: Vec<String>,
    host: LocalHost,
    names: BTreeSet<String>,
    processes: Vec<u32>,
    /// After the host: only when its disks are unmounted can what lies below them be removed.
    directory: Scratch,
}

/// A directory that goes with this value.
struct Scratch(PathBuf);

impl Cluster {
    /// Starts every member; `directory` is theirs and goes with them.
    pub fn start(directory: PathBuf, members: Vec<Member>) -> Result<Self> {
        let nobody_listens = Arc::new(|_: &str, _| {});
        let host = LocalHost::new(None, nobody_listens).context("cannot start nodes")?;
        fs::create_dir_all(&directory)?;
        let directory = Scratch(directory);
        let mut cluster = Cluster {
            addresses: members.iter().map(|member| member.address.clone()).collect(),
            host,
            names: members.iter().map(|member| member.name.clone()).collect(),
            processes: Vec::new(),
            directory,
        };
        let mut own_clocks = 0;
        for (Member { name, command, disk, own_clock, .. }, seed) in members.into_iter().zip(0..) {
            cluster.host.add_node(NodeSpec {
                log_path: log_path(&cluster.directory.0, &name),
                name: name.clone(),
                argv: command,
                later_argv: None,
                anew_argv: None,
                env: BTreeMap::new(),
                cwd: cluster.directory.0.clone(),
                own_clock,
            });
            if let Some(path) = disk {
                let mounted = cluster.host.mount_disk(&name, &path, seed);
                mounted.with_context(|| format!("cannot give {name} a disk of its own"))?;
            }
            own_clocks += usize::from(own_clock != OwnClock::No);
        }
        for (name, started) in cluster.host.start(&cluster.names) {
            let process = started.with_context(|| format!("cannot start {name}"))?;
            cluster.processes.push(process);
        }
        // A node whose clocks could not be made its own runs on without.
        let read = cluster.host.clocks().values().filter(|clocks| clocks.is_ok()).count();
        ensure!(read == own_clocks, "{read} of {own_clocks} nodes have clocks of their own");
        Ok(cluster)
    }

    /// The number of fsyncs that each disk of the fault engine has answered.
    pub fn fsyncs(&mut self) -> Vec<u64> {
        let seen = self.host.disks();
        seen.values().map(|seen| seen.as_ref().map_or(0, |seen| seen.fsync.count)).collect()
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
            let log = fs::read_to_string(log_path(&self.directory.0, name)).unwrap_or_default();
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
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed now is removed before the next run.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn log_path(directory: &Path, node: &str) -> PathBuf {
    directory.join(format!("{node}.log"))
}

/// Loopback addresses, `host:port`, on which no program listens. All are held until the last is
/// found, so that no two are the same.
pub fn free_addresses(count: usize) -> Result<Vec<String>> {
    let held: std::io::Result<Vec<TcpListener>> =
        (0..count).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).collect();
    let held = held.context("no free port on the loopback")?;
    held.iter().map(|listener| Ok(listener.local_addr()?.to_string())).collect()
}

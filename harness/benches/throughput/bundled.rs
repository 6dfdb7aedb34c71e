//! The bundled cluster: how to start it and how to speak to it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use engines::engine_for;
use engines::node_process::OwnClock;
use faults::fault::Family;
use serde_json::{Value, json};

use crate::cluster::{Cluster, Member, NODES, free_addresses};

/// The tmpfs that Linux mounts and every user may write to.
const TMPFS: &str = "/dev/shm";

/// The ground that a cluster runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// The disk of the benchmark's directory and the machine's clocks.
    Disk,
    /// Files in memory, where an fsync costs nothing, and the machine's clocks.
    Tmpfs,
    /// For each node a disk of the fault engine, without faults, and the machine's clocks.
    FaultDisk,
    /// Files in memory, and for each node clocks of its own that show the right time.
    OwnClocks,
    /// Files in memory, the machine's clocks, and nodes that write no events.
    NoEvents,
}

impl Ground {
    /// Succeeds if it is there; the error says why not.
    pub fn try_out(self) -> Result<(), String> {
        match self {
            Self::Disk => Ok(()),
            Self::Tmpfs | Self::NoEvents => try_tmpfs(),
            Self::FaultDisk => engine_for(Family::Disk, None).map(drop),
            Self::OwnClocks => try_tmpfs().and(engine_for(Family::Clock, None).map(drop)),
        }
    }

    /// The folder of a cluster's files, given the directory of the benchmark.
    pub fn directory(self, benchmark: &Path) -> PathBuf {
        match self {
            Self::Disk | Self::FaultDisk => benchmark.join("bundled"),
            Self::Tmpfs | Self::OwnClocks | Self::NoEvents => {
                Path::new(TMPFS).join("stormproof-throughput")
            }
        }
    }
}

fn try_tmpfs() -> Result<(), String> {
    let mounts = std::fs::read_to_string("/proc/self/mounts").map_err(|error| error.to_string())?;
    let is_it = |line: &str| line.split(' ').skip(1).take(2).eq([TMPFS, "tmpfs"]);
    mounts.lines().any(is_it).then_some(()).ok_or_else(|| format!("{TMPFS} is no tmpfs"))
}

/// Starts a fresh cluster in `directory`, which is to be that of `ground`.
pub fn start(ground: Ground, directory: PathBuf) -> Result<Cluster> {
    let all = free_addresses(2 * NODES)?;
    let (addresses, for_peers) = all.split_at(NODES);
    let name = |node: usize| format!("n{}", node + 1);
    let peers: Vec<String> =
        (0..NODES).map(|node| format!("--peer={}={}", name(node), for_peers[node])).collect();
    let member = |node: usize| {
        let name = name(node);
        let mut command = vec![env!("CARGO_BIN_EXE_stormproof").to_owned(), "node".to_owned()];
        command.push(format!("--id={name}"));
        command.push(format!("--listen={}", addresses[node]));
        command.push(format!("--peer-listen={}", for_peers[node]));
        let data = directory.join(&name);
        command.push(format!("--data={}", data.display()));
        command.extend(peers.iter().cloned());
        if ground == Ground::NoEvents {
            command.push("--no-events".to_owned());
        }
        let command = command.into_iter().map(Into::into).collect();
        let own_clock = match ground {
            Ground::OwnClocks => OwnClock::WithDeadlines,
            _ => OwnClock::No,
        };
        let disk = (ground == Ground::FaultDisk).then_some(data);
        Member { name, address: addresses[node].clone(), command, disk, own_clock }
    };
    let members = (0..NODES).map(member).collect();
    Cluster::start(directory, members)
}

/// True if the node at `address` leads.
pub async fn leads(http: &reqwest::Client, address: &str) -> Result<bool> {
    let response = http.get(format!("http://{address}/status")).send().await?;
    let status: Value = response.json().await?;
    Ok(status["role"] == "leader")
}

/// One write.
pub async fn write(
    http: &reqwest::Client,
    leader: &str,
    key: &str,
    value: &str,
    token: &str,
) -> Result<()> {
    let body = json!({"f": "write", "key": key, "value": value, "token": token});
    ask(http, leader, &body).await.map(drop)
}

/// The value of a key.
pub async fn read(http: &reqwest::Client, leader: &str, key: &str) -> Result<String> {
    let body = ask(http, leader, &json!({"f": "read", "key": key})).await?;
    let answer: Value = serde_json::from_slice(&body)?;
    Ok(answer["value"].as_str().context("the value is no text")?.to_owned())
}

async fn ask(http: &reqwest::Client, leader: &str, body: &Value) -> Result<bytes::Bytes> {
    let response = http.post(format!("http://{leader}/kv")).json(body).send().await?;
    Ok(response.error_for_status()?.bytes().await?)
}

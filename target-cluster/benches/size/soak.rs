//! The writes of a long time, as fast as they go: what they leave in memory and on the disks.
//!
//! Three nodes take writes of 200 bytes over ten keys by clients with sessions. After each tenth it tells
//! the memory of this process, which has all nodes and the clients in it, and the largest data directory.
//! A cluster that takes 500 writes a second gets 43,200,000 in a day.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::{Result, ensure};
use serde_json::json;
use stormproof_cluster::core::SnapshotOptions;
use tokio::task::JoinSet;

use super::cluster::{Cluster, resident_megabytes};
use super::nodes::{Node, Nodes};

const NAMES: [&str; 3] = ["n1", "n2", "n3"];

/// The length of a value.
const VALUE_BYTES: usize = 200;

/// The keys that all writes go to.
const KEYS: u64 = 10;

/// The clients, each with one write on its way.
const CLIENTS: u64 = 64;

/// Measures it with so many writes, with data below `root`.
pub fn run(root: PathBuf, writes: u64) -> Result<()> {
    let nodes = Nodes { root, cluster: "soak", snapshots: SnapshotOptions::DEFAULT };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure(&nodes, writes))
}

async fn measure(nodes: &Nodes, writes: u64) -> Result<()> {
    let running = nodes.start(&NAMES)?;
    let cluster = Cluster::of(&running)?;
    let leader = cluster.leader().await?;
    let value: Arc<str> = "x".repeat(VALUE_BYTES).into();
    let numbers = Arc::new(AtomicU64::new(0));
    let start = Instant::now();
    for tenth in 1..=10 {
        let (began, until) = (Instant::now(), writes * tenth / 10);
        let before = numbers.load(Ordering::Relaxed);
        let mut clients: JoinSet<Result<()>> = JoinSet::new();
        for client in 0..CLIENTS {
            let (cluster, numbers) = (Arc::clone(&cluster), Arc::clone(&numbers));
            let (leader, value) = (leader.clone(), Arc::clone(&value));
            clients.spawn(async move {
                while let number = numbers.fetch_add(1, Ordering::Relaxed)
                    && number < until
                {
                    let key = format!("hot {}", number % KEYS);
                    let token = format!("soak-{client}:{number}");
                    let body = json!({"f": "write", "key": key, "value": *value, "token": token});
                    cluster.ask(&leader, "/kv", body).await?;
                }
                Ok(())
            });
        }
        while let Some(client) = clients.join_next().await {
            client.expect("a client does not panic")?;
        }
        numbers.store(until, Ordering::Relaxed);
        let rate = (until - before) as f64 / began.elapsed().as_secs_f64();
        let disks = NAMES.iter().map(|name| megabytes_below(&nodes.data(name)));
        let largest = disks.collect::<Result<Vec<u64>>>()?.into_iter().max().unwrap_or(0);
        println!(
            "{until} writes, {rate:.0} a second: memory {} MB, largest data directory {largest} MB",
            resident_megabytes()?
        );
    }
    println!("in all {:.0} s", start.elapsed().as_secs_f64());
    let status = cluster.status(&leader).await?;
    ensure!(status["applied"].as_u64() >= Some(writes), "all is applied: {status}");
    running.into_iter().try_for_each(Node::stop)
}

/// The bytes of the files of a directory, in MB.
fn megabytes_below(directory: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(directory)? {
        // A file may be removed meanwhile.
        bytes += entry?.metadata().map_or(0, |file| file.len());
    }
    Ok(bytes / 1_000_000)
}

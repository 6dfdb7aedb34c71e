//! A cluster with a large state.
//!
//! Three nodes hold 1 GB (or what is asked for) in items of 10 kB. While clients write, it tells
//!
//! - the longest time without an acknowledged write while a snapshot is written, beside that of a time
//!   without one;
//! - the writes a second while a fourth node gets the state and becomes a voter, beside those before;
//! - the time until one of them, started again, answers, beside the time that reading and decoding the
//!   snapshot takes; and the time until all of them, started again together, acknowledge a write;
//! - the memory of this process, which has all nodes and the clients in it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use stormproof_cluster::bugs::Bugs;
use stormproof_cluster::core::SnapshotOptions;
use stormproof_cluster::server::LOG_FILE;
use stormproof_cluster::storage::{FileDisk, recover};
use tokio::task::JoinSet;

use super::cluster::{Cluster, resident_megabytes, write};
use super::nodes::{Node, Nodes};

/// The length of an item.
const ITEM_BYTES: usize = 10_000;

/// The clients that load the state, and that write afterwards.
const CLIENTS: usize = 16;

/// The time without anything else, to compare with.
const UNDISTURBED: Duration = Duration::from_secs(10);

/// Measures it with so many megabytes, with data below `root`.
pub fn run(root: PathBuf, megabytes: u64) -> Result<()> {
    let bytes_per_second = SnapshotOptions::DEFAULT.bytes_per_second;
    let snapshots = SnapshotOptions { bytes_per_second, ..SnapshotOptions::NEVER };
    let nodes = Nodes { root, cluster: "large", snapshots };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure(&nodes, megabytes * 1_000_000 / ITEM_BYTES as u64))
}

async fn measure(nodes: &Nodes, items: u64) -> Result<()> {
    let founders = ["n1", "n2", "n3"];
    let mut running = nodes.start(&founders)?;
    let cluster = Cluster::of(&running)?;
    let leader = cluster.leader().await?;
    let began = Instant::now();
    cluster.fill(&leader, items).await?;
    println!("{items} items of {ITEM_BYTES} bytes written in {:.1} s", secs(began.elapsed()));
    println!("memory of all nodes: {} MB", resident_megabytes()?);

    let (before, ()) = cluster.write_until(&leader, tokio::time::sleep(UNDISTURBED)).await;
    println!("undisturbed: {before}");
    // With the second one the log drops all that the first one holds, and the third one takes its place.
    for which in ["first", "second", "third"] {
        let taken = cluster.insist(&leader, "/admin/snapshot", json!({}));
        let (during, taken) = cluster.write_until(&leader, taken).await;
        taken?;
        println!("the leader writes its {which} snapshot: {during}");
    }

    let status = cluster.status(&leader).await?;
    let newcomer = nodes.join("n4", status["cluster"].as_str().context("the cluster's id")?)?;
    let add = json!({"add": "n4", "address": newcomer.for_peers});
    let added = cluster.insist(&leader, "/admin/members", add);
    let (during, added) = cluster.write_until(&leader, added).await;
    added?;
    let share = 100.0 * during.rate() / before.rate();
    println!("a new voter gets the state: {during}, {share:.0} % of the writes");
    println!("memory of all nodes: {} MB", resident_megabytes()?);

    running.push(newcomer);
    running.into_iter().try_for_each(Node::stop)?;
    let leader_name = status["id"].as_str().context("its name")?;
    let read = read_alone(&nodes.data(leader_name))?;
    let start = Instant::now();
    let one = nodes.start_of(&founders, &[leader_name])?;
    Cluster::of(&one)?.answers(&one[0].url).await?;
    let answered = start.elapsed();
    println!(
        "a snapshot is read and decoded in {:.1} s; a node, started again, answers after {:.1} s: {:.1} \
         times that",
        secs(read),
        secs(answered),
        secs(answered) / secs(read)
    );
    one.into_iter().try_for_each(Node::stop)?;
    let start = Instant::now();
    let again = nodes.start(&founders)?;
    let cluster = Cluster::of(&again)?;
    let leader = cluster.leader().await?;
    cluster.insist(&leader, "/kv", write("again", "x")).await?;
    println!(
        "all, started again together, acknowledge a write after {:.1} s",
        secs(start.elapsed())
    );
    again.into_iter().try_for_each(Node::stop)
}

/// The time in which one node reads and decodes what it starts with.
fn read_alone(data: &Path) -> Result<Duration> {
    let start = Instant::now();
    let started = recover(FileDisk::open(data, LOG_FILE)?, &Bugs::new())?;
    let took = start.elapsed();
    ensure!(started.recovered.snapshot.is_some(), "there is a snapshot");
    Ok(took)
}

/// The writes that were acknowledged in a time.
struct Writes {
    count: u64,
    took: Duration,
    /// The longest time without one.
    gap: Duration,
}

impl Writes {
    fn rate(&self) -> f64 {
        self.count as f64 / secs(self.took)
    }
}

impl std::fmt::Display for Writes {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (rate, took, gap) = (self.rate(), secs(self.took), 1e3 * secs(self.gap));
        write!(out, "{rate:.0} writes a second for {took:.1} s, at most {gap:.0} ms without one")
    }
}

impl Cluster {
    /// Writes that many items.
    async fn fill(self: &Arc<Self>, leader: &str, items: u64) -> Result<()> {
        let value = "x".repeat(ITEM_BYTES);
        let next = Arc::new(AtomicU64::new(0));
        let mut clients: JoinSet<Result<()>> = JoinSet::new();
        for _ in 0..CLIENTS {
            let (cluster, next) = (Arc::clone(self), Arc::clone(&next));
            let (leader, value) = (leader.to_owned(), value.clone());
            clients.spawn(async move {
                loop {
                    let item = next.fetch_add(1, Ordering::Relaxed);
                    if item >= items {
                        return Ok(());
                    }
                    cluster.ask(&leader, "/kv", write(&format!("item {item}"), &value)).await?;
                }
            });
        }
        while let Some(client) = clients.join_next().await {
            client.expect("a client does not panic")?;
        }
        Ok(())
    }

    /// Writes small items until something has ended, and gives its result. Writes that fail meanwhile count
    /// as not acknowledged.
    async fn write_until<T>(
        self: &Arc<Self>,
        leader: &str,
        ends: impl Future<Output = T>,
    ) -> (Writes, T) {
        let acknowledged = Arc::new(Mutex::new(Vec::new()));
        let mut clients = JoinSet::new();
        let start = Instant::now();
        for client in 0..CLIENTS {
            let (cluster, acknowledged) = (Arc::clone(self), Arc::clone(&acknowledged));
            let leader = leader.to_owned();
            clients.spawn(async move {
                loop {
                    if cluster
                        .ask(&leader, "/kv", write(&format!("small {client}"), "y"))
                        .await
                        .is_ok()
                    {
                        acknowledged.lock().expect("no client panics").push(start.elapsed());
                    }
                }
            });
        }
        let result = ends.await;
        let took = start.elapsed();
        clients.shutdown().await;
        let mut times = acknowledged.lock().expect("no client panics").clone();
        let count = times.len() as u64;
        times.push(took);
        times.sort_unstable();
        let starts = [Duration::ZERO].into_iter().chain(times.iter().copied());
        let gap = times.iter().zip(starts).map(|(end, start)| *end - start).max().unwrap_or(took);
        (Writes { count, took, gap }, result)
    }
}

fn secs(time: Duration) -> f64 {
    time.as_secs_f64()
}

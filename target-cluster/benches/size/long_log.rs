//! The time that a cluster takes to serve again when all of its nodes restart with a long log.
//!
//! The nodes run in this process, on loopback ports, with real logs of 1,000,000 writes (some 200 MB
//! each). The time counts from their start to the first write that one of them acknowledges. A
//! term beyond the first says that a leader was deposed while it was busy.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use stormproof_cluster::bugs::Bugs;
use stormproof_cluster::core::{Entry, Payload, Record, SnapshotOptions};
use stormproof_cluster::kv::{EncodedCommand, RequestBody};
use stormproof_cluster::server::LOG_FILE;
use stormproof_cluster::storage::{FileDisk, Identity, WriteAheadLog};

use super::nodes::{Node, Nodes};

const CLUSTER: &str = "restart";

const NAMES: [&str; 3] = ["n1", "n2", "n3"];

/// The most that it may take before it counts as hanging.
const PATIENCE: Duration = Duration::from_secs(120);

/// Measures it with so many writes, with data below `root`.
pub fn run(root: PathBuf, entries: u64) -> Result<()> {
    for name in NAMES {
        write_log(&root.join(name), name, entries)?;
    }
    let bytes = std::fs::metadata(root.join("n1").join(LOG_FILE))?.len();
    println!("{entries} entries, {} MB a log", bytes / 1_000_000);
    let (served, term) = restart(root)?;
    println!("first write acknowledged after {:.2} s, in term {term}", served.as_secs_f64());
    println!("term 2 is that of the first election; more: {}", term.saturating_sub(2));
    Ok(())
}

/// The log of a node of a cluster that took so many writes in term 1.
fn write_log(directory: &Path, name: &str, entries: u64) -> Result<()> {
    let disk = FileDisk::open(directory, LOG_FILE)?;
    Identity::new(CLUSTER, name, NAMES.map(String::from)).claim(directory, false, 1.into())?;
    let mut wal = WriteAheadLog::open(disk, &Bugs::new())?.wal;
    wal.append([&Record::Vote { term: 1, vote: Some("n1".into()) }])?;
    let mut batch = Vec::new();
    for index in 1..=entries {
        let body: RequestBody = serde_json::from_value(json!({
            "f": "write",
            "key": format!("r7f3/k{}", index % 1000),
            "value": index,
            "token": format!("r7f3:{}:{}", index % 64, index / 64),
        }))?;
        let stormproof_cluster::kv::Operation::Command(command) = body.into_operation()? else {
            unreachable!("a write is a command");
        };
        let payload = Payload::Command(EncodedCommand::new(&command));
        batch.push(Record::Entry(Arc::new(Entry { index, term: 1, payload })));
        if batch.len() == 1000 {
            wal.append(&batch)?;
            batch.clear();
        }
    }
    wal.append(&batch)?;
    wal.sync()?;
    Ok(wal.mark()?)
}

/// Starts the nodes on their logs; the time until the first write, and the term in which it was.
fn restart(root: PathBuf) -> Result<(Duration, u64)> {
    let nodes = Nodes { root, cluster: CLUSTER, snapshots: SnapshotOptions::DEFAULT };
    let start = Instant::now();
    let running = nodes.start(&NAMES)?;
    let urls: Vec<String> = running.iter().map(|node| node.url.clone()).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let measured = runtime.block_on(first_write(&urls, start));
    running.into_iter().try_for_each(Node::stop)?;
    measured
}

async fn first_write(urls: &[String], start: Instant) -> Result<(Duration, u64)> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let write = json!({"f": "write", "key": "k", "value": 1});
    loop {
        for url in urls {
            ensure!(start.elapsed() < PATIENCE, "no write was acknowledged within {PATIENCE:?}");
            let sent = client.post(format!("{url}/kv")).json(&write).send().await;
            if sent.is_ok_and(|answer| answer.status().is_success()) {
                let served = start.elapsed();
                let status = client.get(format!("{url}/status")).send().await?;
                let status: Value = status.json().await?;
                return Ok((served, status["term"].as_u64().context("a term")?));
            }
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

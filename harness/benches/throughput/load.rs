//! Closed-loop clients and what is seen of them.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::task::JoinSet;
use tokio::time::sleep_until;

use crate::cluster::Cluster;
use crate::contender::Writer;
use crate::machine;

/// The number of clients that write at once.
pub const CLIENTS: usize = 64;

/// The length of a turn.
#[derive(Debug, Clone, Copy)]
pub struct Length {
    /// Writes that are answered before it is over do not count.
    pub warm_up: Duration,
    /// Writes that are answered within it count.
    pub measured: Duration,
}

/// The figures of one turn, or the medians of several.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    /// Acknowledged writes a second, of all clients together.
    pub writes_per_second: f64,
    /// From sending to the acknowledgement, milliseconds: half of the writes took longer.
    pub p50: f64,
    /// From sending to the acknowledgement, milliseconds: one write in a hundred took longer.
    pub p99: f64,
    /// Processor time of all nodes, microseconds a write.
    pub nodes_cost: f64,
    /// Processor time of the clients, microseconds a write.
    pub clients_cost: f64,
}

impl fmt::Display for Figures {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { writes_per_second, p50, p99, .. } = self;
        write!(out, "{writes_per_second:>7.0} writes/s, p50 {p50:.1} ms, p99 {p99:.1} ms")
    }
}

/// The result of a turn.
pub struct Loaded {
    /// The figures.
    pub figures: Figures,
    /// The key and value that one of the clients wrote last.
    pub last_write: (String, String),
}

/// Lets every writer write in a closed loop until the time is over.
///
/// # Errors
/// When any write fails.
pub async fn run(writers: Vec<Writer>, length: Length, cluster: &Cluster) -> Result<Loaded> {
    let start = Instant::now() + length.warm_up;
    let end = start + length.measured;
    let mut clients = JoinSet::new();
    for (client, writer) in writers.into_iter().enumerate() {
        clients.spawn(write_until_the_end(writer, client, start, end));
    }
    sleep_until(start.into()).await;
    let (nodes_before, clients_before) = processor_times(cluster)?;
    sleep_until(end.into()).await;
    let (nodes_after, clients_after) = processor_times(cluster)?;

    let mut latencies = Vec::new();
    let mut last_write = None;
    while let Some(client) = clients.join_next().await {
        let client = client??;
        latencies.extend(client.latencies);
        last_write = Some(client.last_write);
    }
    latencies.sort_unstable();
    ensure!(!latencies.is_empty(), "no write was acknowledged in {:?}", length.measured);
    let writes = latencies.len() as f64;
    let per_write = |spent: Duration| spent.as_secs_f64() * 1e6 / writes;
    let figures = Figures {
        writes_per_second: writes / length.measured.as_secs_f64(),
        p50: percentile(&latencies, 50).as_secs_f64() * 1e3,
        p99: percentile(&latencies, 99).as_secs_f64() * 1e3,
        nodes_cost: per_write(nodes_after - nodes_before),
        clients_cost: per_write(clients_after - clients_before),
    };
    Ok(Loaded { figures, last_write: last_write.context("there are no clients")? })
}

/// The figures of one client.
struct Client {
    /// The time that each write took, of those that count.
    latencies: Vec<Duration>,
    /// The key and value written last.
    last_write: (String, String),
}

async fn write_until_the_end(
    writer: Writer,
    client: usize,
    start: Instant,
    end: Instant,
) -> Result<Client> {
    let key = format!("key-{client}");
    let mut latencies = Vec::new();
    for number in 1.. {
        let value = format!("value-{number:010}");
        let sent = Instant::now();
        writer.write(client, number, &key, &value).await?;
        let answered = Instant::now();
        if answered >= end {
            return Ok(Client { latencies, last_write: (key, value) });
        }
        if answered >= start {
            latencies.push(answered - sent);
        }
    }
    unreachable!("the time is over before the numbers are")
}

/// The processor time used so far: of all nodes, and of the clients, which are this process.
fn processor_times(cluster: &Cluster) -> Result<(Duration, Duration)> {
    Ok((cluster.processor_time()?, machine::processor_time("self")?))
}

/// The smallest of `sorted` that at least `percent` of them do not exceed (nearest rank).
fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted[rank.max(1) - 1]
}

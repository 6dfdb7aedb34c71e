//! The contenders that are measured, and one turn of each.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use h2::client::SendRequest;
use tokio::time::{Instant, sleep};

use crate::bundled::{self, Ground};
use crate::cluster::{Cluster, NODES};
use crate::etcd;
use crate::load::{self, CLIENTS, Figures, Length};

/// The time that a fresh cluster may take to elect a leader. It takes about a second; a machine
/// with much else to do must not spoil the run.
const ELECTION_PATIENCE: Duration = Duration::from_secs(20);
/// Between two questions who leads.
const ELECTION_PAUSE: Duration = Duration::from_millis(50);

/// The number of clients that share a connection to etcd's gRPC, as etcd's own benchmarks let ten
/// (`benchmark --conns=100 --clients=1000`).
const CLIENTS_A_CONNECTION: usize = 8;

/// A service and the way it is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contender {
    /// The bundled cluster through `POST /kv`.
    Bundled(Ground),
    /// etcd through its JSON gateway.
    EtcdJson,
    /// etcd through gRPC.
    EtcdGrpc,
}

/// The way in which one client writes; clients that share a connection have clones.
#[derive(Debug, Clone)]
pub enum Writer {
    /// To the bundled cluster.
    Bundled { http: reqwest::Client, leader: String },
    /// To etcd's JSON gateway.
    EtcdJson { http: reqwest::Client, leader: String },
    /// To etcd's gRPC, over a connection that is open.
    EtcdGrpc(SendRequest<Bytes>),
}

impl Contender {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bundled(Ground::Disk) => "bundled, JSON over HTTP",
            Self::Bundled(Ground::Tmpfs) => "bundled, tmpfs",
            Self::Bundled(Ground::FaultDisk) => "bundled, fault disks",
            Self::Bundled(Ground::OwnClocks) => "bundled, own clocks",
            Self::Bundled(Ground::NoEvents) => "bundled, no events",
            Self::EtcdJson => "etcd, JSON gateway",
            Self::EtcdGrpc => "etcd, gRPC",
        }
    }

    /// The contender with whose speed its own is compared.
    pub fn rival(self) -> Self {
        match self {
            Self::Bundled(Ground::FaultDisk | Ground::OwnClocks | Ground::NoEvents) => {
                Self::Bundled(Ground::Tmpfs)
            }
            _ => Self::Bundled(Ground::Disk),
        }
    }

    /// Starts a fresh cluster below `directory`, loads it, stops it.
    ///
    /// # Errors
    /// When no leader is elected, or a write fails or is lost: the figure would be worth nothing.
    pub async fn turn(self, directory: &Path, length: Length) -> Result<Figures> {
        let mut cluster = match self {
            Self::Bundled(ground) => bundled::start(ground, ground.directory(directory))?,
            Self::EtcdJson | Self::EtcdGrpc => etcd::start(directory)?,
        };
        let figures = self.load(&cluster, length).await.with_context(|| cluster.logs())?;
        let disks = if self == Self::Bundled(Ground::FaultDisk) { NODES } else { 0 };
        let fsyncs = cluster.fsyncs();
        let used = fsyncs.iter().filter(|fsyncs| **fsyncs > 0).count();
        ensure!(used == disks, "of {disks} disks of the fault engine {used} saw an fsync");
        Ok(figures)
    }

    async fn load(self, cluster: &Cluster, length: Length) -> Result<Figures> {
        let http = reqwest::Client::builder().no_proxy().tcp_nodelay(true).build()?;
        let leader = self.leader(&http, cluster).await?;
        let mut writers: Vec<Writer> = Vec::new();
        for client in 0..CLIENTS {
            let (http, leader) = (http.clone(), leader.clone());
            let writer = match self {
                Self::Bundled(_) => Writer::Bundled { http, leader },
                Self::EtcdJson => Writer::EtcdJson { http, leader },
                Self::EtcdGrpc if client % CLIENTS_A_CONNECTION == 0 => {
                    Writer::EtcdGrpc(etcd::connect(&leader).await?)
                }
                Self::EtcdGrpc => writers[client - 1].clone(),
            };
            writers.push(writer);
        }
        let loaded = load::run(writers, length, cluster).await?;
        // A figure counts only if what was acknowledged can be read.
        let (key, value) = loaded.last_write;
        let read = match self {
            Self::Bundled(_) => bundled::read(&http, &leader, &key).await?,
            Self::EtcdJson | Self::EtcdGrpc => etcd::read(&http, &leader, &key).await?,
        };
        ensure!(read == value, "{key} holds {read:?} after {value:?} was acknowledged");
        Ok(loaded.figures)
    }

    /// The address of the node that leads, once there is one.
    async fn leader(self, http: &reqwest::Client, cluster: &Cluster) -> Result<String> {
        let start = Instant::now();
        loop {
            for address in &cluster.addresses {
                let leads = match self {
                    Self::Bundled(_) => bundled::leads(http, address).await,
                    Self::EtcdJson | Self::EtcdGrpc => etcd::leads(http, address).await,
                };
                // One that does not answer yet does not lead yet.
                if leads.unwrap_or(false) {
                    return Ok(address.clone());
                }
            }
            if let Some(node) = cluster.ended() {
                bail!("{node} ended before there was a leader");
            }
            if start.elapsed() > ELECTION_PATIENCE {
                bail!("no leader within {ELECTION_PATIENCE:?}");
            }
            sleep(ELECTION_PAUSE).await;
        }
    }
}

impl Writer {
    /// Writes `value` to `key` and waits for the acknowledgement. `client` and `number` name the
    /// write, for a contender that wants a token.
    pub async fn write(&self, client: usize, number: u64, key: &str, value: &str) -> Result<()> {
        match self {
            Self::Bundled { http, leader } => {
                let token = format!("bench-{client}:{number}");
                bundled::write(http, leader, key, value, &token).await
            }
            Self::EtcdJson { http, leader } => etcd::put_json(http, leader, key, value).await,
            Self::EtcdGrpc(connection) => etcd::put_grpc(connection, key, value).await,
        }
    }
}

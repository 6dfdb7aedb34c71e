//! Nodes that run in this process, on loopback ports, for measurements.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use anyhow::Result;
use stormproof_cluster::bugs::Bugs;
use stormproof_cluster::core::{Settings, SnapshotOptions, Timings};
use stormproof_cluster::server::{Config, Failure, Listeners, RequestLimits, run_until};
use tokio::sync::oneshot;

/// A node that runs in threads of its own.
pub struct Node {
    /// The URL for clients: `http://host:port`.
    pub url: String,
    /// The address for the other nodes: `host:port`.
    pub for_peers: String,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<Result<(), Failure>>,
}

/// Nodes of one cluster.
pub struct Nodes {
    /// The folder with a data directory for each node.
    pub root: PathBuf,
    /// The name of the cluster that its founders were given.
    pub cluster: &'static str,
    /// The times at which snapshots are taken.
    pub snapshots: SnapshotOptions,
}

impl Nodes {
    /// Starts the founders on what their data directories hold.
    ///
    /// # Errors
    /// When there are no ports.
    pub fn start(&self, names: &[&str]) -> Result<Vec<Node>> {
        self.start_of(names, names)
    }

    /// Starts some of the founders on what their data directories hold.
    ///
    /// # Errors
    /// When there are no ports.
    pub fn start_of(&self, founders: &[&str], names: &[&str]) -> Result<Vec<Node>> {
        let doors: Vec<Listeners> = founders.iter().map(|_| doors()).collect::<Result<_>>()?;
        let mut peers = Vec::new();
        for (name, doors) in founders.iter().zip(&doors) {
            peers.push(((*name).to_owned(), doors.peers.local_addr()?.to_string()));
        }
        let nodes = founders.iter().zip(doors).filter(|(name, _)| names.contains(name));
        nodes.map(|(name, doors)| self.run(name, doors, peers.clone(), None)).collect()
    }

    /// Starts a node that joins the cluster with that id.
    ///
    /// # Errors
    /// When there are no ports.
    pub fn join(&self, name: &str, cluster_id: &str) -> Result<Node> {
        self.run(name, doors()?, Vec::new(), Some(cluster_id.to_owned()))
    }

    fn run(
        &self,
        name: &str,
        doors: Listeners,
        peers: Vec<(String, String)>,
        join: Option<String>,
    ) -> Result<Node> {
        let (listen, peer_listen) = (doors.clients.local_addr()?, doors.peers.local_addr()?);
        let config = Config {
            cluster: self.cluster.into(),
            id: name.into(),
            listen,
            advertise: None,
            join,
            peer_listen,
            peers,
            data_dir: self.data(name),
            timings: Timings::default(),
            snapshots: self.snapshots,
            settings: Settings::default(),
            limits: RequestLimits::default(),
            bugs: Bugs::new(),
            events: false,
        };
        let (stop, stopped) = oneshot::channel();
        let stopped = async {
            let _ = stopped.await;
        };
        let thread = std::thread::spawn(move || run_until(config, doors, stopped));
        let (url, for_peers) = (format!("http://{listen}"), peer_listen.to_string());
        Ok(Node { url, for_peers, stop, thread })
    }

    /// The data directory of a node.
    pub fn data(&self, name: &str) -> PathBuf {
        Path::new(&self.root).join(name)
    }
}

impl Node {
    /// Ends it.
    ///
    /// # Errors
    /// When it had ended by itself.
    pub fn stop(self) -> Result<()> {
        // One that has ended already says why when it is joined.
        let _ = self.stop.send(());
        Ok(self.thread.join().expect("a node does not panic")?)
    }
}

fn doors() -> Result<Listeners> {
    let bind = || TcpListener::bind("127.0.0.1:0");
    Ok(Listeners { clients: bind()?, peers: bind()? })
}

//! One member of a cluster: where it is reached, where its files are, how it is started.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use engines::node_process::{NodeSpec, OwnClock};

pub use engines::loopback::PeerDoor;

/// One member of a cluster.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Member {
    /// `n1`, `n2`…
    pub name: String,
    /// The address at which it listens for clients.
    pub listens: SocketAddr,
    /// The address at which clients reach it: another one where a proxy can cut their links.
    pub for_clients: SocketAddr,
    /// The doors at which it meets its peers: as many as its target asked for, and at least one.
    pub peers: Vec<PeerDoor>,
    /// The folder of its data, which survives restarts. It may be a disk of its own, on which
    /// faults strike.
    pub data: PathBuf,
    /// The folder of its logs and its configuration, out of the reach of faults.
    pub folder: PathBuf,
}

/// The command that starts a node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Launch {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// The same for every start after the first, where it differs.
    pub again: Option<Vec<String>>,
    /// The same for every start after the node was added as a new member, where it differs.
    pub anew: Option<Vec<String>>,
    /// Set in its environment besides what it inherits.
    pub env: BTreeMap<String, String>,
}

impl Launch {
    /// A command line in the environment as it is.
    pub fn of(argv: Vec<String>) -> Launch {
        Launch { argv, ..Launch::default() }
    }
}

impl Member {
    /// One that everybody reaches where it listens, peers and clients at the same port. Its data
    /// is in `folder`.
    pub fn at(name: &str, address: SocketAddr, folder: PathBuf) -> Self {
        Member {
            name: name.into(),
            listens: address,
            for_clients: address,
            peers: vec![PeerDoor::open(address)],
            data: folder.join("data"),
            folder,
        }
    }

    /// The same with doors of their own for its peers, unless there are none.
    #[must_use]
    pub fn with_peers_at(self, peers: Vec<PeerDoor>) -> Self {
        if peers.is_empty() { self } else { Member { peers, ..self } }
    }

    /// The address at which peers reach it; of several doors the first.
    pub fn for_peers(&self) -> SocketAddr {
        self.peers[0].advertised
    }

    /// The file of its standard error.
    pub fn log(&self) -> PathBuf {
        self.folder.join("stderr.log")
    }

    /// The file of its standard output, as far as no target takes it for events.
    pub fn output(&self) -> PathBuf {
        self.folder.join("stdout.log")
    }

    /// The start of this member's process, each time; its standard error goes to its log.
    ///
    /// # Errors
    /// When the working directory is gone.
    pub fn spec(&self, launch: Launch) -> anyhow::Result<NodeSpec> {
        let Launch { argv, again, anew, env } = launch;
        let words = |argv: Vec<String>| argv.into_iter().map(Into::into).collect();
        Ok(NodeSpec {
            name: self.name.clone(),
            argv: words(argv),
            later_argv: again.map(words),
            anew_argv: anew.map(words),
            env: env.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
            cwd: std::env::current_dir().context("the working directory is gone")?,
            log_path: self.log(),
            own_clock: OwnClock::No,
        })
    }
}

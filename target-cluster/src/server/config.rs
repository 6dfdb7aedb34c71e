//! The configuration of a node.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Result, ensure};

use crate::bugs::Bugs;
use crate::core::{APPEND_ENTRIES_MAX, NodeId, Options, Timings};

/// The configuration of one node.
#[derive(Debug, Clone)]
pub struct Config {
    /// Its name, such as `n1`.
    pub id: String,
    /// The address at which it serves clients and the other nodes.
    pub listen: SocketAddr,
    /// The voters by name, with the `host:port` at which they are reached. This node may be among
    /// them, and should be if that is not `listen`: clients are sent there.
    pub peers: BTreeMap<String, String>,
    /// The directory of its log; made if missing.
    pub data_dir: PathBuf,
    /// The times that nodes wait for each other.
    pub timings: Timings,
    /// Planted bugs that are switched on.
    pub bugs: Bugs,
}

impl Config {
    /// Refuses values that make no sense, before anything is opened.
    pub(super) fn check(&self) -> Result<()> {
        let Timings { heartbeat, election_min, election_max } = self.timings;
        ensure!(!self.id.is_empty(), "a node needs a name");
        ensure!(!heartbeat.is_zero(), "the heartbeat interval must be longer than nothing");
        ensure!(
            heartbeat < election_min && election_min < election_max,
            "the heartbeat interval ({heartbeat:?}) must be shorter than the shortest election \
             timeout ({election_min:?}), and that shorter than the longest ({election_max:?})"
        );
        Ok(())
    }

    /// The options of the core. The seed comes from the operating system's randomness: nodes that
    /// start at the same instant must not draw the same timeouts.
    pub(super) fn options(&self) -> Options {
        let names = self.peers.keys().map(String::as_str).chain([self.id.as_str()]);
        Options {
            id: self.id.as_str().into(),
            voters: names.map(NodeId::from).collect(),
            timings: self.timings,
            append_entries_max: APPEND_ENTRIES_MAX,
            seed: RandomState::new().hash_one(&self.id),
            bugs: self.bugs.clone(),
        }
    }

    /// The address at which `node` is reached.
    pub(super) fn address_of(&self, node: &str) -> Option<String> {
        let own = || (node == self.id).then(|| self.listen.to_string());
        self.peers.get(node).cloned().or_else(own)
    }
}

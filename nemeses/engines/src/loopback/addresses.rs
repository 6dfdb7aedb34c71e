//! The addresses of nodes on the loopback.

use std::net::SocketAddr;

/// Where a node of the loopback lab is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoopbackAddresses {
    /// Where it listens for clients.
    pub listen: SocketAddr,
    /// Where clients reach it, through the proxy.
    pub clients: SocketAddr,
    /// Its doors for its peers; never empty.
    pub peers: Vec<PeerDoor>,
}

/// Where a node meets its peers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerDoor {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Where they reach it: elsewhere where a proxy can cut their links.
    pub advertised: SocketAddr,
}

impl PeerDoor {
    /// One that peers reach where the node listens.
    pub fn open(address: SocketAddr) -> Self {
        PeerDoor { listen: address, advertised: address }
    }
}

//! The addresses of nodes on the loopback.

use std::net::SocketAddr;

/// The addresses of a node of the loopback lab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoopbackAddresses {
    /// The address on which it listens for clients.
    pub listen: SocketAddr,
    /// The address of the proxy, by which clients reach it.
    pub clients: SocketAddr,
    /// Its doors for its peers; never empty.
    pub peers: Vec<PeerDoor>,
}

/// The address of a node for its peers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerDoor {
    /// The address on which it listens.
    pub listen: SocketAddr,
    /// The address by which they reach it: another one where a proxy can cut their links.
    pub advertised: SocketAddr,
}

impl PeerDoor {
    /// One that peers reach where the node listens.
    pub fn open(address: SocketAddr) -> Self {
        PeerDoor { listen: address, advertised: address }
    }
}

//! Partitions without namespaces: nodes share the loopback, and between them stands a proxy whose
//! links can be cut.
//!
//! A node listens on one port and advertises another, the proxy's, to its peers. There is one such
//! port for each node, since a service may want to be known to all by the same address; who opened
//! a connection to it is found by the kernel's tables (see [`source`]). Clients have ports of their
//! own, so that no table need be read.
//!
//! A cut holds bytes back as a partition does: connections hang, and what was sent is delivered
//! after the heal, as TCP's retransmissions would. Each direction of a connection is judged by who
//! sends, so that a cut of one direction lets questions through and holds the answers. A connection
//! that is opened while either direction is cut comes to life after the heal, if its opener
//! still waits: over a real network its handshake would take both directions. What differs from one
//! is that the kernel accepts for the proxy, so that opening a connection never hangs or is
//! refused: it hangs, or ends, when it is used. Datagrams and packets are out of reach.

mod addresses;
mod connection;
mod flow;
mod loopback_network;
mod proxy;
mod shared;
mod source;

pub use addresses::{LoopbackAddresses, PeerDoor};
pub use loopback_network::{HeldBack, LoopbackNetwork, try_out};

//! The network of a lab: one segment on which every node, and the controller, has an address, and
//! on which any link can be cut in one direction, and troubled.
//!
//! Each node has a network namespace with one interface, `eth0`; the controller's, `storm0`, is in
//! the namespace of the thread that builds the network. They end in a namespace of their own, where
//! a [`Segment`](lab_network::Segment) joins them: the kernel's bridge, or our own switch, which
//! alone can do packet faults. The [`Cutter`](lab_network::Cutter) cuts links: it is the switch
//! itself or iptables, over either segment.
//!
//! The controller is an end like any other, under the name [`CLIENTS`](faults::grudge::CLIENTS),
//! since they live there. Its links can be cut and troubled too; what it asks nodes for its own
//! purposes takes the same way and suffers alike, as on any real network.
//!
//! Every end is given the hardware addresses of the others for good: a cut link would else
//! lose its ARP answers too, after which a connection fails at once with "no route to host" instead
//! of hanging, in both directions. IPv6 is off on these interfaces, so that no packet finds a way
//! around a cut.

mod build;
mod cutting;
mod engine;
mod lab_network;
mod parallel;
mod probe;
mod shaping;
mod tcp;
mod trial;
mod watching;

pub use engine::{Choice, PartitionEngine, choose_engine};
pub use lab_network::{Network, NetworkOptions};
pub use tcp::TcpKnobs;
pub use trial::try_packet_faults;

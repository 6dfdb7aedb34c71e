//! The engines: everything that touches the kernel, and the only unsafe code of the project.
//!
//! [`process_tree`] starts the controller again inside namespaces that vanish with it;
//! [`network`] gives each node a namespace, an address and links that can be cut, by iptables or by
//! a switch of our own, which also delays, loses and damages packets; [`loopback`] cuts links by
//! proxies where there are no namespaces; [`node_process`] spawns and signals nodes, whose clocks can be their own
//! ([`node_process::OwnClock`]); [`cpu`] makes processors slow; [`disk`] gives each node a file
//! system that fails and loses power; [`LocalHost`] is all of that behind [`crate::world::Host`];
//! [`doctor`] tries each on the machine at hand. What would outlive the processes stands in a
//! [`journal`], and [`leftovers`] finds and removes it when they are gone.
#![expect(unsafe_code, reason = "namespaces, signals and sockets need system calls")]

mod clock;
pub mod cpu;
pub mod disk;
pub mod doctor;
mod engines;
mod iptables;
pub mod journal;
pub mod leftovers;
mod local;
pub mod loopback;
mod mounts;
pub mod namespace;
pub mod netem;
mod netlink;
pub mod network;
pub mod node_process;
mod proc;
pub mod process_tree;
mod switch;
mod wake;

pub use engines::engine_for;
pub use local::LocalHost;

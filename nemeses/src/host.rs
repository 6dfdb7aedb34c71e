//! The engines: everything that touches the kernel, and the only unsafe code of the project.
//!
//! [`process_tree`] starts the controller again inside namespaces that vanish with it;
//! [`network`] gives each node a namespace, an address and links that can be cut, by iptables or by
//! a switch of our own; [`node_process`] spawns and signals nodes; [`LocalHost`] is all of that
//! behind [`crate::world::Host`]; [`doctor`] tries each on the machine at hand.
#![expect(unsafe_code, reason = "namespaces, signals and sockets need system calls")]

pub mod doctor;
mod iptables;
mod local;
pub mod loopback;
pub mod namespace;
pub mod netem;
mod netlink;
pub mod network;
pub mod node_process;
mod proc;
pub mod process_tree;
mod switch;
mod wake;

pub use local::LocalHost;

//! The engines: everything that touches the kernel, and the only unsafe code of the project.
//!
//! [`process_tree`] starts the controller again inside namespaces that vanish with it;
//! [`network`] gives each node a namespace, an address and links that can be cut, by iptables or by
//! a switch of our own; [`cpu`] makes processors slow; [`node_process`] spawns and signals nodes; [`LocalHost`] is all of that
//! behind [`crate::world::Host`]; [`doctor`] tries each on the machine at hand. What would outlive the
//! processes stands in a [`journal`], and [`leftovers`] finds and removes it when they are gone.
#![expect(unsafe_code, reason = "namespaces, signals and sockets need system calls")]

pub mod cpu;
pub mod doctor;
mod iptables;
pub mod journal;
pub mod leftovers;
mod local;
mod mounts;
pub mod namespace;
mod netlink;
pub mod network;
pub mod node_process;
mod proc;
pub mod process_tree;
mod switch;

pub use local::LocalHost;

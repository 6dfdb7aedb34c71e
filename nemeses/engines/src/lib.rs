//! The engines: everything that touches the kernel, and the only unsafe code of the project.
//! The faults and their times are decided in `stormproof-faults`.
//!
//! [`process_tree`] starts the controller again inside namespaces that vanish with it; [`network`]
//! gives each node a namespace, an address and links that can be cut, by iptables or by a switch of
//! our own, which also delays, loses and damages packets; [`loopback`] cuts links by proxies where
//! there are no namespaces; [`node_process`] spawns and signals nodes, whose clocks can be their
//! own ([`node_process::OwnClock`]); [`cpu`] makes processors slow; [`disk`] gives each node a file
//! system that fails and loses power; [`LocalHost`] is all of that behind [`faults::host::Host`];
//! [`doctor`] tries each on the machine at hand. What would outlive the processes stands in a
//! [`journal`], and [`leftovers`] finds and removes it when they are gone.
//!
//! A program becomes the controller of a lab like this:
//!
//! ```no_run
//! use std::sync::Arc;
//! use faults::nemesis::Nemesis;
//! use stormproof_engines::LocalHost;
//! use stormproof_engines::network::{Network, choose_engine};
//! use stormproof_engines::process_tree::{Lab, LabContext, dispatch, relaunch};
//!
//! // First of all, before any thread exists.
//! let lab = match dispatch() {
//!     LabContext::Inside(lab) => lab,
//!     LabContext::Outside => {
//!         let status = relaunch(Lab::Namespaces).or_else(|_| relaunch(Lab::Loopback))?;
//!         std::process::exit(status.code().unwrap_or(3))
//!     }
//! };
//! let nodes = ["n1".to_owned(), "n2".to_owned(), "n3".to_owned()];
//! let network = match lab {
//!     Lab::Namespaces => Some(Network::build(&nodes, choose_engine().engine)?),
//!     Lab::Loopback => None,
//! };
//! let host = LocalHost::new(network, Arc::new(|node: &str, output| println!("{node}: {output:?}")))?;
//! let nemesis = Nemesis::new(host);
//! # drop(nemesis);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Nothing here is asynchronous, and calls block for as long as the kernel takes: milliseconds for
//! a fault, a second or more when a machine is starved. An asynchronous caller gives them a thread.

mod clock;
pub mod cpu;
pub mod disk;
pub mod doctor;
mod elsewhere;
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
pub mod order;
mod pending_request;
mod proc;
pub mod process_tree;
mod service;
mod supervision;
mod switch;
mod wake;
mod watches;

pub use elsewhere::Elsewhere;
pub use engines::engine_for;
pub use local::LocalHost;

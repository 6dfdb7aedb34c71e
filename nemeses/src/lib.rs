//! What goes wrong, and how it is undone.
//!
//! The deciding half is pure: a [`schedule`] of [`fault`]s is drawn from a seed before the run, who
//! drops whom is a [`grudge`], and a [`nemesis`] keeps account of which faults are on. The acting
//! half is [`host`], the only place of the project with unsafe code; between them lies the trait
//! [`world::Host`].
//!
//! ```text
//! Schedule::draw(seed) ─▶ Entry ─ resolve(nodes, roles) ─▶ Resolved ─▶ Nemesis ─▶ Host
//!                                                 Report, Beat, Recovery ◀─┘  (what was measured)
//! ```
//!
//! A program becomes the controller of a lab like this:
//!
//! ```no_run
//! use std::sync::Arc;
//! use nemeses::host::LocalHost;
//! use nemeses::host::network::{Network, choose_engine};
//! use nemeses::host::process_tree::{Lab, Place, dispatch, relaunch};
//! use nemeses::nemesis::Nemesis;
//!
//! // First of all, before any thread exists.
//! let lab = match dispatch() {
//!     Place::Inside(lab) => lab,
//!     Place::Outside => {
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

pub mod coverage;
pub mod disk_image;
pub mod fault;
pub mod grudge;
pub mod host;
pub mod names;
pub mod nemesis;
pub mod outcome;
pub mod schedule;
pub mod shaping;
pub mod world;

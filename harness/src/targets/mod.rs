//! The services under test: how their nodes are started and how they are spoken to.
//!
//! Each target is a folder: its command line, its client, and its error table. [`registry`] knows
//! them by name. A [`Manifest`] is a target that its user describes.

mod auditor;
pub(crate) mod bundled;
mod client;
pub(crate) mod command;
pub mod documents;
mod dumper;
mod etcd;
pub(crate) mod http;
mod manifest;
mod member;
#[cfg(feature = "nats")]
mod nats;
mod program;
pub(crate) mod registry;
mod target;
mod zookeeper;

pub use auditor::Auditor;
pub use bundled::Bundled;
pub use client::{
    Answer, BoxFuture, Client, ErrorRow, LogProgress, NONSENSE, NodeStatus, Refusal, Reply,
    Request, refusal, row,
};
pub use dumper::Dumper;
pub use etcd::Etcd;
pub use manifest::Manifest;
pub(crate) use manifest::is_manifest;
pub use member::{Launch, Member, PeerDoor};
#[cfg(feature = "nats")]
pub use nats::Nats;
pub use target::Target;
pub use zookeeper::{Reads, ZooKeeper};

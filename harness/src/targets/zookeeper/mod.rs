//! ZooKeeper, by its own protocol over TCP.
//!
//! It has no objects but znodes, small files in a tree, so every object is a
//! [document](super::documents): a znode that is set only at the version at which it was read, in
//! one transaction with a znode for the operation's token. The [session](session) says why there is
//! no library for the protocol in between.
//!
//! Linearizable are transactions. A read is answered by whichever server was asked, from
//! what it has, so it may be stale. `sync` before it, in the same session, makes the server catch
//! up with its leader; that is what ZooKeeper has for it. It makes no server ask a majority whether
//! that leader still leads (ZOOKEEPER-1675), so one that was cut off or paused and does not know
//! yet that it was replaced may still have stale reads answered.
//!
//! A power failure breaks this: a server writes its first snapshot, that of the empty tree, without
//! fsync, and refuses to start when it finds a log and no snapshot (`FileTxnSnapLog.restore`). So
//! one that loses power before the kernel wrote that file never comes back. ZooKeeper has a switch
//! that lets it start, which Java takes from the environment:
//! `JAVA_TOOL_OPTIONS=-Dzookeeper.snapshot.trust.empty=true`.

mod client;
mod dumper;
mod four_letters;
mod jute;
mod messages;
mod session;
mod target;

pub use target::{Reads, ZooKeeper};

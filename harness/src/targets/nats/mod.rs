//! NATS JetStream: one stream with a replica on every node, and a subject for each key.
//!
//! An element is added to a list or a set by a publish whose `Nats-Msg-Id` is the operation's
//! token. JetStream stores it once within the stream's window, and answers every further publish
//! with the sequence of the first one ([ADR-4], [model deep dive]). That sequence in the stream is
//! the operation's version.
//!
//! No read that JetStream 2.12 has is linearizable: a message is got from whichever replica is
//! near, or from a server that believes it leads the stream, without asking a majority
//! ([nats-server#7146]). So a client that reads a key publishes a marker to it first, which goes
//! through Raft as every message does, and then reads what its node holds of that key up to the
//! marker, again and again until the marker is there. A read happens where its marker stands in the
//! stream: all that was acknowledged before it began stands before it, or was lost.
//!
//! A server acknowledges what it has written and syncs it every two minutes unless it is told
//! otherwise, so that a power failure takes what was acknowledged ([Jepsen]).
//! `--set sync_interval=always` has it sync each message first.
//!
//! Versions 2.12.0 and 2.12.1 deadlock when a batch of messages is read while another is stored
//! ([nats-server#7458]): within seconds, if each message is synced, the stream answers no client
//! any more. Their messages are therefore read one by one, unless `--set reads=batches` asks for
//! it.
//!
//! A queue is a list and notes of what was taken from it: a client that dequeues notes the oldest
//! element that no note tells of, if the last note is still the one that was seen
//! (`Nats-Expected-Last-Subject-Sequence`). JetStream's own work queues give an element out again
//! whose acknowledgement was lost, and others before it, so they are not the first-in-first-out
//! queue that the checker knows, and would be accused of what they never promised.
//!
//! There are no registers and no locks.
//!
//! [ADR-4]: https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-4.md
//! [model deep dive]: https://docs.nats.io/using-nats/developer/develop_jetstream/model_deep_dive
//! [nats-server#7146]: https://github.com/nats-io/nats-server/pull/7146
//! [nats-server#7458]: https://github.com/nats-io/nats-server/pull/7458
//! [Jepsen]: https://jepsen.io/analyses/nats-2.12.1

mod administrator;
mod client;
mod connection;
mod dumper;
mod raft_group;
mod target;

pub use target::Nats;

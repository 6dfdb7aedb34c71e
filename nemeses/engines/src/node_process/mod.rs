//! One node's process: spawned so that it cannot outlive us, listened to, signalled, waited for.
//!
//! A node is the process group of the process that was started, so that a wrapper script and the
//! server behind it are paused and killed together.

mod pidfd;
mod probe;
mod process;
mod shared;
mod spawner;
mod spec;
mod watch;

pub(crate) use probe::{PROBE, ProbeProcess};
pub use process::NodeProcess;
pub(crate) use shared::ProcessGroup;
pub use spawner::Spawner;
pub use spec::{NodeListener, NodeOutput, NodeSpec};

pub use crate::clock::OwnClock;

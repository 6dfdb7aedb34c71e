//! Everything that a target and a workload of one's own need: `use stormproof::prelude::*`.

pub use crate::targets::documents::{self, Documents, Replaced, Replacement, Seen};
pub use crate::targets::{
    Answer, Auditor, BoxFuture, Client, Dumper, ErrorRow, Launch, LogProgress, Member, NONSENSE,
    NodeStatus, PeerDoor, Refusal, Reply, Request, Target, refusal, row,
};
pub use crate::{Exit, Test, dispatch, test_main};
pub use anyhow;
pub use checker::history::Event;
pub use checker::oracle::divergence::{Contents, Held};
pub use checker::oracle::version::{MutationVersion, ReadVersion, Scope, VersionSemantics};
pub use engines::node_process::OwnClock;
pub use faults::fault::{Abilities, Family, MembershipChange, StoreWork, TimerRange};
pub use faults::host::{Added, Administrator, HostError, MembersAround};
pub use faults::schedule::KnownFailure;
pub use results::applied_log::{AppliedEntry, AppliedLogWriter};
pub use results::event::{NodeChange, NodeReport};
pub use serde_json::{Value, json};
pub use workloads::generator::{self, from_fn, operations};
pub use workloads::{
    Context, Generator, GeneratorOptions, Invocation, Load, Next, PRECONDITION_FAILED, ValueSizes,
    Workload,
};

/// The workload of that name, as `stormproof list workloads` has it.
pub fn workload(name: &str) -> Option<Workload> {
    workloads::find(name).copied()
}

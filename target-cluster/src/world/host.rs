//! A machine, and the process that runs on it.

use std::collections::{BTreeMap, BTreeSet};

use super::clock::Clock;
use super::event_queue::Process;
use super::faults::{Damage, Kept};
use crate::core::{Configuration, Input, Node, NodeId, Options, Time};
use crate::driver::{Account, Batch, LogWriter};
use crate::kv::EncodedCommand;
use crate::storage::{MemoryDisk, SnapshotWriter};

/// A machine.
pub(super) struct Host {
    /// The options of its node.
    pub(super) options: Options,
    pub(super) clock: Clock,
    pub(super) state: State,
    /// The number of times that its node was down.
    pub(super) life: u32,
    /// The time until which the process is stopped.
    pub(super) paused_until: Time,
    /// The time by which what it sends comes late.
    pub(super) sends_late_by: Time,
    /// The time before which no barrier ends.
    pub(super) stalled_until: Time,
    /// The crash that waits for effects to be done.
    pub(super) crash: Option<CrashAtEffect>,
    /// The way in which something durable was damaged: the node must not start any more.
    pub(super) damaged: Option<Damage>,
    /// The configurations that its node may go by, when it runs again too.
    pub(super) configurations: Vec<Configuration>,
    /// The number of barriers begun, of steps with which snapshots were written, and of turns.
    pub(super) barriers: u64,
    pub(super) saves: u64,
    pub(super) turns: u64,
}

/// The process of a machine, or its disk.
pub(super) enum State {
    Up(Box<Running>),
    Down(MemoryDisk),
}

/// A crash that comes after so many more effects.
#[derive(Debug, Clone, Copy)]
pub(super) struct CrashAtEffect {
    pub(super) after: u32,
    pub(super) power: Option<Kept>,
    pub(super) down: Time,
}

/// A running process.
pub(super) struct Running {
    pub(super) node: Node,
    pub(super) writer: LogWriter<MemoryDisk>,
    /// Everything that gathered since the last turn.
    pub(super) inbox: Vec<Incoming>,
    /// True if a turn is to come.
    pub(super) turn_due: bool,
    /// The earliest time at which a timer is set.
    pub(super) timer: Option<Time>,
    /// The records that wait until the disk is free.
    pub(super) queued: Batch,
    /// The last record of those that a barrier is under way for.
    pub(super) writing: Option<u64>,
    /// The snapshot that is written, and the parts that were sent last of those for others, by their
    /// index and offset.
    pub(super) saving: Option<SnapshotWriter>,
    pub(super) parts: BTreeMap<NodeId, (u64, u64)>,
    /// The requests of clients that were not replied to.
    pub(super) requests: BTreeSet<u64>,
    /// The account that it gives of itself, if anyone wants to know.
    pub(super) account: Option<Account>,
}

/// Something that a node is to take in.
pub(super) enum Incoming {
    /// A client wants a command applied, under that number.
    Command(u64, EncodedCommand),
    /// Anything else.
    Input(Input),
}

impl Host {
    /// A machine whose node has not started yet.
    pub(super) fn new(options: Options, rate: u32) -> Host {
        Host {
            options,
            clock: Clock::new(rate),
            state: State::Down(MemoryDisk::default()),
            life: 0,
            paused_until: Time::ZERO,
            sends_late_by: Time::ZERO,
            stalled_until: Time::ZERO,
            crash: None,
            damaged: None,
            configurations: Vec::new(),
            barriers: 0,
            saves: 0,
            turns: 0,
        }
    }

    /// The name of its node.
    pub(super) fn id(&self) -> &NodeId {
        &self.options.id
    }

    /// The process, if it runs.
    pub(super) fn running(&self) -> Option<&Running> {
        match &self.state {
            State::Up(running) => Some(running),
            State::Down(_) => None,
        }
    }

    /// The process, if it runs.
    pub(super) fn running_mut(&mut self) -> Option<&mut Running> {
        match &mut self.state {
            State::Up(running) => Some(running),
            State::Down(_) => None,
        }
    }

    /// Its disk, used or not.
    pub(super) fn disk_mut(&mut self) -> &mut MemoryDisk {
        match &mut self.state {
            State::Up(running) => running.writer.disk_mut(),
            State::Down(disk) => disk,
        }
    }

    /// The term that its node leads, if it does.
    pub(super) fn leads(&self) -> Option<u64> {
        self.running().and_then(|running| running.node.leads())
    }

    /// True if that process runs on it now.
    pub(super) fn runs(&self, process: Process) -> bool {
        process.life == self.life && matches!(self.state, State::Up(_))
    }
}

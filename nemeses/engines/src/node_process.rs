//! One node's process: spawned so that it cannot outlive us, listened to, signalled, waited for.
//!
//! A node is the process group of the process that was started, so that a wrapper script and the
//! server behind it are paused and killed together.

mod spawner;
mod watch;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::clock::NodeClock;
use super::{namespace::NetNs, proc};
use faults::fault::ClockCondition;
use faults::host::{ClockSeen, HostError, NodeState};
use spawner::Spawned;

pub use super::clock::OwnClock;
pub use spawner::Spawner;

/// How a node is started, each time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSpec {
    /// Its name, as in grudges.
    pub name: String,
    /// The program and its arguments.
    pub argv: Vec<OsString>,
    /// The same for every start after the first, where it differs.
    pub later_argv: Option<Vec<OsString>>,
    /// Set in its environment besides what it inherits.
    pub env: BTreeMap<OsString, OsString>,
    /// Where it runs.
    pub cwd: PathBuf,
    /// Where its standard error is appended.
    pub log_path: PathBuf,
    /// Whether its clocks are its own, so that they can be set.
    pub own_clock: OwnClock,
}

impl NodeSpec {
    /// A process to try something on, whose output nobody wants.
    pub(super) fn probe(argv: &[&str], own_clock: OwnClock) -> Self {
        Self {
            name: "probe".to_owned(),
            argv: argv.iter().map(Into::into).collect(),
            later_argv: None,
            env: BTreeMap::new(),
            cwd: PathBuf::from("/"),
            log_path: PathBuf::from("/dev/null"),
            own_clock,
        }
    }
}

/// What is heard of a node, in this order for each process: it started, its lines, it exited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeOutput {
    /// Its process was started.
    Started {
        /// Process id as the controller sees it.
        pid: u32,
    },
    /// A line of its standard output, without the newline; what is not UTF-8 is replaced.
    Line(String),
    /// Its process ended.
    Exited {
        /// `exit code 1`, `signal SIGKILL`…
        status: String,
        /// Whether we killed it.
        expected: bool,
    },
}

/// Hears of nodes, from threads of ours. It must not wait for whoever is killing or starting a node
/// just then: they wait until it has heard.
pub type NodeListener = Arc<dyn Fn(&str, NodeOutput) + Send + Sync>;

/// A process that SIGKILL does not end in this time hangs in the kernel.
const DEATH_PATIENCE: Duration = Duration::from_secs(5);
/// A thread stops at its next return to user mode; only one that hangs in the kernel takes longer.
const STOP_PATIENCE: Duration = Duration::from_secs(1);
/// Between two looks at the state of threads, which change within a fraction of a millisecond.
const STOP_PAUSE: Duration = Duration::from_micros(100);

/// A running process, or one that ended. It is killed when dropped.
#[derive(Debug)]
pub struct NodeProcess {
    shared: Arc<Shared>,
    /// Its own clocks, or why it has the machine's.
    clock: Result<NodeClock, String>,
}

/// What the process's own threads and its owner both know.
#[derive(Debug)]
struct Shared {
    name: String,
    pid: Pid,
    /// Signals through it never hit another process with the same id.
    pidfd: OwnedFd,
    life: Mutex<Life>,
    ended: Condvar,
}

#[derive(Debug)]
struct Life {
    paused: bool,
    /// A call of [`NodeProcess::resume`] is looking whether it runs: let nobody stop it meanwhile.
    resuming: bool,
    expected_to_end: bool,
    /// Set before the process is reaped: as long as it is not, its id and its group's are its own.
    over: bool,
    /// Set once it is reaped and the listener heard of its end.
    told: bool,
}

impl Shared {
    fn life(&self) -> MutexGuard<'_, Life> {
        // A thread that panicked here left nothing half-done: each change is one assignment.
        self.life.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Sends a signal to the process through its pidfd and to the others of its group; to nobody
    /// once it is over.
    fn signal(&self, life: &Life, signal: Signal) {
        if life.over {
            return;
        }
        watch::signal_through(&self.pidfd, signal);
        // The group's id is that of its first member, which is not reaped while its life is not
        // over, so the id cannot be another group's. Nobody left to get it is fine.
        let _ = killpg(self.pid, signal);
    }
}

/// Stops and continues a process without its being paused.
#[derive(Debug)]
pub(super) struct Reins {
    shared: Arc<Shared>,
}

impl Reins {
    /// The process group.
    pub(super) fn group(&self) -> i32 {
        self.shared.pid.as_raw()
    }

    /// Stops it, unless it is over or somebody who pauses or resumes it has the say.
    pub(super) fn stop(&self) -> bool {
        let life = self.shared.life();
        let free = !life.over && !life.paused && !life.resuming;
        if free {
            self.shared.signal(&life, Signal::SIGSTOP);
        }
        free
    }

    /// Continues it, unless it is paused.
    pub(super) fn go(&self) {
        let life = self.shared.life();
        if !life.paused {
            self.shared.signal(&life, Signal::SIGCONT);
        }
    }
}

impl NodeProcess {
    /// Starts the process of `spec`, inside `namespace` if there is one. `listener` hears of it.
    ///
    /// Its clocks, if they are its own, have the condition `clocks` before it runs. If they could
    /// not be made its own it is started all the same, and [`set_clocks`](Self::set_clocks) says
    /// why.
    pub fn start(
        spec: &NodeSpec,
        namespace: Option<&NetNs>,
        clocks: &ClockCondition,
        spawner: &Spawner,
        listener: &NodeListener,
    ) -> io::Result<Self> {
        let Spawned { child, clock } = spawner.spawn(spec, namespace, clocks)?;
        let shared = watch::start(spec.name.clone(), child, Arc::clone(listener))?;
        Ok(Self { shared, clock })
    }

    /// Gives its clocks a condition and reads them back. The condition that they have changes
    /// nothing.
    pub fn set_clocks(&self, condition: &ClockCondition) -> Result<ClockSeen, HostError> {
        self.with_clock(|clock| clock.set(condition))
    }

    /// Reads its clocks back; a few microseconds.
    pub fn clocks(&self) -> Result<ClockSeen, HostError> {
        self.with_clock(NodeClock::read)
    }

    fn with_clock<T>(
        &self,
        action: impl FnOnce(&NodeClock) -> Result<T, HostError>,
    ) -> Result<T, HostError> {
        let clock = self.clock.as_ref().map_err(|why| HostError::Unavailable(why.clone()))?;
        // Held, so that the process is not reaped meanwhile and its id stays its own.
        let life = self.shared.life();
        if life.over {
            return Err(HostError::Failed("it has ended".to_owned()));
        }
        action(clock)
    }

    /// The process id as the controller sees it.
    pub fn pid(&self) -> u32 {
        self.shared.pid.as_raw() as u32
    }

    /// What it is doing.
    pub fn state(&self) -> NodeState {
        let life = self.shared.life();
        match (life.over, life.paused) {
            (true, _) => NodeState::Stopped,
            (false, true) => NodeState::Paused,
            (false, false) => NodeState::Running,
        }
    }

    /// Sends SIGKILL, without waiting for the end.
    pub fn begin_kill(&self) {
        let mut life = self.shared.life();
        life.expected_to_end = true;
        self.shared.signal(&life, Signal::SIGKILL);
    }

    /// Waits until the process is dead and the listener heard of it, after [`NodeProcess::begin_kill`].
    pub fn wait_until_dead(&self) -> Result<(), HostError> {
        let life = self.shared.life();
        let waited = self.shared.ended.wait_timeout_while(life, DEATH_PATIENCE, |life| !life.told);
        let (life, _) = waited.unwrap_or_else(|poisoned| poisoned.into_inner());
        if life.told {
            Ok(())
        } else {
            let pid = self.shared.pid;
            Err(HostError::Failed(format!("process {pid} still lives {DEATH_PATIENCE:?} later")))
        }
    }

    /// Stops every thread of it and sees that they are stopped. Nothing happens when it is over.
    ///
    /// A thread in uninterruptible sleep counts as stopped: it stops before it returns from the
    /// kernel. It may stay there, as a parent does whose `vfork` child was stopped before its exec.
    pub fn pause(&self) -> Result<(), HostError> {
        {
            let mut life = self.shared.life();
            life.paused = !life.over;
            self.shared.signal(&life, Signal::SIGSTOP);
        }
        self.wait_for_threads("stop", |state| matches!(state, 'T' | 't' | 'D' | 'Z' | 'X'))
    }

    /// Continues every thread of it and sees that none is stopped. Nothing happens when it is over.
    pub fn resume(&self) -> Result<(), HostError> {
        {
            let mut life = self.shared.life();
            self.shared.signal(&life, Signal::SIGCONT);
            life.paused = false;
            life.resuming = true;
        }
        let resumed = self.wait_for_threads("continue", |state| state != 'T');
        self.shared.life().resuming = false;
        resumed
    }

    /// For whoever stops and continues it now and then, which is no pause.
    pub(super) fn reins(&self) -> Reins {
        Reins { shared: Arc::clone(&self.shared) }
    }

    fn wait_for_threads(&self, what: &str, fits: impl Fn(char) -> bool) -> Result<(), HostError> {
        let start = Instant::now();
        let group = self.shared.pid.as_raw();
        loop {
            let members = proc::group_members(group);
            let all_fit =
                members.iter().all(|pid| proc::thread_states(*pid).into_iter().all(&fits));
            if all_fit {
                return Ok(());
            }
            if start.elapsed() > STOP_PATIENCE {
                let reason = format!("process {group} did not {what} within {STOP_PATIENCE:?}");
                return Err(HostError::Failed(reason));
            }
            std::thread::sleep(STOP_PAUSE);
        }
    }
}

impl Drop for NodeProcess {
    fn drop(&mut self) {
        self.begin_kill();
        // One that hangs in the kernel cannot be helped, and dies when it comes back.
        let _ = self.wait_until_dead();
    }
}

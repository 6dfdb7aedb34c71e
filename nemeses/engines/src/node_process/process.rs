//! A node's process: started, signalled, waited for, its clocks set.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::pidfd::signal_thread;
use super::shared::{ProcessGroup, Shared};
use super::spawner::{Spawned, Spawner};
use super::spec::{NodeListener, NodeSpec};
use super::watch;
use crate::clock::NodeClock;
use crate::disk::Disk;
use crate::namespace::NetNs;
use crate::proc;
use faults::fault::ClockCondition;
use faults::host::{ClockSeen, HostError, NodeState};

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
    /// The reason why its `sync(2)` does not reach its disk, if it has one.
    barriers: Result<(), String>,
}

impl NodeProcess {
    /// Starts the process of `spec`, inside `namespace` if there is one, on a `disk` of its own if
    /// it has one. `listener` gets its events.
    ///
    /// Its clocks, if they are its own, have the condition `clocks` before it runs. If they could
    /// not be made its own it is started all the same, and [`set_clocks`](Self::set_clocks) says
    /// why.
    pub fn start(
        spec: &NodeSpec,
        namespace: Option<&NetNs>,
        clocks: &ClockCondition,
        disk: Option<&Disk>,
        spawner: &Spawner,
        listener: &NodeListener,
    ) -> io::Result<Self> {
        let barrier = disk.map(Disk::barrier).transpose()?;
        let Spawned { child, clock, barriers } = spawner.spawn(spec, namespace, clocks, barrier)?;
        let shared = watch::start(spec.name.clone(), child, Arc::clone(listener))?;
        Ok(Self { shared, clock, barriers })
    }

    /// Gives its clocks a condition and reads them back. The condition that they have changes
    /// nothing.
    pub fn set_clocks(&self, condition: &ClockCondition) -> Result<ClockSeen, HostError> {
        self.with_clock(|clock| clock.set(condition))
    }

    /// The reason why its `sync(2)` and `syncfs(2)` do not reach the disk that it was started on.
    pub fn barriers(&self) -> Result<(), &str> {
        self.barriers.as_ref().copied().map_err(String::as_str)
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

    /// The state of its process.
    pub fn state(&self) -> NodeState {
        let life = self.shared.life();
        match (life.over, life.paused) {
            (true, _) => NodeState::Stopped,
            (false, true) => NodeState::Paused,
            (false, false) => NodeState::Running,
        }
    }

    /// Sends SIGTERM, without waiting for the end, which may take its time.
    pub(crate) fn begin_stop(&self) {
        let mut life = self.shared.life();
        life.expected_to_end = true;
        life.ending = !life.over;
        self.shared.signal(&life, Signal::SIGTERM);
    }

    /// Returns true if it was asked to end and has not yet.
    pub(crate) fn is_ending(&self) -> bool {
        let life = self.shared.life();
        life.ending && !life.over
    }

    /// Waits so long until the process is dead, after [`NodeProcess::begin_stop`].
    pub(crate) fn wait_for_end(&self, patience: Duration) -> Result<(), HostError> {
        let life = self.shared.life();
        let waited = self.shared.ended.wait_timeout_while(life, patience, |life| !life.reported);
        let (life, _) = waited.unwrap_or_else(|poisoned| poisoned.into_inner());
        match life.reported {
            true => Ok(()),
            false => Err(HostError::Failed("it has not ended yet".to_owned())),
        }
    }

    /// Sends SIGKILL, without waiting for the end.
    pub(crate) fn begin_kill(&self) {
        let mut life = self.shared.life();
        life.expected_to_end = true;
        self.shared.signal(&life, Signal::SIGKILL);
    }

    /// Waits until the process is dead and the listener got the event, after
    /// [`NodeProcess::begin_kill`].
    pub fn wait_until_dead(&self) -> Result<(), HostError> {
        let life = self.shared.life();
        let waited =
            self.shared.ended.wait_timeout_while(life, DEATH_PATIENCE, |life| !life.reported);
        let (life, _) = waited.unwrap_or_else(|poisoned| poisoned.into_inner());
        if life.reported {
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
        let is_stopped = |state| matches!(state, 'T' | 't' | 'D' | 'Z' | 'X');
        self.wait_for_threads("stop", |process, threads| {
            let running = threads.iter().find(|(_, state)| !is_stopped(*state));
            // One thread takes the signal and stops the others. If it waits for its disk it does so
            // only when it returns; then another one has to.
            if let Some((thread, _)) = running
                && threads.iter().any(|(_, state)| *state == 'D')
            {
                let life = self.shared.life();
                if life.paused && !life.over {
                    signal_thread(process, *thread, Signal::SIGSTOP);
                }
            }
            running.is_none()
        })
    }

    /// Continues every thread of it and sees that none is stopped. Nothing happens when it is over.
    pub fn resume(&self) -> Result<(), HostError> {
        {
            let mut life = self.shared.life();
            self.shared.signal(&life, Signal::SIGCONT);
            life.paused = false;
            life.resuming = true;
        }
        let resumed = self.wait_for_threads("continue", |_, threads| {
            threads.iter().all(|(_, state)| *state != 'T')
        });
        self.shared.life().resuming = false;
        resumed
    }

    /// The process group, to stop and continue it now and then, which is no pause.
    pub(crate) fn group(&self) -> ProcessGroup {
        ProcessGroup { shared: Arc::clone(&self.shared) }
    }

    /// Waits until every process of its group has done `what`, as `has` says of its threads.
    fn wait_for_threads(
        &self,
        what: &str,
        has: impl Fn(i32, &[(i32, char)]) -> bool,
    ) -> Result<(), HostError> {
        let start = Instant::now();
        let group = self.shared.pid.as_raw();
        loop {
            let members = proc::group_members(group);
            // Each is asked, also where an earlier one has not.
            let lagging = members.iter().filter(|pid| !has(**pid, &proc::thread_states(**pid)));
            if lagging.count() == 0 {
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

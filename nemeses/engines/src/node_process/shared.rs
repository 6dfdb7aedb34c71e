//! The state of a node's process, and the signals to it.

use std::os::fd::OwnedFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::pidfd::signal_through;

/// The state that the threads of a process share with its owner.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) name: String,
    pub(super) pid: Pid,
    /// Signals through it never hit another process with the same id.
    pub(super) pidfd: OwnedFd,
    pub(super) life: Mutex<Life>,
    pub(super) ended: Condvar,
}

#[derive(Debug)]
pub(super) struct Life {
    pub(super) paused: bool,
    /// A call of [`NodeProcess::resume`] is looking whether it runs: it must not be stopped
    /// meanwhile.
    pub(super) resuming: bool,
    pub(super) expected_to_end: bool,
    /// It was asked to end.
    pub(super) ending: bool,
    /// Set before the process is reaped: as long as it is not, its id and its group's are its own.
    pub(super) over: bool,
    /// Set once it is reaped and its end was reported to the listener.
    pub(super) reported: bool,
}

impl Shared {
    pub(super) fn life(&self) -> MutexGuard<'_, Life> {
        // A thread that panicked here left nothing half-done: each change is one assignment.
        self.life.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Sends a signal to the process through its pidfd and to the others of its group; to none
    /// once it is over.
    pub(super) fn signal(&self, life: &Life, signal: Signal) {
        if life.over {
            return;
        }
        signal_through(&self.pidfd, signal);
        // The group's id is that of its first member, which is not reaped while its life is not
        // over, so the id cannot be another group's. An empty group is fine.
        let _ = killpg(self.pid, signal);
    }
}

/// Stops and continues a process without its being paused.
#[derive(Debug)]
pub(crate) struct ProcessGroup {
    pub(super) shared: Arc<Shared>,
}

impl ProcessGroup {
    /// The process group.
    pub(crate) fn id(&self) -> i32 {
        self.shared.pid.as_raw()
    }

    /// Stops it, unless it is over, paused or being resumed.
    pub(crate) fn stop(&self) -> bool {
        let life = self.shared.life();
        let free = !life.over && !life.paused && !life.resuming;
        if free {
            self.shared.signal(&life, Signal::SIGSTOP);
        }
        free
    }

    /// Continues it, unless it is paused.
    pub(crate) fn go(&self) {
        let life = self.shared.life();
        if !life.paused {
            self.shared.signal(&life, Signal::SIGCONT);
        }
    }
}

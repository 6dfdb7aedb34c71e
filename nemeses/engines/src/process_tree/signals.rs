//! The signals that the outer process passes on.

use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill, pthread_sigmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::Pid;

/// SIGINT and SIGTERM held back and read from a descriptor instead, until dropped. The guard
/// inherits the mask, so that no signal finds it unprepared.
pub(super) struct BlockedSignals {
    descriptor: SignalFd,
    before: SigSet,
}

impl BlockedSignals {
    pub(super) fn new() -> nix::Result<Self> {
        let signals = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM]);
        let mut before = SigSet::empty();
        pthread_sigmask(SigmaskHow::SIG_BLOCK, Some(&signals), Some(&mut before))?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        Ok(Self { descriptor: SignalFd::with_flags(&signals, flags)?, before })
    }

    pub(super) fn pass_on(&self, to: Pid) {
        while let Ok(Some(info)) = self.descriptor.read_signal() {
            if let Ok(signal) = Signal::try_from(info.ssi_signo as i32) {
                // A guard that is gone needs no signal.
                let _ = kill(to, signal);
            }
        }
    }
}

impl Drop for BlockedSignals {
    fn drop(&mut self) {
        // It cannot fail with a mask that was in force before.
        let _ = pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&self.before), None);
    }
}

impl AsFd for BlockedSignals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

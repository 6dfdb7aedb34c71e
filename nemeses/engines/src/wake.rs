//! A way to wake the thread that carries frames or connections.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::eventfd::{EfdFlags, EventFd};

/// A bell that wakes a polling thread.
#[derive(Debug)]
pub(super) struct Wake {
    bell: EventFd,
    stopped: AtomicBool,
}

impl Wake {
    pub(super) fn new() -> io::Result<Self> {
        let bell = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        Ok(Self { bell, stopped: AtomicBool::new(false) })
    }

    /// Has the thread look for what changed.
    pub(super) fn ring(&self) {
        // A counter that is full rings already.
        let _ = self.bell.write(1);
    }

    /// Tells the thread to end.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        self.ring();
    }

    /// For the thread, once the bell rang: silences it, and returns whether it has to end.
    pub(super) fn has_stopped(&self) -> bool {
        // Ringing for someone else already.
        let _ = self.bell.read();
        self.stopped.load(Ordering::Acquire)
    }
}

impl AsFd for Wake {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}

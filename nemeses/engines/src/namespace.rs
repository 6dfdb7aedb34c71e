//! A network namespace, held by a descriptor.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::sched::{CloneFlags, setns, unshare};

/// A network namespace of our own. It lives as long as this value or a process or socket in it.
#[derive(Debug)]
pub struct NetNs {
    descriptor: OwnedFd,
}

/// The namespace of the calling thread; other threads of the process may be in others.
const OWN: &str = "/proc/thread-self/ns/net";

impl NetNs {
    /// A new, empty namespace, in which not even the loopback is up. The calling thread stays where
    /// it is.
    pub fn create() -> io::Result<Self> {
        on_a_thread(|| {
            unshare(CloneFlags::CLONE_NEWNET)?;
            Self::current()
        })?
    }

    /// The namespace of the calling thread.
    pub fn current() -> io::Result<Self> {
        Ok(Self { descriptor: File::open(OWN)?.into() })
    }

    /// Runs `action` inside, on a thread of its own, and returns what it returns. Sockets that it
    /// opens belong to the namespace wherever they are used later.
    pub fn run<T: Send>(&self, action: impl FnOnce() -> T + Send) -> io::Result<T> {
        on_a_thread(|| {
            setns(&self.descriptor, CloneFlags::CLONE_NEWNET)?;
            Ok(action())
        })?
    }
}

impl AsFd for NetNs {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

/// Runs `action` on a new thread, which ends with it: a thread's namespace is its own, and no other
/// thread is disturbed.
fn on_a_thread<T: Send>(action: impl FnOnce() -> T + Send) -> io::Result<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("namespace".to_owned());
        let running = thread.spawn_scoped(scope, action)?;
        // A panic inside is a bug of the action's, and goes on as one.
        Ok(running.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

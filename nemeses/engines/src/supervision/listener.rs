//! The descriptor at which the calls of a filtered process arrive, and where they are answered.
#![expect(unsafe_code, reason = "ioctls of the seccomp listener have no safe wrapper")]

use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// A call of a thread, which waits for the answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question {
    id: u64,
    /// The id of the thread.
    pub(crate) thread: u32,
    /// The number of the call, and its arguments.
    pub(crate) call: libc::c_long,
    pub(crate) arguments: [u64; 6],
}

/// The listener of a filter, which any number of processes may have inherited.
#[derive(Debug)]
pub(crate) struct Listener(OwnedFd);

impl Listener {
    /// Lets the supervisor run on the processor of the thread that asks, which waits for it in any
    /// case (Linux 6.6). Older kernels take a little longer.
    pub(super) fn new(descriptor: OwnedFd) -> Self {
        const SYNC_WAKE_UP: libc::c_ulong = 1;
        // SAFETY: the descriptor is open, and the argument is a number.
        unsafe {
            libc::ioctl(descriptor.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SET_FLAGS, SYNC_WAKE_UP);
        }
        Self(descriptor)
    }

    /// The next question; none when no process is left to ask one.
    pub(super) fn receive_next(&self) -> Option<Question> {
        while self.wait() {
            match self.receive() {
                Ok(question) => return Some(question),
                // The thread that asked was killed meanwhile, or a signal came.
                Err(Errno::ENOENT | Errno::EINTR) => {}
                Err(_) => return None,
            }
        }
        None
    }

    /// Waits for a question; returns false when no process is left to ask one. To receive without
    /// this could take for ever: before Linux 6.11 it does not end with the last process.
    fn wait(&self) -> bool {
        loop {
            let mut waiting = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
            match poll(&mut waiting, PollTimeout::NONE) {
                Err(Errno::EINTR) => {}
                Err(_) => return false,
                Ok(_) => {
                    let seen = waiting[0].revents().unwrap_or(PollFlags::empty());
                    return seen.contains(PollFlags::POLLIN);
                }
            }
        }
    }

    fn receive(&self) -> Result<Question, Errno> {
        // SAFETY: all of a question may be zero, and the kernel demands that it is.
        let mut question: libc::seccomp_notif = unsafe { std::mem::zeroed() };
        let listener = self.0.as_raw_fd();
        // SAFETY: the kernel fills what it is given, which is of the size that it expects.
        Errno::result(unsafe {
            libc::ioctl(listener, libc::SECCOMP_IOCTL_NOTIF_RECV, &raw mut question)
        })?;
        let libc::seccomp_notif { id, pid, data, .. } = question;
        Ok(Question { id, thread: pid, call: data.nr.into(), arguments: data.args })
    }

    /// Lets the call go on as it is now.
    pub(super) fn go_on(&self, question: &Question) {
        self.send(question, 0, libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32);
    }

    /// Ends the call with a result, without the kernel.
    pub(super) fn answer(&self, question: &Question, result: Result<(), Errno>) {
        self.send(question, result.err().map_or(0, |error| -(error as i32)), 0);
    }

    fn send(&self, question: &Question, error: i32, flags: u32) {
        let mut answer = libc::seccomp_notif_resp { id: question.id, val: 0, error, flags };
        let listener = self.0.as_raw_fd();
        // It fails when the thread that asked was killed meanwhile.
        // SAFETY: the kernel reads what it is given, which is of the size that it expects.
        unsafe { libc::ioctl(listener, libc::SECCOMP_IOCTL_NOTIF_SEND, &raw mut answer) };
    }

    /// Returns whether the thread that asked still waits: if not, its id may be another's.
    pub(crate) fn still_waits(&self, question: &Question) -> bool {
        let listener = self.0.as_raw_fd();
        // SAFETY: the kernel reads the number that it is given.
        let valid = unsafe {
            libc::ioctl(listener, libc::SECCOMP_IOCTL_NOTIF_ID_VALID, &raw const question.id)
        };
        valid == 0
    }
}

//! Descriptors of processes (`pidfd_open(2)`), which never come to mean another process, and signals
//! to single threads.
#![expect(unsafe_code, reason = "these system calls have no safe wrapper")]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::signal::Signal;
use nix::unistd::Pid;

/// Neither system call on pidfds gets any. Arguments of raw system calls are as wide as registers.
const NO_FLAGS: libc::c_long = 0;

/// Opens that of a child which was not waited for yet.
pub(super) fn open_pidfd(pid: Pid) -> io::Result<OwnedFd> {
    // SAFETY: the call takes integers; what it returns is a new descriptor that nothing
    // else owns.
    unsafe {
        let descriptor =
            libc::syscall(libc::SYS_pidfd_open, libc::c_long::from(pid.as_raw()), NO_FLAGS);
        let descriptor = Errno::result(descriptor)?;
        Ok(OwnedFd::from_raw_fd(descriptor as i32))
    }
}

/// Sends a signal to the process of a pidfd. One that is gone needs none.
pub(super) fn signal_through(pidfd: &OwnedFd, signal: Signal) {
    // SAFETY: the descriptor is open, no information is passed along, no flags are set.
    unsafe {
        let none = std::ptr::null::<libc::siginfo_t>();
        let pidfd = libc::c_long::from(pidfd.as_raw_fd());
        let signal = signal as libc::c_long;
        libc::syscall(libc::SYS_pidfd_send_signal, pidfd, signal, none, NO_FLAGS);
    }
}

/// Sends a signal to one thread of a process (`tgkill(2)`). One that is gone needs none.
pub(super) fn signal_thread(process: i32, thread: i32, signal: Signal) {
    let [process, thread] = [process, thread].map(libc::c_long::from);
    // SAFETY: the call takes integers.
    unsafe {
        libc::syscall(libc::SYS_tgkill, process, thread, signal as libc::c_long);
    }
}

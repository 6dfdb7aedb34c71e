//! Processes that this thread traces (`ptrace(2)`). Only the thread that began to may go on.

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::ptrace;
use nix::sys::signal::Signal;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;

use super::memory::Memory;
use crate::proc;

/// The System V convention lets a function use so many bytes below the stack pointer.
const RED_ZONE: u64 = 128;

/// A signal that stopped a thread while it was traced: neither ours nor to be lost.
type Held = Option<Signal>;

/// The reason for which a traced thread stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stop {
    signal: Signal,
    /// Of `ptrace(2)`; 0 when the signal is for the thread itself.
    event: i32,
}

/// Lets the calling process, just forked, be traced by its parent: it stops when it has exec'd.
pub(crate) fn trace_me() -> Result<(), Errno> {
    ptrace::traceme()
}

/// A child with one thread, stopped by this thread's tracing.
#[derive(Debug)]
pub(super) struct Stopped {
    pid: Pid,
    /// A signal that came meanwhile, to be delivered when it goes on.
    held: Held,
}

impl Stopped {
    /// Waits until a child that called [`trace_me`] has exec'd. None when it is dead; it is not
    /// reaped then.
    pub(super) fn after_exec(pid: Pid) -> io::Result<Option<Self>> {
        Ok(next_stop(pid)?.map(|_| Self { pid, held: None }))
    }

    /// Calls a function of the child, which must be at the beginning of its program. It returns to
    /// `trap`, where there is an instruction that stops it. The function may write `bytes` at its
    /// second argument, which come back with its result; none when the child died.
    pub(super) fn call(
        &mut self,
        memory: &Memory,
        function: u64,
        trap: u64,
        argument: u64,
        bytes: &mut [u8],
    ) -> io::Result<Option<u64>> {
        let before = ptrace::getregs(self.pid)?;
        let buffer = (before.rsp - RED_ZONE - bytes.len() as u64) & !0xf;
        // A call leaves the stack 8 bytes off its alignment.
        let stack = buffer - 8;
        memory.write(stack, &trap.to_le_bytes())?;
        let mut registers = before;
        registers.rip = function;
        registers.rsp = stack;
        (registers.rdi, registers.rsi) = (argument, buffer);
        // It is on its way out of execve; this says that there is nothing to restart.
        registers.orig_rax = u64::MAX;
        ptrace::setregs(self.pid, registers)?;
        ptrace::cont(self.pid, None)?;
        loop {
            match next_stop(self.pid)?.map(|stop| stop.signal) {
                None => return Ok(None),
                Some(Signal::SIGTRAP) => break,
                Some(signal @ (Signal::SIGSEGV | Signal::SIGILL | Signal::SIGBUS)) => {
                    ptrace::setregs(self.pid, before)?;
                    return Err(io::Error::other(format!("the function got {signal}")));
                }
                Some(signal) => {
                    self.held = Some(signal);
                    ptrace::cont(self.pid, None)?;
                }
            }
        }
        let result = ptrace::getregs(self.pid)?.rax;
        memory.read(buffer, bytes)?;
        ptrace::setregs(self.pid, before)?;
        Ok(Some(result))
    }

    /// Lets it go on untraced. One that died meanwhile needs nothing.
    pub(super) fn detach(self) {
        let _ = ptrace::detach(self.pid, self.held);
    }
}

/// Waits for the next stop of a child with one thread. None when it is dead; it is not reaped then,
/// since another thread may wait for its end.
fn next_stop(child: Pid) -> io::Result<Option<Stop>> {
    loop {
        match waitid(Id::Pid(child), STOP_OR_END) {
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
            Ok(WaitStatus::Exited(..) | WaitStatus::Signaled(..)) => return Ok(None),
            Ok(_) => return take_stop(child),
        }
    }
}

/// Looks what became of a thread, and leaves it to be waited for.
const STOP_OR_END: WaitPidFlag = WaitPidFlag::WSTOPPED
    .union(WaitPidFlag::WEXITED)
    .union(WaitPidFlag::WNOWAIT)
    .union(WaitPidFlag::__WALL);

/// Takes a stop that was seen. A thread killed since is not reaped: this waits for stops alone.
fn take_stop(thread: Pid) -> io::Result<Option<Stop>> {
    let take = WaitPidFlag::WSTOPPED | WaitPidFlag::WNOHANG | WaitPidFlag::__WALL;
    Ok(match waitid(Id::Pid(thread), take)? {
        WaitStatus::PtraceEvent(_, signal, event) => Some(Stop { signal, event }),
        WaitStatus::Stopped(_, signal) => Some(Stop { signal, event: 0 }),
        _ => None,
    })
}

/// All threads of a running process, stopped by this thread's tracing until this is dropped.
///
/// A thread that is then still traced, because it does not stop or has died, is released by the
/// kernel when this thread ends. So it has to be a thread of its own.
#[derive(Debug)]
pub(super) struct AllStopped {
    pid: i32,
    threads: BTreeMap<i32, Held>,
}

/// A thread stops at its next return to user mode. One that hangs in the kernel, such as on a disk
/// that stalls, takes longer than a caller can wait.
const STOP_PATIENCE: Duration = Duration::from_secs(1);

/// Between two looks at a thread that does not stop at once.
const STOP_PAUSE: Duration = Duration::from_micros(100);

impl AllStopped {
    /// Stops every thread of a child. Those that are started meanwhile are found in another pass.
    pub(super) fn stop(pid: i32) -> io::Result<Self> {
        let mut stopped = Self { pid, threads: BTreeMap::new() };
        let end = Instant::now() + STOP_PATIENCE;
        loop {
            let mut is_complete = true;
            for thread in proc::living_threads(pid) {
                if !stopped.threads.contains_key(&thread) {
                    is_complete = false;
                    stopped.stop_thread(thread, end)?;
                }
            }
            if is_complete {
                return Ok(stopped);
            }
            if Instant::now() > end {
                return Err(io::Error::other("its threads come and go too fast"));
            }
        }
    }

    fn stop_thread(&mut self, thread: i32, end: Instant) -> io::Result<()> {
        let id = Pid::from_raw(thread);
        match ptrace::seize(id, ptrace::Options::empty()) {
            Ok(()) => {}
            // It is gone or on its way, or else the next pass meets it again.
            Err(Errno::ESRCH) => return Ok(()),
            Err(Errno::EPERM) if proc::is_ending(self.pid, thread) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        ptrace::interrupt(id)?;
        let stop = loop {
            match waitid(Id::Pid(id), STOP_OR_END | WaitPidFlag::WNOHANG) {
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
                Ok(WaitStatus::StillAlive) if Instant::now() > end => {
                    let what = format!("thread {thread} did not stop within {STOP_PATIENCE:?}");
                    return Err(io::Error::other(what));
                }
                Ok(WaitStatus::StillAlive) => std::thread::sleep(STOP_PAUSE),
                Ok(WaitStatus::Exited(..) | WaitStatus::Signaled(..)) => return Ok(()),
                Ok(_) => break take_stop(id)?,
            }
        };
        // A signal that got there first is given back. A process that was stopped before stays so.
        let is_ours = |stop: &Stop| stop.event == libc::PTRACE_EVENT_STOP;
        let held = stop.filter(|stop| !is_ours(stop)).map(|stop| stop.signal);
        self.threads.insert(thread, held);
        Ok(())
    }

    /// The next instruction of each thread.
    pub(super) fn instructions(&self) -> io::Result<Vec<u64>> {
        let registers = |thread: &i32| Ok(ptrace::getregs(Pid::from_raw(*thread))?.rip);
        self.threads.keys().map(registers).collect()
    }
}

impl Drop for AllStopped {
    fn drop(&mut self) {
        for (thread, signal) in &self.threads {
            // One that was killed meanwhile needs nothing.
            let _ = ptrace::detach(Pid::from_raw(*thread), *signal);
        }
    }
}

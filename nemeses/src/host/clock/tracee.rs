//! Processes that this thread traces (`ptrace(2)`). Only the thread that began to may go on.

use std::collections::BTreeMap;
use std::io;

use nix::errno::Errno;
use nix::sys::ptrace;
use nix::sys::signal::Signal;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;

use super::memory::Memory;
use crate::host::proc;

/// The System V convention lets a function use so many bytes below the stack pointer.
const RED_ZONE: u64 = 128;

/// A signal that stopped a thread while it was traced: neither ours nor to be lost.
type Held = Option<Signal>;

/// Lets the calling process, just forked, be traced by its parent: it stops when it has exec'd.
pub(super) fn trace_me() -> Result<(), Errno> {
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
            match next_stop(self.pid)? {
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

/// Waits for the next stop of a thread that this one traces. None when it is dead; it is not reaped
/// then, since somebody else may wait for its end.
fn next_stop(thread: Pid) -> io::Result<Option<Signal>> {
    // Killed between the two calls it would be reaped by the second, so that one is for stops alone.
    let look = WaitPidFlag::WSTOPPED | WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
    let take = WaitPidFlag::WSTOPPED | WaitPidFlag::WNOHANG;
    loop {
        match waitid(Id::Pid(thread), look | WaitPidFlag::__WALL) {
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
            Ok(WaitStatus::Exited(..) | WaitStatus::Signaled(..)) => return Ok(None),
            Ok(_) => break,
        }
    }
    Ok(match waitid(Id::Pid(thread), take | WaitPidFlag::__WALL)? {
        WaitStatus::Stopped(_, signal) | WaitStatus::PtraceEvent(_, signal, _) => Some(signal),
        _ => None,
    })
}

/// All threads of a running process, stopped by this thread's tracing until this is dropped.
#[derive(Debug)]
pub(super) struct AllStopped {
    pid: i32,
    threads: BTreeMap<i32, Held>,
}

/// How often the threads of a process are listed anew before giving up, because there are more of
/// them or one is just ending, which keeps it from being traced.
const PASSES: u32 = 1000;

impl AllStopped {
    /// Stops every thread of a child. Those that are started meanwhile are found in another pass.
    pub(super) fn stop(pid: i32) -> io::Result<Self> {
        let mut stopped = Self { pid, threads: BTreeMap::new() };
        for _ in 0..PASSES {
            let mut is_complete = true;
            for thread in proc::living_threads(pid) {
                if !stopped.threads.contains_key(&thread) {
                    is_complete = false;
                    stopped.stop_thread(thread)?;
                }
            }
            if is_complete {
                return Ok(stopped);
            }
        }
        Err(io::Error::other("its threads come and go too fast to stop them all"))
    }

    fn stop_thread(&mut self, thread: i32) -> io::Result<()> {
        let id = Pid::from_raw(thread);
        match ptrace::seize(id, ptrace::Options::empty()) {
            Ok(()) => {}
            // It is gone, or just ending; if the rights are missing, every pass will tell.
            Err(Errno::ESRCH) => return Ok(()),
            Err(Errno::EPERM) if proc::is_ending(self.pid, thread) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        // From now on it is ours, and has to be let go.
        self.threads.insert(thread, None);
        if ptrace::interrupt(id).is_err() {
            return Ok(());
        }
        let stop = next_stop(id)?;
        // A signal that got there first is given back; a stop of the whole process stays anyway.
        let is_signal = |signal: &Signal| !matches!(signal, Signal::SIGTRAP | Signal::SIGSTOP);
        self.threads.insert(thread, stop.filter(is_signal));
        Ok(())
    }

    /// Where each thread goes on.
    pub(super) fn instructions(&self) -> io::Result<Vec<u64>> {
        let registers = |thread: &i32| Ok(ptrace::getregs(Pid::from_raw(*thread))?.rip);
        self.threads.keys().map(registers).collect()
    }
}

impl Drop for AllStopped {
    fn drop(&mut self) {
        for (thread, signal) in &self.threads {
            let id = Pid::from_raw(*thread);
            // A thread that died while it was traced is reaped by whoever traced it; the first one
            // stands for the process, which is reaped by whoever waits for that.
            if ptrace::detach(id, *signal).is_err() && *thread != self.pid {
                let _ = waitid(Id::Pid(id), WaitPidFlag::WEXITED | WaitPidFlag::__WALL);
            }
        }
    }
}

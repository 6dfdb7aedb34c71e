//! The guard: sets the lab up, starts the controller, outlives it and cleans up.
#![expect(unsafe_code, reason = "signal handling, and pre_exec for the controller")]

use std::collections::BTreeSet;
use std::io::Write;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl::{set_child_subreaper, set_pdeathsig};
use nix::sys::signal::{SigHandler, SigSet, Signal, kill, signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getppid};

use super::lab::Lab;
use super::launch_error::step;
use super::namespaces::set_up_namespaces;
use super::parent_link::ParentLink;
use super::reaper;
use super::report::{GuardReport, raw_status};
use super::role::{Role, VARIABLE};
use crate::journal::Journal;
use crate::leftovers;

/// The guard's whole life. When it returns, the controller and, in the loopback lab, all its
/// descendants are gone; in the namespace lab they go with this process, which is process 1.
pub(super) fn run(lab: Lab, mut parent: ParentLink) {
    let last_words = match start_controller(lab, parent.journal.as_ref()) {
        Err(reason) => Some(GuardReport::Failed(reason)),
        Ok((controller, signals)) => watch(controller, &signals, &parent).map(GuardReport::Ended),
    };
    if lab == Lab::Loopback {
        reaper::kill_children(&BTreeSet::new());
        // The outer process does it too, unless it is dead. In the namespace lab it must: there the
        // nodes live until this process is gone.
        if let Some(journal) = &parent.journal {
            leftovers::settle(journal);
        }
    }
    if let Some(words) = last_words {
        let line = serde_json::to_string(&words).expect("a report is plain data");
        // An outer process that is gone needs no report.
        let _ = writeln!(parent.reports, "{line}");
    }
}

fn start_controller(lab: Lab, journal: Option<&Journal>) -> Result<(Pid, SignalFd), String> {
    let watched = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM, Signal::SIGCHLD]);
    step("block signals", watched.thread_block())?;
    let signals = step("watch signals", SignalFd::with_flags(&watched, SfdFlags::SFD_CLOEXEC))?;
    // SAFETY: no handler is installed. The controller, in the background of its terminal, inherits
    // the right to write there.
    step("ignore SIGTTOU", unsafe { signal(Signal::SIGTTOU, SigHandler::SigIgn) })?;
    match lab {
        Lab::Namespaces => set_up_namespaces()?,
        Lab::Loopback => step("become a subreaper", set_child_subreaper(true))?,
    }
    let guard = nix::unistd::getpid();
    let mut arguments = std::env::args_os();
    let mut command = Command::new("/proc/self/exe");
    if let Some(own_name) = arguments.next() {
        command.arg0(own_name);
    }
    let journal = journal.map(|journal| journal.as_fd().as_raw_fd());
    let number = journal.map(|number| format!(" {number}")).unwrap_or_default();
    command.args(arguments).env(VARIABLE, Role::Controller(lab).name() + &number);
    // SAFETY: between fork and exec it makes a few system calls and allocates nothing. The journal
    // is open as long as this process lives.
    unsafe {
        command.pre_exec(move || {
            if let Some(number) = journal {
                let journal = BorrowedFd::borrow_raw(number);
                fcntl(journal, FcntlArg::F_SETFD(FdFlag::empty()))?;
            }
            // A mask outlives exec, and every thread and node of the controller would inherit it.
            watched.thread_unblock()?;
            set_pdeathsig(Signal::SIGKILL)?;
            // Had the guard died before, the signal would never come.
            if getppid() == guard { Ok(()) } else { Err(Errno::ESRCH.into()) }
        });
    }
    let controller = step("start the controller", command.spawn())?;
    Ok((Pid::from_raw(controller.id() as i32), signals))
}

/// Waits until the controller ends, and returns its `wait` status; none when the outer process is
/// gone first. Orphans that fall to this process are reaped on the way.
fn watch(controller: Pid, signals: &SignalFd, parent: &ParentLink) -> Option<i32> {
    loop {
        let mut waiting = [
            PollFd::new(parent.lifeline.as_fd(), PollFlags::POLLIN),
            PollFd::new(signals.as_fd(), PollFlags::POLLIN),
        ];
        // An interrupted poll is repeated; any other failure must not end the watch either.
        let _ = poll(&mut waiting, PollTimeout::NONE);
        if waiting[0].any().unwrap_or(false) {
            return None;
        }
        if !waiting[1].any().unwrap_or(false) {
            continue;
        }
        if let Ok(Some(info)) = signals.read_signal() {
            match Signal::try_from(info.ssi_signo as i32) {
                Ok(Signal::SIGCHLD) | Err(_) => {}
                // It is our child and was not waited for, so the id is still its own.
                Ok(signal) => drop(kill(controller, signal)),
            }
        }
        while let Ok(status) = waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            if status == WaitStatus::StillAlive {
                break;
            }
            if status.pid() == Some(controller)
                && let Some(raw) = raw_status(status)
            {
                return Some(raw);
            }
        }
    }
}

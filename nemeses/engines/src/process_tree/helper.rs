//! A helper: this program once more, as a part of the process tree.
#![expect(unsafe_code, reason = "clone and the steps of its child, which may not allocate")]

use std::ffi::CString;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::{Pid, getegid, geteuid, pipe2};

use super::lab::Lab;
use super::launch_error::{LaunchError, failed};
use super::report::raw_status;
use super::role::{Role, VARIABLE};
use super::signals::BlockedSignals;
use crate::journal::Journal;

/// A helper that this process started, killed when dropped.
pub(crate) struct Helper {
    pid: Pid,
    /// Open as long as the helper may live.
    _lifeline: OwnedFd,
    reports: BufReader<File>,
    waited: bool,
}

impl Helper {
    /// The next report of the helper; none after the last one. While waiting, signals
    /// are passed on to it.
    pub(super) fn next_report(
        &mut self,
        signals: Option<&BlockedSignals>,
    ) -> Result<Option<String>, LaunchError> {
        if let Some(signals) = signals {
            self.wait_passing_on(signals)?;
        }
        let mut line = String::new();
        let length = self.reports.read_line(&mut line);
        match length.map_err(|error| failed("hear the helper", error))? {
            0 => Ok(None),
            _ => Ok(Some(line)),
        }
    }

    /// The next report of the helper; none after the last one, or when there was none
    /// for `patience`.
    pub(crate) fn report_within(&mut self, patience: Duration) -> Option<String> {
        if self.reports.buffer().is_empty() {
            let reports = self.reports.get_ref();
            let mut waiting = [PollFd::new(reports.as_fd(), PollFlags::POLLIN)];
            let patience = PollTimeout::try_from(patience).unwrap_or(PollTimeout::MAX);
            if poll(&mut waiting, patience) == Ok(0) {
                return None;
            }
        }
        self.next_report(None).ok().flatten()
    }

    /// Until there is something to read. Lines are short and written at once, so that what can be
    /// read is a whole line.
    fn wait_passing_on(&self, signals: &BlockedSignals) -> Result<(), LaunchError> {
        while self.reports.buffer().is_empty() {
            let reports = self.reports.get_ref();
            let mut waiting = [
                PollFd::new(reports.as_fd(), PollFlags::POLLIN),
                PollFd::new(signals.as_fd(), PollFlags::POLLIN),
            ];
            match poll(&mut waiting, PollTimeout::NONE) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(error) => return Err(failed("wait for the guard", error)),
            }
            signals.pass_on(self.pid);
            if waiting[0].any().unwrap_or(false) {
                break;
            }
        }
        Ok(())
    }

    /// Waits until the helper is gone.
    pub(crate) fn wait(mut self) -> Result<ExitStatus, LaunchError> {
        let status = wait_for(self.pid).map_err(|error| failed("wait for the helper", error))?;
        self.waited = true;
        Ok(status)
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        if !self.waited {
            // It is our child and was not waited for, so the id is still its own.
            let _ = kill(self.pid, Signal::SIGKILL);
            let _ = wait_for(self.pid);
        }
    }
}

/// Waits for the end of `pid`, and returns its status as the standard library has it.
fn wait_for(pid: Pid) -> nix::Result<ExitStatus> {
    loop {
        match waitpid(pid, None::<WaitPidFlag>) {
            Ok(status) => {
                if let Some(raw) = raw_status(status) {
                    return Ok(ExitStatus::from_raw(raw));
                }
            }
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Starts this program as a helper, in fresh namespaces where the role asks for them.
pub(crate) fn start_helper(role: Role, journal: Option<&Journal>) -> Result<Helper, LaunchError> {
    let wants_namespaces = matches!(role, Role::Guard(Lab::Namespaces) | Role::ProbeLab);
    if !wants_namespaces {
        return start(role, 0, journal);
    }
    let fresh = libc::CLONE_NEWNET | libc::CLONE_NEWNS | libc::CLONE_NEWPID;
    let as_user = || start(role, fresh | libc::CLONE_NEWUSER, journal);
    if geteuid().is_root() {
        // Root without the capability, as in most containers, is like any other user.
        start(role, fresh, journal).or_else(|error| as_user().map_err(|_| error))
    } else {
        as_user()
    }
}

/// The steps of a new process before it is the helper, in order. A failure is reported by the
/// static line of the step and the error number as exit code.
const STEPS: [&str; 6] = [
    "tie the helper to this process",
    "deny setgroups in the user namespace",
    "map the user in the user namespace",
    "map the group in the user namespace",
    "pass descriptors to the helper",
    "execute /proc/self/exe",
];

fn start(role: Role, namespaces: i32, journal: Option<&Journal>) -> Result<Helper, LaunchError> {
    if std::env::var_os(VARIABLE).is_some() {
        // It would start itself again for ever.
        return Err(failed("start a helper", "`dispatch` must come first in `main`"));
    }
    let pipe = || pipe2(OFlag::O_CLOEXEC).map_err(|error| failed("open a pipe", error));
    let (lifeline, our_lifeline) = pipe()?;
    let (our_reports, reports) = pipe()?;
    // Everything is made ready here: after a clone in a process with threads, the new process may
    // not allocate.
    let mut descriptors = vec![lifeline.as_raw_fd(), reports.as_raw_fd()];
    descriptors.extend(journal.map(|journal| journal.as_fd().as_raw_fd()));
    let plan = ExecPlan::new(role, namespaces, descriptors);
    // SAFETY: without a stack and with SIGCHLD this is `fork` into new namespaces. The new process
    // shares no memory with this one and calls only `ExecPlan::run`, which allocates nothing and
    // never returns.
    let pid = unsafe {
        let flags = libc::c_long::from(namespaces | libc::SIGCHLD);
        let none = std::ptr::null::<libc::c_void>();
        match libc::syscall(libc::SYS_clone, flags, none, none, none, none) {
            0 => plan.run(),
            pid => Errno::result(pid),
        }
    };
    let pid = pid.map_err(|error| failed(needs(namespaces), explain(error)))?;
    drop((lifeline, reports));
    let mut child = Helper {
        pid: Pid::from_raw(pid as i32),
        _lifeline: our_lifeline,
        reports: BufReader::new(our_reports.into()),
        waited: false,
    };
    // The first line shows whether the helper runs at all.
    match child.next_report(None)?.as_deref().map(str::trim_end) {
        // One that was killed before it could say so did start, and is not replaced:
        // to kill it means to end the lab.
        Some("") | None => Ok(child),
        Some(step) => {
            let status = child.wait()?;
            let why = match status.code() {
                Some(number) => Errno::from_raw(number).desc().to_owned(),
                None => status.to_string(),
            };
            Err(failed(step, why))
        }
    }
}

fn needs(namespaces: i32) -> &'static str {
    match namespaces {
        0 => "start a process",
        flags if flags & libc::CLONE_NEWUSER != 0 => "make user, network, mount and pid namespaces",
        _ => "make network, mount and pid namespaces",
    }
}

/// The meaning of an error of `clone(2)` for a user.
fn explain(error: Errno) -> String {
    let hint = match error {
        Errno::ENOSPC | Errno::EUSERS => " (a limit in /proc/sys/user is reached)",
        Errno::EPERM => " (this system does not let this user)",
        _ => "",
    };
    format!("{}{hint}", error.desc())
}

/// The steps of the new process until it is the helper.
struct ExecPlan {
    maps: Option<[(CString, CString); 3]>,
    die_with_parent: bool,
    /// Passed on: what comes from the lifeline, where to report, what else there is.
    descriptors: Vec<i32>,
    arguments: CStringList,
    environment: CStringList,
    steps: [CString; 6],
}

impl ExecPlan {
    fn new(role: Role, namespaces: i32, descriptors: Vec<i32>) -> Self {
        let text = |bytes: Vec<u8>| CString::new(bytes).expect("the kernel passes no inner zeros");
        let numbers: String = descriptors.iter().map(|number| format!(" {number}")).collect();
        let own = format!("{VARIABLE}={}{numbers}", role.name());
        let inherited = std::env::vars_os()
            .map(|(name, value)| text([name.as_bytes(), b"=", value.as_bytes()].concat()));
        let map = |file: &str, content: String| {
            (text(format!("/proc/self/{file}").into_bytes()), text(content.into_bytes()))
        };
        let maps = (namespaces & libc::CLONE_NEWUSER != 0).then(|| {
            [
                map("setgroups", "deny".to_owned()),
                map("uid_map", format!("0 {} 1", geteuid())),
                map("gid_map", format!("0 {} 1", getegid())),
            ]
        });
        Self {
            maps,
            // A guard without a pid namespace must outlive its parent to clean up.
            die_with_parent: role != Role::Guard(Lab::Loopback),
            descriptors,
            arguments: CStringList::new(
                std::env::args_os().map(|word| text(word.into_vec())).collect(),
            ),
            environment: CStringList::new(inherited.chain([text(own.into_bytes())]).collect()),
            steps: STEPS.map(|step| text(format!("{step}\n").into_bytes())),
        }
    }

    /// Becomes the helper, or reports the step that failed and ends.
    ///
    /// # Safety
    /// Only in a process that was just cloned. Its parent may have any threads.
    unsafe fn run(&self) -> ! {
        // SAFETY: every call is async-signal-safe, every pointer is to a value that `self` owns.
        unsafe {
            let signal = if self.die_with_parent { libc::SIGKILL } else { 0 };
            let tied = libc::prctl(libc::PR_SET_PDEATHSIG, libc::c_long::from(signal));
            self.require(0, tied == 0 && libc::setpgid(0, 0) == 0);
            if let Some(maps) = &self.maps {
                for (step, (path, content)) in (1..).zip(maps) {
                    let file = libc::open(path.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
                    let length = content.as_bytes().len();
                    let written = libc::write(file, content.as_ptr().cast(), length);
                    self.require(step, file >= 0 && written == length as isize);
                }
            }
            for descriptor in &self.descriptors {
                self.require(4, libc::fcntl(*descriptor, libc::F_SETFD, 0) == 0);
            }
            let (arguments, environment) = (self.arguments.pointers(), self.environment.pointers());
            libc::execve(c"/proc/self/exe".as_ptr(), arguments, environment);
            self.require(5, false);
            libc::_exit(1)
        }
    }

    /// # Safety
    /// As for `run`.
    unsafe fn require(&self, step: usize, holds: bool) {
        if !holds {
            let line = self.steps[step].as_bytes();
            // SAFETY: async-signal-safe calls on a line that `self` owns.
            unsafe {
                let error = *libc::__errno_location();
                libc::write(self.descriptors[1], line.as_ptr().cast(), line.len());
                libc::_exit(error)
            }
        }
    }
}

/// C strings and the null-terminated list of pointers to them that `execve` takes.
struct CStringList {
    _texts: Vec<CString>,
    pointers: Vec<*const libc::c_char>,
}

impl CStringList {
    fn new(texts: Vec<CString>) -> Self {
        // A CString's bytes stay where they are when the CString moves.
        let pointers = texts.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect();
        Self { _texts: texts, pointers }
    }

    fn pointers(&self) -> *const *const libc::c_char {
        self.pointers.as_ptr()
    }
}

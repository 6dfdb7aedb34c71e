//! The process that the user started: it starts the guard, waits, and passes signals on.
#![expect(unsafe_code, reason = "clone and the steps of its child, which may not allocate")]

use std::collections::BTreeSet;
use std::ffi::CString;
use std::fmt;
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
use nix::sys::prctl::set_child_subreaper;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill, pthread_sigmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getegid, geteuid, pipe2};
use serde::{Deserialize, Serialize};

use super::Lab;
use super::reaper;
use super::stage::{Stage, VARIABLE};
use crate::journal::Journal;
use crate::{leftovers, proc};

/// Why the controller could not be started in a lab. Nothing was started then, and another lab may
/// be tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaunchError {
    /// What failed and why.
    pub reason: String,
}

impl fmt::Display for LaunchError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.reason)
    }
}

impl std::error::Error for LaunchError {}

/// What the guard tells the outer process, one JSON value a line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum GuardReport {
    /// The lab could not be set up; the controller was not started.
    Failed(String),
    /// The controller ended, with this `wait` status.
    Ended(i32),
}

/// Starts this program again with the same arguments as the controller of a lab, in which
/// [`dispatch`](super::dispatch) returns `Inside`, and waits until it ends.
///
/// SIGINT and SIGTERM are passed on to it. Call it before other threads exist, since they would take
/// these signals; any other signal that ends this process ends the lab. The status is the controller's own; that of the guard (SIGKILL) if somebody
/// killed it. When this returns, no process of the lab is left, nor anything that its journal tells
/// of. What earlier runs left is removed first.
pub fn relaunch(lab: Lab) -> Result<ExitStatus, LaunchError> {
    // What cannot be removed is the doctor's to tell.
    leftovers::clean_journals();
    // Without one, faults that would outlive the processes are refused, and the others do without.
    let journal = Journal::own().ok();
    let blocked = BlockedSignals::new().map_err(|error| failed("block signals", error))?;
    // In the loopback lab, what a killed guard leaves behind falls to this process.
    let adopter = (lab == Lab::Loopback).then(Adopter::new).transpose()?;
    let mut child = start_stage(Stage::Guard(lab), journal.as_ref())?;
    let mut ended = None;
    while let Some(line) = child.next_report(Some(&blocked))? {
        match serde_json::from_str(&line) {
            Ok(GuardReport::Ended(status)) => ended = Some(ExitStatus::from_raw(status)),
            Ok(GuardReport::Failed(reason)) => return Err(LaunchError { reason }),
            Err(error) => return Err(failed("understand the guard", error)),
        }
    }
    let guard = child.wait()?;
    drop(adopter);
    // Last: whoever could hold what it tells of is gone.
    drop(journal);
    Ok(ended.unwrap_or(guard))
}

fn failed(what: &str, error: impl fmt::Display) -> LaunchError {
    LaunchError { reason: format!("cannot {what}: {error}") }
}

/// SIGINT and SIGTERM held back and read from a descriptor instead, until dropped. The guard
/// inherits the mask, so that no signal finds it unprepared.
struct BlockedSignals {
    descriptor: SignalFd,
    before: SigSet,
}

impl BlockedSignals {
    fn new() -> nix::Result<Self> {
        let signals = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM]);
        let mut before = SigSet::empty();
        pthread_sigmask(SigmaskHow::SIG_BLOCK, Some(&signals), Some(&mut before))?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        Ok(Self { descriptor: SignalFd::with_flags(&signals, flags)?, before })
    }

    fn pass_on(&self, to: Pid) {
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

/// Makes orphaned descendants fall to this process, and kills them when dropped. Children that
/// this process had before are spared.
struct Adopter {
    spared: BTreeSet<i32>,
}

impl Adopter {
    fn new() -> Result<Self, LaunchError> {
        set_child_subreaper(true).map_err(|error| failed("become a subreaper", error))?;
        Ok(Self { spared: proc::children(std::process::id() as i32) })
    }
}

impl Drop for Adopter {
    fn drop(&mut self) {
        reaper::kill_children(&self.spared);
        // It cannot fail: it takes no permission.
        let _ = set_child_subreaper(false);
    }
}

/// A helper that this process started, killed when dropped.
pub(crate) struct Child {
    pid: Pid,
    /// Open as long as the helper may live.
    _lifeline: OwnedFd,
    reports: BufReader<File>,
    waited: bool,
}

impl Child {
    /// The next line that the helper tells; none once it told everything. While waiting, signals
    /// are passed on to it.
    fn next_report(
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

    /// The next line that the helper tells; none once it told everything, or when it told nothing
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
                PollFd::new(signals.descriptor.as_fd(), PollFlags::POLLIN),
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

impl Drop for Child {
    fn drop(&mut self) {
        if !self.waited {
            // It is our child and was not waited for, so the id is still its own.
            let _ = kill(self.pid, Signal::SIGKILL);
            let _ = wait_for(self.pid);
        }
    }
}

/// How `pid` ended, as the standard library tells it.
pub(super) fn wait_for(pid: Pid) -> nix::Result<ExitStatus> {
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

/// The status word of `wait(2)` of a process that ended: code in the second byte, signal in the
/// first.
pub(super) fn raw_status(status: WaitStatus) -> Option<i32> {
    match status {
        WaitStatus::Exited(_, code) => Some((code & 0xff) << 8),
        WaitStatus::Signaled(_, signal, _) => Some(signal as i32),
        _ => None,
    }
}

/// Starts this program as a helper, in fresh namespaces where the stage asks for them.
pub(crate) fn start_stage(stage: Stage, journal: Option<&Journal>) -> Result<Child, LaunchError> {
    let wants_namespaces = matches!(stage, Stage::Guard(Lab::Namespaces) | Stage::ProbeLab);
    if !wants_namespaces {
        return start(stage, 0, journal);
    }
    let fresh = libc::CLONE_NEWNET | libc::CLONE_NEWNS | libc::CLONE_NEWPID;
    let as_user = || start(stage, fresh | libc::CLONE_NEWUSER, journal);
    if geteuid().is_root() {
        // Root without the capability, as in most containers, is like any other user.
        start(stage, fresh, journal).or_else(|error| as_user().map_err(|_| error))
    } else {
        as_user()
    }
}

/// The steps of a new process before it is the helper, in order. What fails is told by the static
/// line of the step and the error number as exit code.
const STEPS: [&str; 6] = [
    "tie the helper to this process",
    "deny setgroups in the user namespace",
    "map the user in the user namespace",
    "map the group in the user namespace",
    "pass descriptors to the helper",
    "execute /proc/self/exe",
];

fn start(stage: Stage, namespaces: i32, journal: Option<&Journal>) -> Result<Child, LaunchError> {
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
    let plan = ExecPlan::new(stage, namespaces, descriptors);
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
    let mut child = Child {
        pid: Pid::from_raw(pid as i32),
        _lifeline: our_lifeline,
        reports: BufReader::new(our_reports.into()),
        waited: false,
    };
    // The first line tells whether the helper runs at all.
    match child.next_report(None)?.as_deref().map(str::trim_end) {
        Some("") => Ok(child),
        step => {
            let step = step.unwrap_or("start the helper").to_owned();
            let status = child.wait()?;
            let why = match status.code() {
                Some(number) => Errno::from_raw(number).desc().to_owned(),
                None => status.to_string(),
            };
            Err(failed(&step, why))
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

/// What an error of `clone(2)` means to a user.
fn explain(error: Errno) -> String {
    let hint = match error {
        Errno::ENOSPC | Errno::EUSERS => " (a limit in /proc/sys/user is reached)",
        Errno::EPERM => " (this system does not let this user)",
        _ => "",
    };
    format!("{}{hint}", error.desc())
}

/// What the new process does until it is the helper.
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
    fn new(stage: Stage, namespaces: i32, descriptors: Vec<i32>) -> Self {
        let text = |bytes: Vec<u8>| CString::new(bytes).expect("the kernel passes no inner zeros");
        let numbers: String = descriptors.iter().map(|number| format!(" {number}")).collect();
        let own = format!("{VARIABLE}={}{numbers}", stage.name());
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
            die_with_parent: stage != Stage::Guard(Lab::Loopback),
            descriptors,
            arguments: CStringList::new(
                std::env::args_os().map(|word| text(word.into_vec())).collect(),
            ),
            environment: CStringList::new(inherited.chain([text(own.into_bytes())]).collect()),
            steps: STEPS.map(|step| text(format!("{step}\n").into_bytes())),
        }
    }

    /// Becomes the helper, or tells what failed and ends.
    ///
    /// # Safety
    /// Only in a process that was just cloned, whatever threads its parent has.
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

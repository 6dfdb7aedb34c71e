//! Starting a process with clocks of its own: what the child does between fork and exec, and what
//! the thread that started it does while it stands still right after.
#![expect(
    unsafe_code,
    reason = "descriptors are passed between fork and exec, which may not allocate"
)]

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use nix::unistd::Pid;

use super::memory::Memory;
use super::node_clock::{NodeClock, machine_clocks};
use super::own_clock::OwnClock;
use super::parameters::{CLOCKS, MONOTONIC, Reading, WALL};
use super::patch::Patch;
use super::tracee::{Stopped, trace_me};
use super::{deadlines, filter};
use faults::fault::ClockCondition;

/// One process that is about to be started.
#[derive(Debug)]
pub(crate) struct Launch {
    /// Receives the report of the child.
    receiver: OwnedFd,
    /// The child sends its report here.
    sender: OwnedFd,
    /// The filter that the child installs, if there are deadlines to correct.
    filter: Option<Vec<libc::sock_filter>>,
}

/// The report of the child: the errors of tracing and of the filter, 0 if there was none.
type ChildReport = [i32; 2];

/// The second number when the child installs no filter.
const NO_FILTER: i32 = 0;

/// The shift at which the patched clock is looked at, before anything runs in the process.
const PROOF_SHIFT_MS: i64 = 3_600_000;

impl Launch {
    /// Prepares to start a process; none when it keeps the machine's clocks.
    pub(crate) fn prepare(own_clock: OwnClock) -> io::Result<Option<Self>> {
        let filter = match own_clock {
            OwnClock::No => return Ok(None),
            OwnClock::Plain => None,
            OwnClock::WithDeadlines => Some(filter::program()),
        };
        let kind = SockType::SeqPacket;
        let pair = socketpair(AddressFamily::Unix, kind, None, SockFlag::SOCK_CLOEXEC)?;
        Ok(Some(Self { receiver: pair.0, sender: pair.1, filter }))
    }

    /// The child's part, the last before it execs. It is traced by its parent afterwards, so it
    /// stands still as soon as it has exec'd. A failure is reported to the parent, and the process
    /// starts all the same.
    ///
    /// It makes system calls only, so that it may run between fork and exec.
    pub(crate) fn in_child(&self) -> io::Result<()> {
        let listener = self.filter.as_ref().map(|program| filter::install(program));
        let traced = trace_me();
        let filtered = listener.as_ref().and_then(|listener| listener.as_ref().err().copied());
        let report = [
            traced.err().map_or(0, |error| error as i32),
            filtered.map_or(NO_FILTER, |error| error as i32),
        ];
        // A filter without a listener would break the process, so this must not fail silently.
        Ok(send(&self.sender, &report, listener.and_then(Result::ok))?)
    }

    /// The parent's part, on the thread that started the process: patches it while it stands still,
    /// gives its clocks their condition, and lets it go. The outer error is that the process cannot
    /// go on, the inner one that it has the machine's clocks.
    pub(crate) fn in_parent(
        &self,
        pid: u32,
        condition: &ClockCondition,
    ) -> io::Result<Result<NodeClock, String>> {
        let pid = Pid::from_raw(pid as i32);
        let (report, listener) = receive(&self.receiver)?;
        let [traced, filtered] = report.map(Errno::from_raw);
        let clock = match traced as i32 {
            0 => match Stopped::after_exec(pid)? {
                Some(mut stopped) => {
                    let clock = begin(&mut stopped, pid.as_raw(), condition);
                    stopped.detach();
                    clock
                }
                None => Err("it died before its clocks were patched".to_owned()),
            },
            _ => Err(format!("it cannot be traced: {}", traced.desc())),
        };
        if let Some(listener) = listener {
            // Also without a clock: its filter asks, and must get answers.
            deadlines::supervise(pid.as_raw(), listener, clock.as_ref().ok().cloned())?;
        }
        Ok(match filtered as i32 {
            NO_FILTER => clock,
            _ => Err(format!("its deadlines cannot be corrected: {}", filtered.desc())),
        })
    }
}

/// Patches a process that has run nothing yet, sees that its clocks can be shifted, and gives them
/// their condition. When that fails the process is as it was.
fn begin(stopped: &mut Stopped, pid: i32, condition: &ClockCondition) -> Result<NodeClock, String> {
    let open = || Memory::open(pid).map_err(|error| format!("cannot open its memory: {error}"));
    let memory = open()?;
    let patch = Patch::plan_for(pid, &memory)?;
    let clock = NodeClock::new(pid, open()?, &patch);
    let begun = patch.apply(&memory).and_then(|()| {
        let set =
            |condition: &ClockCondition| clock.set(condition).map_err(|error| error.to_string());
        set(&ClockCondition { wall_shift_ms: PROOF_SHIFT_MS, rate: 1.0 })?;
        for (row, shift_ms) in [(WALL, PROOF_SHIFT_MS), (MONOTONIC, 0)] {
            prove(stopped, &memory, &patch, row, shift_ms * 1_000_000)?;
        }
        set(&ClockCondition::default())?;
        set(condition)
    });
    match begun {
        Ok(_) => Ok(clock),
        Err(why) => {
            patch.take_back(&memory);
            Err(why)
        }
    }
}

/// Has the process itself read a clock, and compares it with the machine's before and after.
fn prove(
    stopped: &mut Stopped,
    memory: &Memory,
    patch: &Patch,
    row: usize,
    shift: i64,
) -> Result<(), String> {
    let failed = |error: io::Error| format!("its patched clock cannot be read: {error}");
    let at = |reading: Reading| reading[row] + shift;
    let mut result = [0; size_of::<libc::timespec>()];
    let before = at(machine_clocks().map_err(failed)?);
    let clock = CLOCKS[row] as u64;
    let returned = stopped.call(memory, patch.clock_gettime, patch.trap, clock, &mut result);
    let after = at(machine_clocks().map_err(failed)?);
    match returned.map_err(failed)? {
        None => return Err("it died before its clocks were patched".to_owned()),
        Some(0) => {}
        Some(error) => return Err(format!("its patched clock returns {}", error as i32)),
    }
    let number = |at: usize| i64::from_le_bytes(result[at..][..8].try_into().expect("8 bytes"));
    let seen = number(0) * 1_000_000_000 + number(8);
    if (before..=after).contains(&seen) {
        Ok(())
    } else {
        Err(format!("its patched clock shows {seen} ns, not {before} to {after}"))
    }
}

/// Room for one descriptor in a message (`cmsg(3)`), aligned as it has to be.
type Control = [usize; 8];

/// Sends the report of the child, by system calls alone.
fn send(socket: &OwnedFd, report: &ChildReport, listener: Option<OwnedFd>) -> Result<(), Errno> {
    let mut part = libc::iovec {
        iov_base: report.as_ptr().cast_mut().cast(),
        iov_len: size_of::<ChildReport>(),
    };
    let mut control: Control = [0; 8];
    // SAFETY: all of a message may be zero. The pointers are to values that outlive the call, and
    // `control` has room for the header and one descriptor.
    unsafe {
        let mut message: libc::msghdr = MaybeUninit::zeroed().assume_init();
        (message.msg_iov, message.msg_iovlen) = (&raw mut part, 1);
        if let Some(listener) = &listener {
            let length = size_of::<i32>() as u32;
            message.msg_control = control.as_mut_ptr().cast();
            message.msg_controllen = libc::CMSG_SPACE(length) as usize;
            let header = libc::CMSG_FIRSTHDR(&raw const message);
            (*header).cmsg_level = libc::SOL_SOCKET;
            (*header).cmsg_type = libc::SCM_RIGHTS;
            (*header).cmsg_len = libc::CMSG_LEN(length) as usize;
            libc::CMSG_DATA(header).cast::<i32>().write_unaligned(listener.as_raw_fd());
        }
        Errno::result(libc::sendmsg(socket.as_raw_fd(), &raw const message, libc::MSG_NOSIGNAL))?;
    }
    Ok(())
}

/// Receives the report that the child sent before its exec.
fn receive(socket: &OwnedFd) -> io::Result<(ChildReport, Option<OwnedFd>)> {
    let mut report: ChildReport = [0; 2];
    let mut part =
        libc::iovec { iov_base: report.as_mut_ptr().cast(), iov_len: size_of::<ChildReport>() };
    let mut control: Control = [0; 8];
    let socket = socket.as_fd().as_raw_fd();
    let flags = libc::MSG_CMSG_CLOEXEC | libc::MSG_DONTWAIT;
    // SAFETY: as for sending; a descriptor that arrives is new, and nothing else owns it.
    let (length, listener) = unsafe {
        let mut message: libc::msghdr = MaybeUninit::zeroed().assume_init();
        (message.msg_iov, message.msg_iovlen) = (&raw mut part, 1);
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = size_of::<Control>();
        let length = Errno::result(libc::recvmsg(socket, &raw mut message, flags))?;
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        let listener = (!header.is_null() && (*header).cmsg_type == libc::SCM_RIGHTS)
            .then(|| OwnedFd::from_raw_fd(libc::CMSG_DATA(header).cast::<i32>().read_unaligned()));
        (length as usize, listener)
    };
    if length != size_of::<ChildReport>() {
        return Err(io::Error::other("the child said nothing before its exec"));
    }
    Ok((report, listener))
}

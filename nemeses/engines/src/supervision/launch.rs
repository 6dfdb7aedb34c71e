//! Starting a supervised process: what the child does between fork and exec, and what the thread
//! that started it does right after, while a child that gets clocks of its own stands still.
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

use super::filter::{self, Calls};
use super::listener::Listener;
use super::supervisor::Supervisor;
use crate::clock::{Deadlines, NodeClock, OwnClock, give_clocks, trace_me};
use crate::disk::SyncBarrier;
use faults::fault::ClockCondition;

/// One process that is about to be started.
#[derive(Debug)]
pub(crate) struct Launch {
    /// Receives the report of the child.
    receiver: OwnedFd,
    /// The child sends its report here.
    sender: OwnedFd,
    /// Its parent traces it, to give it clocks of its own.
    is_traced: bool,
    /// The filter that the child installs, if the controller looks at any of its calls.
    filter: Option<Vec<libc::sock_filter>>,
    /// The disk that its barriers are for.
    barrier: Option<SyncBarrier>,
}

/// The parts of a process that are ours, or why they are not.
#[derive(Debug)]
pub(crate) struct Launched {
    /// Its own clocks.
    pub(crate) clock: Result<NodeClock, String>,
    /// Its `sync(2)` and `syncfs(2)` reach its disk, if it has one.
    pub(crate) barriers: Result<(), String>,
}

/// The report of the child: the errors of tracing and of the filter, 0 if there was none.
type ChildReport = [i32; 2];

/// The number of no error.
const NO_ERROR: i32 = 0;

impl Launch {
    /// Prepares to start a process; none when it keeps the machine's clocks and disk.
    pub(crate) fn prepare(
        own_clock: OwnClock,
        barrier: Option<SyncBarrier>,
    ) -> io::Result<Option<Self>> {
        let calls =
            Calls { deadlines: own_clock == OwnClock::WithDeadlines, barriers: barrier.is_some() };
        let is_traced = own_clock != OwnClock::No;
        let is_filtered = calls.deadlines || calls.barriers;
        if !is_traced && !is_filtered {
            return Ok(None);
        }
        let filter = is_filtered.then(|| filter::program(calls));
        let kind = SockType::SeqPacket;
        let pair = socketpair(AddressFamily::Unix, kind, None, SockFlag::SOCK_CLOEXEC)?;
        Ok(Some(Self { receiver: pair.0, sender: pair.1, is_traced, filter, barrier }))
    }

    /// The child's part, the last before it execs. If it is to be traced by its parent, it stands
    /// still as soon as it has exec'd. A failure is reported to the parent, and the process starts
    /// all the same.
    ///
    /// It makes system calls only, so that it may run between fork and exec.
    pub(crate) fn in_child(&self) -> io::Result<()> {
        let listener = self.filter.as_ref().map(|program| filter::install(program));
        let traced = if self.is_traced { trace_me() } else { Ok(()) };
        let filtered = listener.as_ref().and_then(|listener| listener.as_ref().err().copied());
        let report = [
            traced.err().map_or(NO_ERROR, |error| error as i32),
            filtered.map_or(NO_ERROR, |error| error as i32),
        ];
        // A filter without a listener would break the process, so this must not fail silently.
        Ok(send(&self.sender, &report, listener.and_then(Result::ok))?)
    }

    /// The parent's part, on the thread that started the process: patches it while it stands still,
    /// gives its clocks their condition, lets it go, and answers what it asks from then on. An
    /// error means that the process cannot go on.
    pub(crate) fn in_parent(&self, pid: u32, condition: &ClockCondition) -> io::Result<Launched> {
        let pid = Pid::from_raw(pid as i32);
        let (report, listener) = receive(&self.receiver)?;
        let [traced, filtered] = report.map(Errno::from_raw);
        let refused = |what: &str| match filtered as i32 {
            NO_ERROR => Ok(()),
            _ => Err(format!("{what}: {}", filtered.desc())),
        };
        let clock = self.clock(pid, traced, condition)?;
        if let Some(listener) = listener {
            // Also without a clock: its filter asks, and must get answers.
            let deadlines = clock.as_ref().ok().cloned();
            let deadlines = deadlines.map(|clock| Deadlines::new(pid.as_raw(), clock));
            let supervisor =
                Supervisor::new(Listener::new(listener), deadlines, self.barrier.clone());
            supervisor.start(pid)?;
        }
        Ok(Launched {
            clock: refused("its deadlines cannot be corrected").and(clock),
            barriers: refused("its sync(2) cannot be seen"),
        })
    }

    fn clock(
        &self,
        pid: Pid,
        traced: Errno,
        condition: &ClockCondition,
    ) -> io::Result<Result<NodeClock, String>> {
        if !self.is_traced {
            return Ok(Err("it was started with the machine's clocks".to_owned()));
        }
        if traced as i32 != NO_ERROR {
            return Ok(Err(format!("it cannot be traced: {}", traced.desc())));
        }
        give_clocks(pid, condition)
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

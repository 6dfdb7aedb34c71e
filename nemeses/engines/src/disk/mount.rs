//! A FUSE mount of our own making, without helper programs.
//!
//! The mount is made here and not by `fuser`: what `fuser` mounts it also unmounts, by path, even
//! when another file system is mounted there by then.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use fuser::{BackgroundSession, Config, Filesystem, Notifier, Session, SessionACL};
use nix::errno::Errno;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::unistd::{getgid, getuid};

use crate::journal::{Journal, Ticket};
use crate::leftovers::{Leftover, PREFIX};

/// The type of our mounts, as `/proc/PID/mountinfo` shows it. Their source names the run, as
/// `stormproof-OWNER`.
pub const TYPE: &str = "fuse.stormproof";

/// Threads that serve one mount. No request waits in one, and a node mostly has one writer: what a
/// second would take from the first is less than waking it costs.
const THREADS: usize = 1;

const DEVICE: &str = "/dev/fuse";

/// A mounted file system. It is detached when dropped, even while it is used.
pub(super) struct Mount {
    session: BackgroundSession,
    // Last: it ends the session.
    _point: MountPoint,
}

/// A mount that the journal knows of, and that vanishes with this value.
#[derive(Debug)]
pub(super) struct MountPoint {
    path: PathBuf,
    journal: Journal,
    ticket: Option<Ticket>,
}

impl MountPoint {
    /// Writes down that something is about to be mounted at a directory, then has `make` do it. It
    /// is given the name of the run.
    pub(super) fn make(path: &Path, make: impl FnOnce(&str) -> io::Result<()>) -> io::Result<Self> {
        let journal = Journal::open()?;
        let ticket = journal.intend(Leftover::Mount { path: path.to_owned() })?;
        let run = format!("{PREFIX}{}", journal.owner());
        if let Err(error) = make(&run) {
            journal.done(ticket);
            return Err(error);
        }
        Ok(Self { path: path.to_owned(), journal, ticket: Some(ticket) })
    }
}

impl Drop for MountPoint {
    fn drop(&mut self) {
        // Force ends the connection to us, so that processes that still use the mount get errors
        // and the serving threads end. It needs the right to; without it they end with the last
        // user.
        let flags = MntFlags::MNT_DETACH | MntFlags::UMOUNT_NOFOLLOW;
        let detached = match umount2(&self.path, flags | MntFlags::MNT_FORCE) {
            Err(Errno::EPERM) => umount2(&self.path, flags),
            result => result,
        };
        // What is still there stays in the journal; a mount that was unmounted elsewhere is gone as
        // well.
        if matches!(detached, Ok(()) | Err(Errno::EINVAL | Errno::ENOENT))
            && let Some(ticket) = self.ticket.take()
        {
            self.journal.done(ticket);
        }
    }
}

impl Mount {
    /// Mounts `filesystem` at a directory.
    pub(super) fn new(path: &Path, filesystem: impl Filesystem) -> io::Result<Self> {
        let device = open_device()?;
        let options = format!(
            "fd={},rootmode=40755,user_id={},group_id={},default_permissions,allow_other",
            device.as_raw_fd(),
            getuid(),
            getgid(),
        );
        let flags = MsFlags::MS_NODEV | MsFlags::MS_NOSUID | MsFlags::MS_NOATIME;
        let point = MountPoint::make(path, |run| {
            mount(Some(run), path, Some(TYPE), flags, Some(options.as_str())).map_err(explain_mount)
        })?;
        let mut config = Config::default();
        config.n_threads = Some(THREADS);
        config.clone_fd = true;
        let session = Session::from_fd(filesystem, OwnedFd::from(device), SessionACL::All, config)?;
        Ok(Self { session: session.spawn()?, _point: point })
    }

    /// Returns whether requests are still answered. That ends only with the mount or by a bug.
    pub(super) fn is_served(&self) -> bool {
        !self.session.guard.is_finished()
    }

    /// Tells the kernel what changed behind its back.
    pub(super) fn notifier(&self) -> Notifier {
        self.session.notifier()
    }
}

fn open_device() -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(DEVICE).map_err(|error| {
        let why = match error.kind() {
            io::ErrorKind::NotFound => format!("there is no {DEVICE}: load the module fuse"),
            io::ErrorKind::PermissionDenied => {
                format!("{DEVICE} may not be opened by this user: chmod 0666 {DEVICE} as root")
            }
            _ => format!("{DEVICE} cannot be opened: {error}"),
        };
        io::Error::new(error.kind(), why)
    })
}

fn explain_mount(errno: Errno) -> io::Error {
    let why = match errno {
        Errno::EPERM => "FUSE cannot be mounted here: that takes root, or namespaces of our own",
        Errno::ENODEV => "this kernel has no FUSE: load the module fuse",
        other => return io::Error::from(other),
    };
    io::Error::new(io::Error::from(errno).kind(), why)
}

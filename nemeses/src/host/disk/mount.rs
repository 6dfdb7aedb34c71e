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

/// The source of our mounts, as `/proc/PID/mountinfo` shows it.
pub const SOURCE: &str = "stormproof";

/// The type of our mounts there.
pub const TYPE: &str = "fuse.stormproof";

/// Threads that serve one mount. A second one serves while the first is in the kernel; more only
/// compete, as no request waits in them.
const THREADS: usize = 2;

const DEVICE: &str = "/dev/fuse";

/// A mounted file system. It is detached when dropped, whoever still uses it.
#[derive(Debug)]
pub(super) struct Mount {
    path: PathBuf,
    session: Option<BackgroundSession>,
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
        mount(Some(SOURCE), path, Some(TYPE), flags, Some(options.as_str()))
            .map_err(explain_mount)?;
        let mut mounted = Self { path: path.to_owned(), session: None };
        let mut config = Config::default();
        config.n_threads = Some(THREADS);
        config.clone_fd = true;
        let session = Session::from_fd(filesystem, OwnedFd::from(device), SessionACL::All, config)?;
        mounted.session = Some(session.spawn()?);
        Ok(mounted)
    }

    /// Tells the kernel what changed behind its back.
    pub(super) fn notifier(&self) -> Option<Notifier> {
        self.session.as_ref().map(BackgroundSession::notifier)
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Force ends the connection, so that whoever still uses the mount gets errors and the
        // serving threads end. It needs the right to; without it they end with the last user.
        let flags = MntFlags::MNT_DETACH | MntFlags::UMOUNT_NOFOLLOW;
        if umount2(&self.path, flags | MntFlags::MNT_FORCE) == Err(Errno::EPERM) {
            // It may be gone already, and there is nobody to tell.
            let _ = umount2(&self.path, flags);
        }
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

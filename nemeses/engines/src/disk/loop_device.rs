//! Power failure on a real file system: the second opinion, and a fallback where there is no FUSE.
//!
//! An image file behind a loop device is mounted, and `FS_IOC_SHUTDOWN` stops the file system
//! between two instructions, with nothing flushed. The next mount recovers from the journal, as
//! after a power failure. Which unsynced writes survive is the kernel's choice: those that it
//! happened to have written. It needs root, and knows neither delays nor errors.
#![expect(unsafe_code, reason = "ioctls of loop devices have no safe wrapper")]

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::mount::{MntFlags, MsFlags, mount, umount2};

use super::mount::MountPoint;

/// For a child between its fork and its exec.
const BUSY_PATIENCE: Duration = Duration::from_secs(1);

/// A file system of Linux's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RealFileSystem {
    /// ext4, made by `mkfs.ext4` of e2fsprogs.
    Ext4,
    /// XFS, made by `mkfs.xfs` of xfsprogs.
    Xfs,
}

impl RealFileSystem {
    /// Every one.
    pub const ALL: [Self; 2] = [Self::Ext4, Self::Xfs];

    /// Its name in the kernel.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ext4 => "ext4",
            Self::Xfs => "xfs",
        }
    }

    fn make(self) -> Command {
        let mut command = Command::new(format!("mkfs.{}", self.name()));
        command.args(match self {
            Self::Ext4 => ["-q", "-F"],
            Self::Xfs => ["-q", "-f"],
        });
        command
    }
}

/// Bytes of an image: `mkfs.xfs` wants 300 MiB. Only what is written takes space.
const SIZE: u64 = 320 << 20;

/// A mounted image. Dropping it unmounts it; the loop device goes with the mount, however this
/// process ends.
#[derive(Debug)]
pub struct LoopDisk {
    kind: RealFileSystem,
    image: PathBuf,
    path: PathBuf,
    /// None only between two mounts.
    point: Option<MountPoint>,
}

impl LoopDisk {
    /// Makes an image file with an empty file system in it, and mounts it at a directory.
    ///
    /// # Errors
    /// Says what is missing: the program that makes the file system, the right, or the kernel's
    /// support.
    pub fn create(kind: RealFileSystem, image: &Path, path: &Path) -> io::Result<Self> {
        File::create(image)?.set_len(SIZE)?;
        let mut make = kind.make();
        make.arg(image).stdin(Stdio::null()).stdout(Stdio::null());
        let program = format!("mkfs.{}", kind.name());
        let output = make.output().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                io::Error::new(error.kind(), format!("{program} is not installed"))
            }
            _ => error,
        })?;
        if !output.status.success() {
            let why = String::from_utf8_lossy(&output.stderr);
            return Err(io::Error::other(format!("{program}: {}", why.trim())));
        }
        fs::create_dir_all(path)?;
        let (image, path) = (image.to_owned(), path.to_owned());
        let mut disk = Self { kind, image, path, point: None };
        disk.attach_and_mount()?;
        Ok(disk)
    }

    /// The directory at which it is mounted.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The power fails: from here on nothing reaches the disk, and operations fail with EIO.
    pub fn power_off(&self) -> io::Result<()> {
        let root = File::open(&self.path)?;
        let how: u32 = NO_LOG_FLUSH;
        // SAFETY: the request reads one `u32` through the pointer, which is that of a local.
        Errno::result(unsafe { libc::ioctl(root.as_raw_fd(), FS_IOC_SHUTDOWN, &how) })?;
        Ok(())
    }

    /// Mounts it again, with what the journal holds. It must not be in use any more.
    pub fn power_on(&mut self) -> io::Result<()> {
        // Not detached but unmounted: while the old mount is in use, there is no new one. A child of
        // another thread that has not yet begun its program holds every file for a moment.
        let start = Instant::now();
        loop {
            match umount2(&self.path, MntFlags::empty()) {
                Err(Errno::EBUSY) if start.elapsed() < BUSY_PATIENCE => {
                    std::thread::sleep(Duration::from_millis(1));
                }
                unmounted => break unmounted?,
            }
        }
        self.point = None;
        self.attach_and_mount()
    }

    /// The loop device vanishes with its mount, so the journal need not know of it.
    fn attach_and_mount(&mut self) -> io::Result<()> {
        let name = self.kind.name();
        // The descriptor keeps the device until the mount does.
        let (_device, device_path) = attach(&self.image)?;
        let mounted = MountPoint::make(&self.path, |_| {
            let flags = MsFlags::MS_NOATIME;
            let done = mount(Some(&device_path), &self.path, Some(name), flags, None::<&str>);
            done.map_err(|errno| match errno {
                Errno::ENODEV => io::Error::other(format!("this kernel has no {name}")),
                other => other.into(),
            })
        });
        self.point = Some(mounted?);
        Ok(())
    }
}

/// Puts an image file behind a loop device that vanishes with its last user.
fn attach(image: &Path) -> io::Result<(File, PathBuf)> {
    let open = |path: &Path| OpenOptions::new().read(true).write(true).open(path);
    let image = open(image)?;
    let control = open(Path::new("/dev/loop-control"))?;
    loop {
        // SAFETY: the request takes no argument.
        let number = unsafe { libc::ioctl(control.as_raw_fd(), LOOP_CTL_GET_FREE) };
        let number = Errno::result(number)?;
        let path = PathBuf::from(format!("/dev/loop{number}"));
        let device = open(&path)?;
        match configure(&device, image.as_raw_fd()) {
            Ok(()) => return Ok((device, path)),
            // Another process took it meanwhile.
            Err(Errno::EBUSY) => {}
            Err(other) => return Err(other.into()),
        }
    }
}

fn configure(device: &File, image: RawFd) -> Result<(), Errno> {
    let info = LoopInfo { flags: LO_FLAGS_AUTOCLEAR, ..LoopInfo::default() };
    let config = LoopConfig { image: image as u32, block_size: 0, info, reserved: [0; 8] };
    // SAFETY: the request reads one `loop_config` through the pointer, which is that of a local
    // laid out as in linux/loop.h.
    let result = unsafe { libc::ioctl(device.as_raw_fd(), LOOP_CONFIGURE, &config) };
    Errno::result(result).map(|_| ())
}

/// `_IOR('X', 125, __u32)`, of `linux/fs.h` and, by other names, of ext4 and XFS.
const FS_IOC_SHUTDOWN: libc::Ioctl = 0x8004_587d;
/// The journal is not flushed before.
const NO_LOG_FLUSH: u32 = 2;
/// Of `linux/loop.h`, as what follows.
const LOOP_CTL_GET_FREE: libc::Ioctl = 0x4c82;
const LOOP_CONFIGURE: libc::Ioctl = 0x4c0a;
const LO_FLAGS_AUTOCLEAR: u32 = 4;

/// `struct loop_config`, Linux 5.8.
#[repr(C)]
struct LoopConfig {
    image: u32,
    block_size: u32,
    info: LoopInfo,
    reserved: [u64; 8],
}

/// `struct loop_info64`.
#[repr(C)]
struct LoopInfo {
    device: u64,
    inode: u64,
    real_device: u64,
    offset: u64,
    size_limit: u64,
    number: u32,
    encrypt_type: u32,
    encrypt_key_size: u32,
    flags: u32,
    file_name: [u8; 64],
    crypt_name: [u8; 64],
    encrypt_key: [u8; 32],
    init: [u64; 2],
}

impl Default for LoopInfo {
    fn default() -> Self {
        Self {
            device: 0,
            inode: 0,
            real_device: 0,
            offset: 0,
            size_limit: 0,
            number: 0,
            encrypt_type: 0,
            encrypt_key_size: 0,
            flags: 0,
            file_name: [0; 64],
            crypt_name: [0; 64],
            encrypt_key: [0; 32],
            init: [0; 2],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layouts_are_the_kernels() {
        assert_eq!(size_of::<LoopInfo>(), 232);
        assert_eq!(size_of::<LoopConfig>(), 304);
    }
}

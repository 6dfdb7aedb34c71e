//! Undoes one leftover. Doing it again, or to what was never made, changes nothing.
#![expect(unsafe_code, reason = "ioctls of loop devices have no safe wrapper")]

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::mount::{MntFlags, umount2};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::leftover::{Leftover, PREFIX};
use crate::mounts::mounts;

/// Processes that were killed leave their cgroup, and mounts their device, within milliseconds.
const PATIENCE: Duration = Duration::from_secs(1);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(2);

/// `LOOP_CLR_FD` of `linux/loop.h`: takes the file from a loop device.
const LOOP_CLR_FD: libc::Ioctl = 0x4C01;

/// Undoes all of these, the last one first, as a mount rests on its device.
pub(super) fn undo_all(open: &[Leftover]) -> Vec<(Leftover, Result<(), String>)> {
    let undo = |leftover: &Leftover| match leftover {
        Leftover::Cgroup { path } => remove_cgroup(path),
        Leftover::Mount { path } => unmount(path),
        Leftover::LoopDevice { image } => detach(image),
    };
    open.iter().rev().map(|leftover| (leftover.clone(), undo(leftover))).collect()
}

/// Undoes it unless it is in use.
pub(super) fn undo_idle(leftover: &Leftover) -> Result<(), String> {
    match leftover {
        Leftover::Cgroup { path } => match members(path).as_deref() {
            Some([]) | None => remove_cgroup(path),
            Some(_) => Err("processes are in it, and no journal says whose".to_owned()),
        },
        other => undo_all(std::slice::from_ref(other)).remove(0).1,
    }
}

/// Returns whether there is anything to undo. It never looks at a mounted file system, which may
/// not answer.
pub(super) fn is_there(leftover: &Leftover) -> bool {
    match leftover {
        Leftover::Cgroup { path } => path.is_dir(),
        Leftover::Mount { path } => is_mounted(path),
        Leftover::LoopDevice { image } => loop_devices().iter().any(|(_, of)| of == image),
    }
}

/// Kills the processes in a cgroup and removes it.
pub(crate) fn remove_cgroup(path: &Path) -> Result<(), String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if !name.starts_with(PREFIX) {
        return Err(format!("its name does not begin with {PREFIX}"));
    }
    let start = Instant::now();
    loop {
        match fs::remove_dir(path) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) if start.elapsed() > PATIENCE => return Err(error.to_string()),
            Err(_) => {}
        }
        // A process that has used up its share cannot even die. In either hierarchy, the
        // files of the other are missing.
        for (file, unlimited) in [("cpu.cfs_quota_us", "-1"), ("cpu.max", "max")] {
            let _ = overwrite(&path.join(file), unlimited);
        }
        for member in members(path).unwrap_or_default() {
            // Gone meanwhile is fine. Zero is a process of a pid namespace that we do not see.
            if member > 0 {
                let _ = kill(Pid::from_raw(member), Signal::SIGKILL);
            }
        }
        std::thread::sleep(PAUSE);
    }
}

/// Writes a file that must be there already.
fn overwrite(path: &Path, text: &str) -> io::Result<()> {
    io::Write::write_all(&mut File::options().write(true).open(path)?, text.as_bytes())
}

/// The processes in a cgroup; none when it is gone.
fn members(path: &Path) -> Option<Vec<i32>> {
    let text = fs::read_to_string(path.join("cgroup.procs")).ok()?;
    Some(text.lines().filter_map(|line| line.parse().ok()).collect())
}

fn is_mounted(path: &Path) -> bool {
    mounts().is_ok_and(|mounts| mounts.iter().any(|mount| mount.point == path))
}

/// Takes a mount out of sight at once, even in use; it is gone when its users have closed it.
fn unmount(path: &Path) -> Result<(), String> {
    let start = Instant::now();
    // Several may lie on each other.
    while is_mounted(path) {
        if let Err(error) = umount2(path, MntFlags::MNT_DETACH | MntFlags::UMOUNT_NOFOLLOW)
            && (error != Errno::EINVAL || start.elapsed() > PATIENCE)
        {
            return Err(error.desc().to_owned());
        }
    }
    Ok(())
}

/// Every loop device with a file, and the file.
pub(super) fn loop_devices() -> Vec<(PathBuf, PathBuf)> {
    let entries = fs::read_dir("/sys/block").into_iter().flatten().flatten();
    let devices = entries.filter_map(|entry| {
        let backing = fs::read_to_string(entry.path().join("loop/backing_file")).ok()?;
        let backing = backing.trim_end_matches('\n');
        let backing = backing.strip_suffix(" (deleted)").unwrap_or(backing);
        Some((Path::new("/dev").join(entry.file_name()), PathBuf::from(backing)))
    });
    devices.collect()
}

/// Takes the file from each loop device that has it.
fn detach(image: &Path) -> Result<(), String> {
    let start = Instant::now();
    loop {
        let devices = loop_devices();
        let Some((device, _)) = devices.iter().find(|(_, of)| of == image) else {
            return Ok(());
        };
        if start.elapsed() > PATIENCE {
            return Err(format!("{} is in use", device.display()));
        }
        let open = File::open(device).map_err(|error| format!("{}: {error}", device.display()))?;
        // SAFETY: the descriptor is open, and this request takes no argument.
        let cleared = unsafe { libc::ioctl(open.as_raw_fd(), LOOP_CLR_FD, 0) };
        match Errno::result(cleared) {
            // It goes when its last user has closed it, this function included.
            Ok(_) | Err(Errno::ENXIO | Errno::EBUSY) => {}
            Err(error) => return Err(format!("{}: {}", device.display(), error.desc())),
        }
        drop(open);
        std::thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_never_made_is_undone_already() {
        let nowhere = PathBuf::from("/no/such/stormproof-1-2");
        let all = [
            Leftover::Cgroup { path: nowhere.clone() },
            Leftover::Mount { path: nowhere.clone() },
            Leftover::LoopDevice { image: nowhere },
        ];
        assert!(all.iter().all(|leftover| !is_there(leftover)));
        assert!(undo_all(&all).iter().all(|(_, result)| result.is_ok()));
    }

    #[test]
    fn only_what_has_our_name_is_removed() {
        let path = std::env::temp_dir().join(format!("other-{}", std::process::id()));
        fs::create_dir(&path).unwrap();
        assert!(remove_cgroup(&path).is_err());
        assert!(path.is_dir());
        fs::remove_dir(&path).unwrap();
    }
}

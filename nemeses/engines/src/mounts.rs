//! The mounts that the calling thread sees.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// A line of `/proc/thread-self/mountinfo` (`proc_pid_mountinfo(5)`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mount {
    /// The number of the mount, as `/proc/PID/fdinfo` has it.
    pub(super) id: u64,
    /// The directory of its file system that is mounted.
    pub(super) root: PathBuf,
    /// The directory at which it is mounted.
    pub(super) point: PathBuf,
    /// The type of the file system, such as `cgroup2` or `fuse.stormproof`.
    pub(super) kind: String,
    /// The device, or what the file system calls itself.
    pub(super) source: String,
    /// The options of the file system, such as the controllers of a cgroup hierarchy.
    pub(super) options: String,
}

impl Mount {
    fn parse(line: &str) -> Option<Self> {
        // The number of optional fields varies; a lone hyphen ends them.
        let (before, after) = line.split_once(" - ")?;
        let mut before = before.split(' ');
        let id = before.next()?.parse().ok()?;
        let mut before = before.skip(2);
        let (root, point) = (unescape(before.next()?), unescape(before.next()?));
        let mut after = after.split(' ');
        let (kind, source) = (after.next()?.to_owned(), after.next()?.to_owned());
        Some(Self { id, root, point, kind, source, options: after.next()?.to_owned() })
    }

    /// Returns whether the file system was mounted with this option.
    pub(super) fn has_option(&self, option: &str) -> bool {
        self.options.split(',').any(|one| one == option)
    }
}

/// Everything that is mounted, in the order in which it was.
pub(super) fn mounts() -> io::Result<Vec<Mount>> {
    // A mount point is a path, so it need not be UTF-8; ours are.
    let text = std::fs::read("/proc/thread-self/mountinfo")?;
    Ok(String::from_utf8_lossy(&text).lines().filter_map(Mount::parse).collect())
}

/// Blanks, newlines and backslashes of a path are written as three octal digits.
fn unescape(field: &str) -> PathBuf {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field.as_bytes();
    while let [first, after @ ..] = rest {
        let digits = after.get(..3).and_then(|digits| std::str::from_utf8(digits).ok());
        let code = digits.and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match (first, code) {
            (b'\\', Some(code)) => {
                bytes.push(code);
                rest = &after[3..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    PathBuf::from(OsString::from_vec(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn optional_fields_and_blanks_do_not_confuse() {
        let line =
            r"36 35 98:0 /a\040b /mnt\0401 rw,noatime master:1 shared:2 - ext3 /dev/root rw,cpu";
        let mount = Mount::parse(line).unwrap();
        assert_eq!(mount.id, 36);
        assert_eq!((mount.root, mount.point), (PathBuf::from("/a b"), PathBuf::from("/mnt 1")));
        assert_eq!((mount.kind.as_str(), mount.source.as_str()), ("ext3", "/dev/root"));
        let mount = Mount::parse("32 31 0:29 / /c rw - cgroup cgroup rw,cpu,cpuacct").unwrap();
        assert!(mount.has_option("cpu") && mount.has_option("cpuacct") && !mount.has_option("pu"));
        assert_eq!(Mount::parse("32 31 0:29 / /c rw"), None);
    }

    #[test]
    fn this_thread_sees_its_own_proc() {
        let mounts = mounts().unwrap();
        assert!(mounts.iter().any(|mount| mount.kind == "proc"));
    }
}

//! The memory of another process.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;

/// The memory that a process had when this was opened. After an exec it has another one, and
/// reading and writing this one fails with [`io::ErrorKind::UnexpectedEof`] or
/// [`io::ErrorKind::WriteZero`].
#[derive(Debug)]
pub(super) struct Memory(File);

impl Memory {
    /// Opens `/proc/PID/mem`. That needs the rights of a debugger (`ptrace(2)`).
    pub(super) fn open(pid: i32) -> io::Result<Self> {
        OpenOptions::new().read(true).write(true).open(format!("/proc/{pid}/mem")).map(Self)
    }

    /// Fills `bytes` from `address` on.
    pub(super) fn read(&self, address: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(bytes, address)
    }

    /// Writes, also where the process itself may not: its page is copied then, so that no other
    /// process sees it.
    pub(super) fn write(&self, address: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all_at(bytes, address)
    }
}

/// The place of the vDSO of a process: its first address, and the first behind it.
pub(super) fn vdso(pid: i32) -> Result<(u64, u64), String> {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps"));
    let maps = maps.map_err(|error| format!("cannot read the mappings of {pid}: {error}"))?;
    let range = maps.lines().find_map(|line| {
        let line = line.strip_suffix("[vdso]")?;
        let (first, behind) = line.split_once(' ')?.0.split_once('-')?;
        let number = |digits| u64::from_str_radix(digits, 16).ok();
        Some((number(first)?, number(behind)?))
    });
    range.ok_or_else(|| format!("process {pid} has no vDSO"))
}

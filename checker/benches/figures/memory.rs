//! The memory that this process holds, where the system tells.

/// Lets the peak begin anew.
pub fn forget_peak() {
    // See proc_pid_clear_refs(5). Where it is refused, the peak is that of the whole process.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// The most bytes that were resident at once since the peak was forgotten.
pub fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024)
}

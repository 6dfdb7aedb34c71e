//! How much memory something takes at its peak.

use std::fs;

/// Begins where the process is now.
pub struct Peak(Option<u64>);

impl Peak {
    /// Forgets the peaks of before.
    pub fn begin() -> Peak {
        // Only Linux has this, and only some sandboxes forbid it.
        let reset = fs::write("/proc/self/clear_refs", "5").is_ok();
        Peak(kilobytes("VmRSS:").filter(|_| reset))
    }

    /// Megabytes above the beginning.
    pub fn megabytes(&self) -> String {
        match (self.0, kilobytes("VmHWM:")) {
            (Some(before), Some(peak)) => format!("{}", peak.saturating_sub(before) / 1024),
            _ => "?".to_string(),
        }
    }
}

fn kilobytes(what: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(what))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

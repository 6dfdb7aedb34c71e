//! The guard's report to the outer process.

use nix::sys::wait::WaitStatus;
use serde::{Deserialize, Serialize};

/// The guard's report to the outer process, one JSON value a line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum GuardReport {
    /// The lab could not be set up; the controller was not started.
    Failed(String),
    /// The controller ended, with this `wait` status.
    Ended(i32),
}

/// The status word of `wait(2)` of a process that ended: code in the second byte, signal in the
/// first.
pub(super) fn raw_status(status: WaitStatus) -> Option<i32> {
    match status {
        WaitStatus::Exited(_, code) => Some((code & 0xff) << 8),
        WaitStatus::Signaled(_, signal, _) => Some(signal as i32),
        _ => None,
    }
}

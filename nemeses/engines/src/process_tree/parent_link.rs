//! The link of a part of the process tree to its parent.
#![expect(unsafe_code, reason = "inherited descriptors are taken over before any thread exists")]

use std::fs::File;
use std::io::Write;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};

use crate::journal::Journal;

/// The link of a helper to the process that started it.
pub(crate) struct ParentLink {
    /// Reads end of file once the parent is gone.
    pub(crate) lifeline: OwnedFd,
    /// The reports of the helper, one JSON value a line.
    pub(crate) reports: File,
    /// The journal of the outer process, unless it could not begin one.
    pub(crate) journal: Option<Journal>,
}

impl ParentLink {
    /// Takes it over, and reports to the parent that this helper runs.
    pub(super) fn take_over(lifeline: RawFd, reports: RawFd, journal: Option<Journal>) -> Self {
        let lifeline = take_over(lifeline);
        let mut reports = File::from(take_over(reports));
        // An empty line: this helper runs.
        if reports.write_all(b"\n").is_err() {
            // The parent was killed meanwhile. Nothing is made yet.
            std::process::exit(0);
        }
        Self { lifeline, reports, journal }
    }
}

/// The journal, if its descriptor was passed on.
pub(super) fn take_journal(numbers: &[RawFd]) -> Option<Journal> {
    let number = numbers.first()?;
    Journal::inherit(take_over(*number))
}

/// Takes a descriptor over and keeps it from the programs that this process starts.
fn take_over(number: RawFd) -> OwnedFd {
    // SAFETY: the parent passed this descriptor on to this process alone and put its number into a
    // variable that was just removed, so it cannot be taken over twice.
    let descriptor = unsafe { OwnedFd::from_raw_fd(number) };
    fcntl(&descriptor, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))
        .expect("the parent passes open descriptors");
    descriptor
}

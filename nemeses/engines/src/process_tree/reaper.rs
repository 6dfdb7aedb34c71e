//! Ends every descendant of this process without knowing any of them.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;

use crate::proc;

/// A process that SIGKILL does not end within this time hangs in the kernel; nothing could end it.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two looks: a process takes about this long to die.
const PAUSE: Duration = Duration::from_millis(1);

/// Kills and reaps every child of this process but `spared` until none is left. This process must
/// be a child subreaper: what a killed child leaves behind then becomes a child and is killed next,
/// so that the whole tree goes, and no id is signalled that could be another process's by now.
pub(super) fn kill_children(spared: &BTreeSet<i32>) {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        let children = proc::children(std::process::id() as i32);
        let mut left = children.difference(spared).map(|child| Pid::from_raw(*child)).peekable();
        if left.peek().is_none() {
            return;
        }
        for child in left {
            // It is gone or it is killed: both are fine.
            let _ = kill(child, Signal::SIGKILL);
            let _ = waitpid(child, Some(WaitPidFlag::WNOHANG));
        }
        std::thread::sleep(PAUSE);
    }
}

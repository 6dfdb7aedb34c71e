//! The process that the user started: it starts the guard, waits, and passes signals on.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use nix::sys::prctl::set_child_subreaper;

use super::helper::start_helper;
use super::lab::Lab;
use super::launch_error::{LaunchError, failed};
use super::reaper;
use super::report::GuardReport;
use super::role::Role;
use super::signals::BlockedSignals;
use crate::journal::Journal;
use crate::{leftovers, proc};

/// Starts this program again with the same arguments as the controller of a lab, in which
/// [`dispatch`](super::dispatch) returns `Inside`, and waits until it ends.
///
/// SIGINT and SIGTERM are passed on to it. Call it before other threads exist, since they would
/// take these signals; any other signal that ends this process ends the lab. The status is the
/// controller's own; that of the guard (SIGKILL) if it was killed. When this returns, no
/// process of the lab is left, nor anything that is in its journal. What earlier runs left is
/// removed first.
pub fn relaunch(lab: Lab) -> Result<ExitStatus, LaunchError> {
    // The doctor reports what cannot be removed.
    leftovers::clean_journals();
    let blocked = BlockedSignals::new().map_err(|error| failed("block signals", error))?;
    // Without one, faults that would outlive the processes are refused, and the others do without.
    let journal = Settled(Journal::own().ok());
    // In the loopback lab, what a killed guard leaves behind falls to this process.
    let adopter = (lab == Lab::Loopback).then(Adopter::new).transpose()?;
    let mut child = start_helper(Role::Guard(lab), journal.0.as_ref())?;
    let mut ended = None;
    while let Some(line) = child.next_report(Some(&blocked))? {
        match serde_json::from_str(&line) {
            Ok(GuardReport::Ended(status)) => ended = Some(ExitStatus::from_raw(status)),
            Ok(GuardReport::Failed(reason)) => return Err(LaunchError { reason }),
            Err(error) => return Err(failed("understand the guard", error)),
        }
    }
    let guard = child.wait()?;
    drop(adopter);
    Ok(ended.unwrap_or(guard))
}

/// Makes orphaned descendants fall to this process, and kills them when dropped. Children that
/// this process had before are spared.
struct Adopter {
    spared: BTreeSet<i32>,
}

impl Adopter {
    fn new() -> Result<Self, LaunchError> {
        set_child_subreaper(true).map_err(|error| failed("become a subreaper", error))?;
        Ok(Self { spared: proc::children(std::process::id() as i32) })
    }
}

impl Drop for Adopter {
    fn drop(&mut self) {
        reaper::kill_children(&self.spared);
        // It cannot fail: it takes no permission.
        let _ = set_child_subreaper(false);
    }
}

/// The journal of a run, whose leftovers are undone when it is dropped. It has to be dropped last,
/// when every process that could hold one is gone.
struct Settled(Option<Journal>);

impl Drop for Settled {
    fn drop(&mut self) {
        if let Some(journal) = &self.0 {
            leftovers::settle(journal);
        }
    }
}

//! Watches on the calls to a disk, which see a call before or after it is done, and hold it.
//!
//! A request that is held waits like one that a condition delays: no thread waits with it, and
//! others pass it by. One that is held before goes on as if it came then, and meets the condition
//! that the disk has by then; with the power off, or its process killed, it never happened. One
//! that is held after is done, and on the disk if it is an fsync; only its answer is missing.

use std::ffi::OsString;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};

use fuser::Errno;

use super::shared::Shared;
use crate::watches::Tally;
use faults::disk_image::{Image, InodeNumber, Refusal};
use faults::trigger::{DiskCall, DiskWatch, Moment};

/// The watches on one disk.
#[derive(Default)]
pub(super) struct Watches {
    /// There are some: only then requests look at the rest.
    armed: AtomicBool,
    armed_with: Mutex<Vec<ArmedWatch>>,
}

struct ArmedWatch {
    /// The node whose disk it is.
    node: String,
    watch: DiskWatch,
    tally: Tally,
}

/// A call as it comes.
pub(super) struct Call {
    call: DiskCall,
    about: About,
}

enum About {
    /// A file or directory.
    Inode(InodeNumber),
    /// An old and a new name.
    Names([(InodeNumber, OsString); 2]),
}

/// A watch whose time has come.
struct Sighted {
    node: String,
    tally: Tally,
    what: String,
}

impl Call {
    pub(super) fn of(call: DiskCall, inode: InodeNumber) -> Self {
        Self { call, about: About::Inode(inode) }
    }

    pub(super) fn rename(names: [(InodeNumber, OsString); 2]) -> Self {
        Self { call: DiskCall::Rename, about: About::Names(names) }
    }

    /// The paths that it is about.
    fn paths(&self, image: &Image) -> Result<Vec<String>, Refusal> {
        let text = |path: std::path::PathBuf| path.to_string_lossy().into_owned();
        match &self.about {
            About::Inode(inode) => Ok(vec![text(image.path(*inode)?)]),
            About::Names(names) => {
                let path = |(directory, name): &(InodeNumber, OsString)| {
                    let within = image.path(*directory)?;
                    Ok(text(within.strip_prefix(".").unwrap_or(&within).join(name)))
                };
                names.iter().map(path).collect()
            }
        }
    }
}

impl Watches {
    /// The call that a request is, where there is any watch.
    pub(super) fn call(&self, call: impl FnOnce() -> Call) -> Option<Call> {
        self.armed.load(Ordering::Acquire).then(call)
    }

    /// From now on looks at the disk of `node` for what `watch` says.
    pub(super) fn arm(&self, node: &str, watch: &DiskWatch, tally: &Tally) {
        let (node, watch, tally) = (node.to_owned(), watch.clone(), tally.clone());
        self.change(tally.number(), Some(ArmedWatch { node, watch, tally }));
    }

    /// Looks no more for what the watch of this number says.
    pub(super) fn disarm(&self, number: u32) {
        self.change(number, None);
    }

    fn change(&self, number: u32, new: Option<ArmedWatch>) {
        let mut armed = self.armed_with();
        armed.retain(|armed| armed.tally.number() != number);
        armed.extend(new);
        self.armed.store(!armed.is_empty(), Ordering::Release);
    }

    fn armed_with(&self) -> MutexGuard<'_, Vec<ArmedWatch>> {
        // No change of it can stop half-way.
        self.armed_with.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Counts a call, whose `paths` are looked up if any watch may be about it, and returns the
    /// watches that waited for it.
    fn see(
        &self,
        call: DiskCall,
        moment: Moment,
        paths: impl FnOnce() -> Option<Vec<String>>,
    ) -> Vec<Sighted> {
        let armed = self.armed_with();
        let may_be = |armed: &&ArmedWatch| {
            armed.watch.call == call && armed.watch.moment == moment && armed.tally.is_waiting()
        };
        let mut waiting = armed.iter().filter(may_be).peekable();
        let Some(paths) = waiting.peek().and_then(|_| paths()) else { return Vec::new() };
        let is_meant = |armed: &&ArmedWatch| {
            paths.iter().any(|path| armed.watch.is_about(call, path)) && armed.tally.count()
        };
        let sighted = |armed: &ArmedWatch| Sighted {
            node: armed.node.clone(),
            tally: armed.tally.clone(),
            what: in_words(call, &paths),
        };
        waiting.filter(is_meant).map(sighted).collect()
    }
}

impl Shared {
    /// Has `go_on` run: now, or, if a watch waited for this moment of this call, when that lets go
    /// of it; then with the error that became of the request meanwhile.
    pub(super) fn watch(
        &self,
        moment: Moment,
        call: &Call,
        mount: u64,
        go_on: impl FnOnce(Option<Errno>) + Send + 'static,
    ) {
        // Without power there is no call.
        let paths = || self.act(mount, |image| call.paths(image)).ok();
        let sighted = self.watches.see(call.call, moment, paths);
        let holds: Vec<_> = sighted.iter().filter_map(|one| one.tally.hold()).collect();
        let report = || {
            for Sighted { node, tally, what } in sighted {
                tally.report(&node, None, what);
            }
        };
        if holds.is_empty() {
            report();
            go_on(None);
        } else {
            self.interceptor.hold(holds, go_on);
            report();
        }
    }
}

/// `rename of 0.tmp to 0.wal`
fn in_words(call: DiskCall, paths: &[String]) -> String {
    let call = match call {
        DiskCall::Fsync => "fsync of",
        DiskCall::Write => "write to",
        DiskCall::Rename => "rename of",
    };
    format!("{call} {}", paths.join(" to "))
}

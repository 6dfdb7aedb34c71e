//! Watches on the calls to a disk, which see a call before or after it is done, and hold it.
//!
//! A request that is held waits like one that a condition delays: no thread waits with it, and
//! others pass it by. One that is held before goes on as if it came then, and meets the condition
//! that the disk has by then; with the power off, or its process killed, it never happened. One
//! that is held after is done, and on the disk if it is an fsync; only its answer is missing.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard};

use fuser::Errno;

use super::shared::Shared;
use crate::watches::Tally;
use faults::disk_image::{Image, InodeNumber, Refusal};
use faults::trigger::{DiskCall, DiskWatch, Moment};

/// The watches on one disk.
#[derive(Default)]
pub(super) struct Watches {
    /// The calls and moments that any is about, a bit each: only of them requests are looked at.
    armed: AtomicU8,
    armed_with: Mutex<Vec<ArmedWatch>>,
}

struct ArmedWatch {
    /// The node whose disk it is.
    node: String,
    watch: DiskWatch,
    tally: Tally,
}

/// A call as it comes.
#[derive(Clone)]
pub(super) struct Call {
    call: DiskCall,
    about: About,
}

#[derive(Clone)]
enum About {
    /// A file or directory.
    Inode(InodeNumber),
    /// An old and a new name.
    Names([(InodeNumber, OsString); 2]),
}

/// A path below the mount, and the new one of a rename.
type Paths = (String, Option<String>);

/// A watch whose time has come.
struct Sighted {
    node: String,
    tally: Tally,
    what: String,
}

impl Call {
    /// The path that it is about, and the new one of a rename.
    fn paths(&self, image: &Image) -> Result<Paths, Refusal> {
        match &self.about {
            About::Inode(inode) => Ok((text(image.path(*inode)?), None)),
            About::Names(names) => {
                let path = |(directory, name): &(InodeNumber, OsString)| {
                    let within = image.path(*directory)?;
                    Ok(text(within.strip_prefix(".").unwrap_or(&within).join(name)))
                };
                let [old, new] = names.each_ref().map(path);
                Ok((old?, Some(new?)))
            }
        }
    }
}

fn text(path: PathBuf) -> String {
    path.into_os_string().into_string().unwrap_or_else(|path| path.to_string_lossy().into_owned())
}

/// The bit of a moment of a call.
fn bit(call: DiskCall, moment: Moment) -> u8 {
    1 << (2 * call as u8 + moment as u8)
}

impl Watches {
    /// The fsync or write of a file that a request is, where a watch may be about it.
    pub(super) fn call(&self, call: DiskCall, inode: InodeNumber) -> Option<Call> {
        self.are_about(call).then_some(Call { call, about: About::Inode(inode) })
    }

    /// The same of a rename.
    pub(super) fn rename(
        &self,
        old: (InodeNumber, &OsStr),
        new: (InodeNumber, &OsStr),
    ) -> Option<Call> {
        let names = || [old, new].map(|(directory, name)| (directory, name.to_owned()));
        let call = || Call { call: DiskCall::Rename, about: About::Names(names()) };
        self.are_about(DiskCall::Rename).then(call)
    }

    /// One load for each request, where there is no watch.
    fn are_about(&self, call: DiskCall) -> bool {
        let bits = bit(call, Moment::Before) | bit(call, Moment::After);
        self.armed.load(Ordering::Acquire) & bits != 0
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
        let bits = armed.iter().map(|armed| bit(armed.watch.call, armed.watch.moment));
        self.armed.store(bits.fold(0, |all, bit| all | bit), Ordering::Release);
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
        paths: impl FnOnce() -> Option<Paths>,
    ) -> Vec<Sighted> {
        if self.armed.load(Ordering::Acquire) & bit(call, moment) == 0 {
            return Vec::new();
        }
        let armed = self.armed_with();
        let may_be = |armed: &&ArmedWatch| {
            armed.watch.call == call && armed.watch.moment == moment && armed.tally.is_waiting()
        };
        let mut waiting = armed.iter().filter(may_be).peekable();
        let Some((path, new)) = waiting.peek().and_then(|_| paths()) else { return Vec::new() };
        let is_meant = |armed: &&ArmedWatch| {
            let mut paths = [Some(&path), new.as_ref()].into_iter().flatten();
            paths.any(|path| armed.watch.is_about(call, path)) && armed.tally.count()
        };
        let sighted = |armed: &ArmedWatch| Sighted {
            node: armed.node.clone(),
            tally: armed.tally.clone(),
            what: in_words(call, &path, new.as_deref()),
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
fn in_words(call: DiskCall, path: &str, new: Option<&str>) -> String {
    match (call, new) {
        (DiskCall::Fsync, _) => format!("fsync of {path}"),
        (DiskCall::Write, _) => format!("write to {path}"),
        (DiskCall::Rename, new) => format!("rename of {path} to {}", new.unwrap_or_default()),
    }
}

//! Watches on the calls to a disk, which see a call before or after it is done, and hold it.
//!
//! A request that is held waits like one that a condition delays: no thread waits with it, and
//! others pass it by. One that is held before goes on as if it came then, and meets the condition
//! that the disk has by then; with the power off, or its process killed, it never happened. One
//! that is held after is done, and on the disk if it is an fsync; only its answer is missing.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard};

use fuser::Errno;

use super::shared::Shared;
use crate::watches::Tally;
use faults::disk_image::{Image, InodeNumber, Refusal};
use faults::trigger::{DiskCall, DiskWatch, Edge};

/// The watches on one disk.
#[derive(Default)]
pub(super) struct Watches {
    /// The calls and moments that any is about, a bit each: only of them requests are looked at.
    armed: AtomicU8,
    armed_with: Mutex<Armed>,
}

#[derive(Default)]
struct Armed {
    watches: Vec<ArmedWatch>,
    paths: KnownPaths,
}

/// Paths that were looked up since names changed last: a log is synced again and again.
#[derive(Default)]
struct KnownPaths {
    renamings: u64,
    by_inode: BTreeMap<InodeNumber, String>,
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
type Paths<'a> = (Cow<'a, str>, Option<Cow<'a, str>>);

/// A watch whose time has come.
struct Sighted {
    node: String,
    tally: Tally,
    what: String,
}

impl Call {
    /// The path that it is about, and the new one of a rename.
    fn paths<'a>(&self, image: &Image, known: &'a mut KnownPaths) -> Result<Paths<'a>, Refusal> {
        match &self.about {
            About::Inode(inode) => Ok((Cow::Borrowed(known.path(*inode, image)?), None)),
            About::Names(names) => {
                let path = |(directory, name): &(InodeNumber, OsString)| {
                    let within = image.path(*directory)?;
                    Ok(Cow::Owned(text(within.strip_prefix(".").unwrap_or(&within).join(name))))
                };
                let [old, new] = names.each_ref().map(path);
                Ok((old?, Some(new?)))
            }
        }
    }
}

impl KnownPaths {
    fn path(&mut self, inode: InodeNumber, image: &Image) -> Result<&str, Refusal> {
        if self.renamings != image.renamings() {
            self.renamings = image.renamings();
            self.by_inode.clear();
        }
        match self.by_inode.entry(inode) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(place) => Ok(place.insert(text(image.path(inode)?))),
        }
    }
}

fn text(path: PathBuf) -> String {
    path.into_os_string().into_string().unwrap_or_else(|path| path.to_string_lossy().into_owned())
}

/// The bit of a edge of a call.
fn bit(call: DiskCall, edge: Edge) -> u8 {
    1 << (2 * call as u8 + edge as u8)
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
        let bits = bit(call, Edge::Before) | bit(call, Edge::After);
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
        let watches = &mut self.armed_with().watches;
        watches.retain(|armed| armed.tally.number() != number);
        watches.extend(new);
        let bits = watches.iter().map(|armed| bit(armed.watch.call, armed.watch.edge));
        self.armed.store(bits.fold(0, |all, bit| all | bit), Ordering::Release);
    }

    fn armed_with(&self) -> MutexGuard<'_, Armed> {
        // No change of it can stop half-way.
        self.armed_with.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Shared {
    /// Counts a call, and returns the watches that waited for it.
    fn see(&self, edge: Edge, call: &Call, mount: u64) -> Vec<Sighted> {
        if self.watches.armed.load(Ordering::Acquire) & bit(call.call, edge) == 0 {
            return Vec::new();
        }
        let mut armed = self.watches.armed_with();
        let Armed { watches, paths } = &mut *armed;
        let may_be = |armed: &&ArmedWatch| {
            armed.watch.call == call.call && armed.watch.edge == edge && armed.tally.is_waiting()
        };
        let mut waiting = watches.iter().filter(may_be).peekable();
        if waiting.peek().is_none() {
            return Vec::new();
        }
        let Ok((path, new)) = self.act(mount, |image| call.paths(image, paths)) else {
            // Without power there is no call.
            return Vec::new();
        };
        let is_meant = |armed: &&ArmedWatch| {
            let mut paths = [Some(&path), new.as_ref()].into_iter().flatten();
            paths.any(|path| armed.watch.is_about(call.call, path)) && armed.tally.count()
        };
        let sighted = |armed: &ArmedWatch| Sighted {
            node: armed.node.clone(),
            tally: armed.tally.clone(),
            what: in_words(call.call, &path, new.as_deref()),
        };
        waiting.filter(is_meant).map(sighted).collect()
    }

    /// Has `go_on` run: now, or, if a watch waited for this edge of this call, when that lets go
    /// of it; then with the error that became of the request meanwhile.
    pub(super) fn watch(
        &self,
        edge: Edge,
        call: &Call,
        mount: u64,
        go_on: impl FnOnce(Option<Errno>) + Send + 'static,
    ) {
        let sighted = self.see(edge, call, mount);
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

//! Places to mount at, which vanish with the test.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use stormproof_engines::disk::Disk;

/// A directory of a test's own, removed at its end.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new(name: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("stormproof-disk-{}-{number}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).expect("nothing is mounted in it any more");
    }
}

/// Gives this thread, and what it starts, mounts of its own: they vanish with it, however it ends.
/// False, with the reason on standard error, where that is not allowed.
pub fn own_mounts() -> bool {
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    let nothing = None::<&str>;
    let made = unshare(CloneFlags::CLONE_NEWNS)
        .and_then(|()| mount(nothing, "/", nothing, private, nothing));
    if let Err(error) = made {
        skip(&format!("no mount namespace: {error}"));
    }
    made.is_ok()
}

/// A disk, and the directory that it is mounted in, which must be dropped after it; none, with the
/// reason on standard error, where that is not possible.
pub fn disk(name: &str) -> Option<(Scratch, Disk)> {
    if !own_mounts() {
        return None;
    }
    let scratch = Scratch::new(name);
    match Disk::mount(&scratch.path().join("disk"), 7) {
        Ok(disk) => Some((scratch, disk)),
        Err(error) => {
            skip(&error.to_string());
            None
        }
    }
}

/// Says that the running test does nothing, and why.
pub fn skip(why: &str) {
    let thread = std::thread::current();
    eprintln!("{} skipped: {why}", thread.name().unwrap_or("test"));
}

//! The disk of one node, as its owner sees it.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::SystemTime;

use fuser::INodeNo;
use nix::unistd::{getgid, getuid};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

use super::barrier::SyncBarrier;
use super::interceptor::RequestInterceptor;
use super::mount::Mount;
use super::serve::NodeFilesystem;
use super::shared::{Powered, Shared};
use super::watches::Watches;
use crate::order::Gatekeeper;
use crate::watches::Tally;
use faults::disk_image::{Image, Kind, Unsynced};
use faults::fault::{Damage, DiskCondition, PowerCut};
use faults::host::{DiskSeen, PowerSeen};
use faults::trigger::DiskWatch;

/// The bytes that a disk holds. They are memory of this process once written.
const CAPACITY: u64 = 4 << 30;

/// The bytes of a file that [`Disk::export`] copies at once, while the disk waits.
const EXPORTED_AT_ONCE: u64 = 1 << 20;

/// A mounted disk. Dropping it unmounts it, even while it is used, and frees its content.
pub struct Disk {
    path: PathBuf,
    shared: Arc<Shared>,
    mount: Option<Mount>,
}

/// A disk with nothing on it, of the user who runs this.
fn empty() -> Image {
    Image::new(CAPACITY, getuid().as_raw(), getgid().as_raw(), SystemTime::now())
}

impl Disk {
    /// Mounts an empty disk of 4 GiB at a directory, which is made if it is missing and
    /// hidden if it is not empty. Chances of errors are drawn from `seed`.
    ///
    /// # Errors
    /// Says what to install or allow where FUSE is not there, or not for this user.
    pub fn mount(path: &Path, seed: u64) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        let path = path.canonicalize()?;
        let image = empty();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let powered = Mutex::new(Powered { image, on: false, mount: 0 });
        let interceptor = RequestInterceptor::new(&name, seed)?;
        let shared = Arc::new(Shared {
            powered,
            interceptor,
            watches: Watches::default(),
            keeper: OnceLock::new(),
        });
        let mut disk = Self { path, shared, mount: None };
        disk.power_on()?;
        Ok(disk)
    }

    /// Puts an empty disk in its place, mounted where it was. A process that still uses the old
    /// one gets errors.
    ///
    /// # Errors
    /// When it cannot be mounted.
    pub fn renew(&mut self) -> io::Result<()> {
        self.power_off();
        self.shared.powered().image = empty();
        self.power_on()
    }

    /// Returns true if it is mounted at that path, which is not looked up on the disk itself.
    pub fn is_at(&self, path: &Path) -> bool {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return false };
        folder.canonicalize().is_ok_and(|folder| folder.join(name) == self.path)
    }

    /// The directory at which it is mounted.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the disk behave so from now on, and returns the counts until then. The default
    /// condition heals it: requests that were held back go on at once.
    pub fn set(&self, condition: &DiskCondition) -> DiskSeen {
        {
            let image = &mut self.shared.powered().image;
            let room = condition
                .full_after_kib
                .map(|kib| image.space().used.saturating_add(kib.saturating_mul(1024)));
            image.set_capacity(room.unwrap_or(CAPACITY).min(CAPACITY));
        }
        self.shared.interceptor.set(condition)
    }

    /// Answers all requests that are held back now: by the condition as if their time had come, by
    /// a watch before they are done as if they had never been made. A process that is to be killed
    /// waits for nothing else.
    pub fn release(&self) {
        self.shared.interceptor.release();
    }

    /// From now on has each fsync go through the gates of `keeper`. There is one at most.
    pub(crate) fn keep_order(&self, node: &str, keeper: &Arc<dyn Gatekeeper>) {
        // A second one would be a second run on the same disk.
        let _ = self.shared.keeper.set((node.to_owned(), Arc::clone(keeper)));
    }

    /// From now on has this watch see the calls to the disk, which is that of `node`.
    pub(crate) fn watch(&self, node: &str, watch: &DiskWatch, tally: &Tally) {
        self.shared.watches.arm(node, watch, tally);
    }

    /// Has the watch of this number see nothing more here. What it holds it goes on holding.
    pub(crate) fn forget_watch(&self, number: u32) {
        self.shared.watches.disarm(number);
    }

    /// The same when the watch has ended: what it holds goes on.
    pub(crate) fn end_watch(&self, number: u32) {
        self.forget_watch(number);
        self.shared.interceptor.let_go(number);
    }

    /// The operations and faults since the condition was last changed.
    pub fn seen(&self) -> DiskSeen {
        self.shared.interceptor.seen()
    }

    /// The changes that a power failure may lose now.
    pub fn unsynced(&self) -> Unsynced {
        self.shared.powered().image.unsynced()
    }

    /// A copy of what is on it, to see what a power failure would do to it, without one.
    pub fn snapshot(&self) -> Image {
        self.shared.powered().image.clone()
    }

    /// A process begins that has nothing in the cache yet: what an fsync of an earlier one failed to
    /// write is gone, and what the disk holds is read.
    pub fn evict(&self) {
        let evicted = self.shared.powered().image.evict();
        if let Some(notifier) = self.mount.as_ref().map(Mount::notifier) {
            for inode in evicted {
                // Fails when the kernel has nothing of it to forget.
                let _ = notifier.inval_inode(INodeNo(inode), 0, 0);
            }
        }
    }

    /// Returns whether the power is on.
    pub(crate) fn is_on(&self) -> bool {
        self.shared.powered().on
    }

    /// From here on nothing becomes durable, and every operation fails with EIO: those to come, and
    /// those that were delayed or stalled. Processes that use the disk can then be killed.
    pub fn power_off(&self) {
        self.shared.powered().on = false;
        self.shared.interceptor.set_power(false);
    }

    /// Loses what was not synced, as `cut` and `seed` say. Processes must not run any more; the
    /// power goes off if it is on.
    pub fn crash(&self, cut: &PowerCut, seed: u64) -> PowerSeen {
        self.power_off();
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        self.shared.powered().image.crash(cut, &mut random)
    }

    /// Mounts the disk anew with what is on it, after [`Disk::crash`]. A process that still uses
    /// the old mount gets errors.
    pub fn power_on(&mut self) -> io::Result<()> {
        if self.is_on() {
            return Ok(());
        }
        self.mount = None;
        let mount = {
            let mut powered = self.shared.powered();
            powered.mount += 1;
            powered.on = true;
            powered.mount
        };
        self.shared.interceptor.set_power(true);
        let filesystem = NodeFilesystem { shared: Arc::clone(&self.shared), mount };
        match Mount::new(&self.path, filesystem) {
            Ok(mount) => self.mount = Some(mount),
            Err(error) => {
                self.power_off();
                return Err(error);
            }
        }
        Ok(())
    }

    /// The barrier that a process which is started now has for its `sync(2)`.
    pub(crate) fn barrier(&self) -> io::Result<SyncBarrier> {
        SyncBarrier::new(&self.shared, &self.path)
    }

    /// Returns whether its requests are answered, as they are while the power is on. If not, it is
    /// a bug of ours.
    pub(crate) fn is_served(&self) -> bool {
        self.mount.as_ref().is_some_and(Mount::is_served)
    }

    /// Damages a file that is meant, durably, at a place drawn from `seed`. Tells which file and
    /// where. The node should be down: what it has mapped or read may hide the damage.
    ///
    /// # Errors
    /// There is no such file.
    pub fn damage(&self, damage: &Damage, seed: u64) -> Result<String, String> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let damaged = self.shared.powered().image.damage(damage, &mut random)?;
        if let Some(notifier) = self.mount.as_ref().map(Mount::notifier) {
            // Fails when the kernel has nothing of it to forget.
            let _ = notifier.inval_inode(INodeNo(damaged.inode), 0, 0);
        }
        Ok(damaged.what)
    }

    /// Copies everything on the disk into a directory elsewhere, as processes see it, in any
    /// state of the mount. Sockets and the like are left out.
    pub fn export(&self, to: &Path) -> io::Result<()> {
        fs::create_dir_all(to)?;
        let paths = self.shared.powered().image.paths();
        for (path, inode, kind) in paths {
            let target = to.join(&path);
            match kind {
                Kind::Directory => fs::create_dir_all(&target)?,
                Kind::File => self.export_file(inode, &target)?,
                Kind::Symlink => {
                    if let Ok(leads_to) = self.shared.powered().image.target(inode) {
                        symlink(leads_to, &target)?;
                    }
                }
                Kind::Special { .. } => {}
            }
        }
        Ok(())
    }

    fn export_file(&self, inode: u64, target: &Path) -> io::Result<()> {
        use std::os::unix::fs::FileExt;
        let file = fs::File::create(target)?;
        let status = self.shared.powered().image.status(inode);
        // It may have been deleted since the paths were listed.
        let Ok(status) = status else { return Ok(()) };
        file.set_len(status.size)?;
        for offset in (0..status.size).step_by(EXPORTED_AT_ONCE as usize) {
            let bytes = self.shared.powered().image.read(inode, offset, EXPORTED_AT_ONCE);
            let bytes = bytes.unwrap_or_default();
            // Holes stay holes.
            if bytes.iter().any(|byte| *byte != 0) {
                file.write_all_at(&bytes, offset)?;
            }
        }
        let mode = status.attributes.mode;
        file.set_permissions(fs::Permissions::from_mode(mode))
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = out.debug_struct("Disk");
        debug.field("path", &self.path).field("on", &self.is_on()).finish_non_exhaustive()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.power_off();
        self.release();
    }
}

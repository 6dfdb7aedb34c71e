//! A trial of disks on this machine.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Instant;

use nix::unistd::mkdtemp;

use super::node_disk::Disk;
use faults::fault::PowerCut;

/// Mounts a disk in a throwaway place, writes, syncs, and takes its power. Tells how long mounting
/// took, or why there can be no disks and what to do about it.
///
/// It may hang where the kernel does, so the caller sets a time limit, in a process of its own.
pub fn try_out() -> Result<String, String> {
    // A name of its own, also where other processes have the same number in namespaces of theirs:
    // removing a directory detaches the mounts of others there.
    let place = mkdtemp(&std::env::temp_dir().join("stormproof-disk-trial-XXXXXX"))
        .map_err(|error| format!("there is no temporary directory: {error}"))?;
    let tried = try_at(&place);
    // It is empty once the disk is gone.
    let _ = fs::remove_dir(&place);
    tried.map_err(|error| error.to_string())
}

fn try_at(place: &Path) -> io::Result<String> {
    let start = Instant::now();
    let mut disk = Disk::mount(place, 0)?;
    let mounted = start.elapsed();
    let path = disk.path().join("kept");
    let mut file = File::create(&path)?;
    file.write_all(b"synced")?;
    file.sync_all()?;
    file.write_all(b" and not synced")?;
    drop(file);
    disk.crash(&PowerCut { keep_percent: 0.0, sector: 512 }, 0);
    disk.power_on()?;
    let mut left = String::new();
    File::open(&path)?.read_to_string(&mut left)?;
    if left != "synced" {
        return Err(io::Error::other(format!("a power failure left {left:?} of a synced file")));
    }
    let mounted = mounted.as_secs_f64() * 1e3;
    Ok(format!("mounted in {mounted:.1} ms; a power failure lost what was not synced"))
}

//! The fate of what an fsync that failed was to write: on the engine's disk, with real programs on
//! it, and on real file systems whose device refuses writes.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;

use faults::disk_image::{Image, Kind};
use faults::fault::{DiskCondition, OpCondition, PowerCut};
use nix::mount::{MsFlags, mount};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use stormproof_engines::disk::{Disk, LoopDisk, RealFileSystem};

use crate::support::{Scratch, disk, own_mounts, skip};

const FIRST: &[u8] = &[b'a'; 8192];
const SECOND: &[u8] = &[b'b'; 8 << 20];

fn failing_fsync() -> DiskCondition {
    let fsync = OpCondition { error_percent: 100.0, ..OpCondition::default() };
    DiskCondition { fsync, ..DiskCondition::default() }
}

/// A process that appends to a file it synced, is refused an fsync, and asks again.
#[derive(Debug, Clone, Copy)]
enum Then {
    /// It asks again at once.
    Retries,
    /// It writes a little more first, into the last page.
    WritesAndRetries,
}

impl Then {
    fn act(self, file: &File) {
        let mut read = [0; 4];
        file.read_exact_at(&mut read, FIRST.len() as u64 + 4096).unwrap();
        assert_eq!(read, *b"bbbb", "it is still read");
        if matches!(self, Self::WritesAndRetries) {
            let end = (FIRST.len() + SECOND.len()) as u64;
            file.write_all_at(b"c", end - 1).unwrap();
        }
        file.sync_all().expect("the failure was told once");
    }
}

/// Runs of equal bytes, each with its length.
fn runs(content: &[u8]) -> Vec<(char, usize)> {
    let mut runs: Vec<(char, usize)> = Vec::new();
    for byte in content {
        match runs.last_mut() {
            Some((last, length)) if *last == char::from(*byte) => *length += 1,
            _ => runs.push((char::from(*byte), 1)),
        }
    }
    runs
}

fn begin(path: &Path) -> File {
    let file = OpenOptions::new().read(true).write(true).create_new(true).open(path).unwrap();
    file.write_all_at(FIRST, 0).unwrap();
    file.sync_all().unwrap();
    File::open(path.parent().unwrap()).unwrap().sync_all().unwrap();
    file
}

fn content_of(image: &Image) -> Vec<u8> {
    let files = image.paths().into_iter().filter(|(_, _, kind)| *kind == Kind::File);
    let file = files.map(|(_, inode, _)| inode).next().unwrap();
    image.read(file, 0, u64::MAX).unwrap()
}

/// All that the engine may leave.
fn on_engine(then: Then, disk: &Disk) -> BTreeSet<Vec<(char, usize)>> {
    let file = begin(&disk.path().join("f"));
    file.write_all_at(SECOND, FIRST.len() as u64).unwrap();
    disk.set(&failing_fsync());
    assert_eq!(file.sync_all().unwrap_err().raw_os_error(), Some(libc::EIO));
    disk.set(&DiskCondition::default());
    then.act(&file);
    let crashed = [0.0, 50.0, 100.0].into_iter().flat_map(|keep_percent| {
        (0..20).map(move |seed| (PowerCut { keep_percent, sector: 512 }, seed))
    });
    let left = crashed.map(|(cut, seed)| {
        let mut image = disk.snapshot();
        image.crash(&cut, &mut ChaCha8Rng::seed_from_u64(seed));
        runs(&content_of(&image))
    });
    left.collect()
}

/// The content that a real file system leaves whose image lies on a full one: blocks never written
/// cannot be.
fn on_real(then: Then, kind: RealFileSystem) -> std::io::Result<Vec<(char, usize)>> {
    let scratch = Scratch::new(kind.name());
    let memory = scratch.path().join("memory");
    fs::create_dir(&memory)?;
    let size = Some("size=300m");
    mount(Some("tmpfs"), &memory, Some("tmpfs"), MsFlags::empty(), size)?;
    let path = scratch.path().join("mount");
    let left = (|| {
        let mut real = LoopDisk::create(kind, &memory.join("image"), &path)?;
        let file = begin(&path.join("f"));
        nix::unistd::sync();
        let filler = memory.join("filler");
        let mut fill = File::create(&filler)?;
        while fill.write_all(&[0; 4096]).is_ok() {}
        file.write_all_at(SECOND, FIRST.len() as u64)?;
        file.sync_all().expect_err("its device is full");
        fs::remove_file(&filler)?;
        drop(fill);
        then.act(&file);
        drop(file);
        real.power_off()?;
        real.power_on()?;
        Ok(runs(&fs::read(path.join("f"))?))
    })();
    nix::mount::umount2(&memory, nix::mount::MntFlags::MNT_DETACH)?;
    left
}

#[test]
fn a_retried_fsync_succeeds_and_what_the_first_could_not_write_is_lost() {
    for then in [Then::Retries, Then::WritesAndRetries] {
        let Some((_scratch, disk)) = disk("failed-sync") else { return };
        let engine = on_engine(then, &disk);
        let whole = FIRST.len() + SECOND.len();
        let expected: BTreeSet<_> = match then {
            Then::Retries => [vec![('a', 8192)], vec![('a', 8192), ('\0', SECOND.len())]].into(),
            Then::WritesAndRetries => {
                let zeros = whole - 8192 - 4096;
                [vec![('a', 8192), ('\0', zeros), ('b', 4095), ('c', 1)]].into()
            }
        };
        assert_eq!(engine, expected, "{then:?}");
        for kind in RealFileSystem::ALL {
            match on_real(then, kind) {
                Ok(left) => {
                    eprintln!("{then:?}: {} leaves {left:?}", kind.name());
                    // ext4 loses a new page even if it is written again.
                    let loses_more = matches!(then, Then::WritesAndRetries)
                        && left == [('a', 8192), ('\0', SECOND.len())];
                    let covered = engine.contains(&left) || loses_more;
                    assert!(covered, "{then:?}: {} leaves {left:?}", kind.name());
                }
                Err(error) => skip(&format!("comparison with {}: {error}", kind.name())),
            }
        }
    }
}

#[test]
fn programs_that_sync_again_after_an_error_lose_what_they_wrote() {
    if !own_mounts() {
        return;
    }
    let Some((_scratch, mut disk)) = disk("programs") else { return };
    let file = disk.path().join("f");
    fs::write(&file, "old").unwrap();
    File::open(&file).unwrap().sync_all().unwrap();
    let run = |script: &str| {
        let mut shell = Command::new("sh");
        let status = shell.args(["-c", script]).current_dir(disk.path()).status();
        status.unwrap().success()
    };
    disk.set(&failing_fsync());
    assert!(!run("printf new | dd of=f conv=fsync 2>/dev/null"), "dd is told");
    disk.set(&DiskCondition::default());
    assert!(run("test $(cat f) = new && sync f"), "and sync is not");
    // The next process of the node finds what the disk has: dd had cut the file first.
    disk.evict();
    assert!(run("test $(tr -d '\\0' < f | wc -c) = 0 && test $(wc -c < f) = 3"));
    assert!(run("printf more | dd of=f conv=notrunc,fsync 2>/dev/null"));
    disk.crash(&PowerCut { keep_percent: 0.0, sector: 512 }, 1);
    disk.power_on().unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "more");
}

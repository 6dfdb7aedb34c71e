//! Each condition is met by a process, as asked for and never less.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use faults::fault::{Damage, DiskCondition, OpCondition, PowerCut};
use faults::host::OpSeen;

use crate::support::{disk, own_mounts, skip};

fn slow(delay_ms: f64) -> OpCondition {
    OpCondition { delay_ms, ..OpCondition::default() }
}

fn failing() -> OpCondition {
    OpCondition { error_percent: 100.0, ..OpCondition::default() }
}

fn error(result: io::Result<impl Sized>) -> Option<i32> {
    result.err().and_then(|error| error.raw_os_error())
}

fn timed(action: impl FnOnce()) -> Duration {
    let start = Instant::now();
    action();
    start.elapsed()
}

#[test]
fn no_operation_takes_less_than_the_delay_asked_for() {
    let Some((_scratch, disk)) = disk("delay") else { return };
    let path = disk.path().join("a");
    fs::write(&path, [7; 9000]).unwrap();
    let file = File::options().read(true).write(true).open(&path).unwrap();
    let condition = DiskCondition {
        read: slow(20.0),
        write: slow(30.0),
        fsync: slow(40.0),
        metadata: slow(50.0),
        ..DiskCondition::default()
    };
    disk.set(&condition);
    let at_least = |millis, took| assert!(took >= Duration::from_millis(millis), "{took:?}");
    at_least(30, timed(|| file.write_all_at(b"x", 0).unwrap()));
    at_least(40, timed(|| file.sync_data().unwrap()));
    at_least(40, timed(|| File::open(disk.path()).unwrap().sync_all().unwrap()));
    at_least(50, timed(|| fs::rename(&path, disk.path().join("b")).unwrap()));
    at_least(50, timed(|| file.set_len(100).unwrap()));
    // What was written is in the kernel's cache, so a synchronous write it is that must sync.
    let seen = disk.set(&DiskCondition::default());
    for (seen, count, least) in
        [(seen.write, 1, 30.0), (seen.fsync, 2, 40.0), (seen.metadata, 2, 50.0)]
    {
        assert!(seen.count >= count && seen.fastest_ms >= least, "{seen:?}");
        assert!(seen.fastest_ms <= seen.mean_ms && seen.mean_ms <= seen.slowest_ms, "{seen:?}");
        assert_eq!(seen.errors, 0);
    }
    // A file that is not in the cache is read from the disk: one that survived a power failure.
    let mut disk = disk;
    drop(file);
    disk.crash(&PowerCut { keep_percent: 100.0, sector: 512 }, 1);
    disk.power_on().unwrap();
    disk.set(&condition);
    at_least(20, timed(|| drop(fs::read(disk.path().join("b")).unwrap())));
    assert!(disk.seen().read.fastest_ms >= 20.0);
}

#[test]
fn what_a_power_failure_lets_fail_early_does_not_tell_against_a_delay() {
    let Some((_scratch, mut disk)) = disk("slow-and-off") else { return };
    let mut file = File::create(disk.path().join("a")).unwrap();
    file.write_all(b"x").unwrap();
    // Longer than any test waits for it.
    disk.set(&DiskCondition { fsync: slow(60_000.0), ..DiskCondition::default() });
    std::thread::scope(|scope| {
        let sync = scope.spawn(|| error(file.sync_all()));
        // Whether it has begun by now or only when the power is off, it fails.
        std::thread::sleep(Duration::from_millis(50));
        disk.power_off();
        assert_eq!(sync.join().unwrap(), Some(libc::EIO));
    });
    assert_eq!(disk.seen().fsync.count, 0, "{:?}", disk.seen());
    drop(file);
    disk.crash(&PowerCut { keep_percent: 0.0, sector: 512 }, 1);
    disk.power_on().unwrap();
    disk.set(&DiskCondition { fsync: slow(20.0), ..DiskCondition::default() });
    File::create(disk.path().join("b")).unwrap().sync_all().unwrap();
    assert!(disk.seen().fsync.fastest_ms >= 20.0, "{:?}", disk.seen());
}

#[test]
fn a_synchronous_write_waits_for_its_fsync() {
    use std::os::unix::fs::OpenOptionsExt;
    let Some((_scratch, disk)) = disk("synchronous") else { return };
    disk.set(&DiskCondition { fsync: slow(30.0), ..DiskCondition::default() });
    for flag in [libc::O_SYNC, libc::O_DSYNC] {
        let mut options = File::options();
        options.write(true).create(true).truncate(false).custom_flags(flag);
        let mut file = options.open(disk.path().join("a")).unwrap();
        let took = timed(|| file.write_all(b"x").unwrap());
        assert!(took >= Duration::from_millis(30), "{took:?}");
        assert_eq!(disk.unsynced().bytes, 0);
    }
}

#[test]
fn operations_fail_as_asked_for_and_succeed_again_afterwards() {
    let Some((_scratch, disk)) = disk("errors") else { return };
    let mut file = File::create(disk.path().join("a")).unwrap();
    let try_all = |file: &mut File| {
        let made = error(File::create(disk.path().join("b")));
        [error(file.write_all(b"x")), error(file.sync_all()), made]
    };
    let of = |write, fsync, metadata| DiskCondition {
        write,
        fsync,
        metadata,
        ..DiskCondition::default()
    };
    let none = OpCondition::default();
    let (eio, erofs) = (Some(libc::EIO), Some(libc::EROFS));
    for (condition, expected) in [
        (of(failing(), none, none), [eio, None, None]),
        (of(none, failing(), none), [None, eio, None]),
        (of(none, none, failing()), [None, None, eio]),
        (DiskCondition { read_only: true, ..DiskCondition::default() }, [erofs; 3]),
    ] {
        disk.set(&condition);
        assert_eq!(try_all(&mut file), expected, "{condition:?}");
        let seen = disk.set(&DiskCondition::default());
        let errors = |seen: OpSeen| seen.errors > 0;
        let met = [errors(seen.write), errors(seen.fsync), errors(seen.metadata)];
        assert_eq!(met, expected.map(|error| error.is_some()), "{seen:?}");
        assert_eq!(try_all(&mut file), [None; 3]);
        fs::remove_file(disk.path().join("b")).unwrap();
    }
}

#[test]
fn some_of_many_operations_fail_when_some_are_to() {
    let Some((_scratch, disk)) = disk("chance") else { return };
    let file = File::create(disk.path().join("a")).unwrap();
    let write = OpCondition { error_percent: 50.0, ..OpCondition::default() };
    disk.set(&DiskCondition { write, ..DiskCondition::default() });
    let failed = (0..200).filter(|_| file.write_all_at(b"x", 0).is_err()).count() as u64;
    // Fewer than 20 or more than 180 of 200 would be one chance in 10^30.
    assert!((20..180).contains(&failed), "{failed}");
    assert_eq!(disk.seen().write.errors, failed);
}

#[test]
fn a_full_disk_takes_what_still_fits_and_no_more() {
    let Some((_scratch, disk)) = disk("full") else { return };
    let path = disk.path().join("a");
    fs::write(&path, [1; 8192]).unwrap();
    disk.set(&DiskCondition { full_after_kib: Some(64), ..DiskCondition::default() });
    let file = File::options().append(true).open(&path).unwrap();
    let mut written = 0;
    let refusal = loop {
        match (&file).write(&[2; 4096]) {
            Ok(length) => written += length,
            Err(error) => break error,
        }
    };
    assert_eq!(refusal.raw_os_error(), Some(libc::ENOSPC));
    assert_eq!(written, 64 << 10);
    // What is there can be overwritten, and what is deleted makes room.
    File::options().write(true).open(&path).unwrap().write_all_at(&[3; 8192], 0).unwrap();
    assert!(disk.seen().write.errors > 0);
    drop(file);
    fs::remove_file(&path).unwrap();
    fs::write(disk.path().join("b"), [4; 60 << 10]).unwrap();
    disk.set(&DiskCondition::default());
    fs::write(disk.path().join("c"), vec![5; 1 << 20]).unwrap();
}

#[test]
fn a_stalled_fsync_returns_when_the_stall_ends_and_not_before() {
    let Some((_scratch, disk)) = disk("stall") else { return };
    let mut file = File::create(disk.path().join("a")).unwrap();
    file.write_all(b"x").unwrap();
    disk.set(&DiskCondition { fsync_stalled: true, ..DiskCondition::default() });
    std::thread::scope(|scope| {
        let syncing = scope.spawn(|| file.sync_all());
        while disk.seen().stalled == 0 {
            std::thread::yield_now();
        }
        // Everything else goes on.
        fs::write(disk.path().join("b"), "b").unwrap();
        assert!(!syncing.is_finished());
        assert!(disk.unsynced().bytes > 0);
        assert_eq!(disk.set(&DiskCondition::default()).stalled, 1);
        syncing.join().unwrap().unwrap();
    });
    assert_eq!(disk.seen().stalled, 0);
}

#[test]
fn power_off_answers_a_stalled_fsync_and_makes_nothing_durable() {
    let Some((_scratch, mut disk)) = disk("off") else { return };
    let path = disk.path().join("a");
    let mut file = File::create(&path).unwrap();
    file.write_all(b"old").unwrap();
    file.sync_all().unwrap();
    file.write_all(b" new").unwrap();
    for condition in [
        DiskCondition { fsync_stalled: true, ..DiskCondition::default() },
        DiskCondition { fsync: slow(60_000.0), ..DiskCondition::default() },
    ] {
        disk.set(&condition);
        std::thread::scope(|scope| {
            let syncing = scope.spawn(|| file.sync_all());
            while condition.fsync_stalled && disk.seen().stalled == 0 {
                std::thread::yield_now();
            }
            // A delayed one is not seen; should it come later, it fails all the same.
            std::thread::sleep(Duration::from_millis(20));
            disk.power_off();
            assert_eq!(error(syncing.join().unwrap()), Some(libc::EIO));
        });
        assert_eq!(error(file.write_all(b"!")), Some(libc::EIO));
        let seen = disk.crash(&PowerCut { keep_percent: 0.0, sector: 4096 }, 1);
        disk.set(&DiskCondition::default());
        disk.power_on().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        // The old descriptor is of a mount that is gone.
        assert!(file.write_all(b"!").is_err());
        eprintln!("{seen:?}");
        file = File::options().append(true).open(&path).unwrap();
        file.write_all(b" new").unwrap();
    }
}

#[test]
fn bytes_pass_no_faster_than_the_bandwidth_asked_for() {
    let Some((_scratch, disk)) = disk("bandwidth") else { return };
    let file = File::create(disk.path().join("a")).unwrap();
    disk.set(&DiskCondition { kib_per_second: Some(1024), ..DiskCondition::default() });
    let took = timed(|| file.write_all_at(&vec![1; 256 << 10], 0).unwrap());
    assert!(took >= Duration::from_millis(250), "{took:?}");
    // From several threads at once they share it.
    let took = timed(|| {
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| file.write_all_at(&vec![2; 32 << 10], 0).unwrap());
            }
        });
    });
    assert!(took >= Duration::from_millis(125), "{took:?}");
}

#[test]
fn damage_is_seen_by_whoever_reads_and_survives_a_power_failure() {
    let Some((scratch, mut disk)) = disk("damage") else { return };
    fs::create_dir(disk.path().join("wal")).unwrap();
    let (wal, other) = (disk.path().join("wal/segment"), disk.path().join("other"));
    fs::write(&wal, [0; 5000]).unwrap();
    fs::write(&other, [0; 50_000]).unwrap();
    let flip = Damage::BitFlip { file: Some("wal".to_owned()) };
    let told = disk.damage(&flip, 3).unwrap();
    assert!(told.contains("wal/segment"), "{told}");
    let bits =
        |path: &Path| -> u32 { fs::read(path).unwrap().iter().map(|byte| byte.count_ones()).sum() };
    assert_eq!((bits(&wal), bits(&other)), (1, 0));
    disk.damage(&Damage::Truncate { file: Some("other".to_owned()) }, 4).unwrap();
    assert!(fs::metadata(&other).unwrap().len() < 50_000);
    disk.crash(&PowerCut { keep_percent: 0.0, sector: 512 }, 5);
    disk.power_on().unwrap();
    assert!(!wal.exists(), "its name was never synced");
    assert!(disk.damage(&flip, 6).is_err());

    fs::create_dir(disk.path().join("wal")).unwrap();
    fs::write(&wal, b"evidence").unwrap();
    let to = scratch.path().join("copy");
    disk.power_off();
    disk.export(&to).unwrap();
    assert_eq!(fs::read(to.join("wal/segment")).unwrap(), b"evidence");
}

#[test]
fn a_dropped_disk_is_unmounted_even_while_it_is_used() {
    let Some((_scratch, disk)) = disk("drop") else { return };
    let path = disk.path().to_owned();
    let file = File::create(path.join("a")).unwrap();
    let mounts = || fs::read_to_string("/proc/thread-self/mountinfo").unwrap();
    let ours = format!("{} ", path.display());
    let line = mounts().lines().find(|line| line.contains(&ours)).unwrap().to_owned();
    assert!(line.contains(stormproof_engines::disk::TYPE), "{line}");
    assert!(line.contains(" stormproof-"), "{line}");
    drop(disk);
    assert!(!mounts().contains(&ours));
    assert!(file.sync_all().is_err());
}

#[test]
fn the_trial_says_that_it_works() {
    if !own_mounts() {
        return;
    }
    match stormproof_engines::disk::try_out() {
        Ok(seen) => assert!(seen.contains("mounted"), "{seen}"),
        Err(why) => skip(&why),
    }
}

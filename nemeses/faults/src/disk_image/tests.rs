//! Tests of the image as a whole, beyond what crash scenarios on real mounts cover.

use std::ffi::OsStr;
use std::time::{Duration, SystemTime};

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

use super::{Attributes, Image, InodeNumber, New, ROOT, Range, Refusal, Renaming};
use crate::fault::{Damage, PowerCut};

const NOW: SystemTime = SystemTime::UNIX_EPOCH;
const OWNER: Attributes = Attributes { mode: 0o644, uid: 1, gid: 1 };

fn image() -> Image {
    Image::new(1 << 20, 1, 1, NOW)
}

fn name(name: &str) -> &OsStr {
    OsStr::new(name)
}

/// Makes a file with this content.
fn add(image: &mut Image, file: &str, content: &str) -> InodeNumber {
    let made = image.create(ROOT, name(file), New::File, OWNER, NOW).unwrap().inode;
    image.write(made, 0, content.as_bytes().into(), NOW).unwrap();
    made
}

fn content(image: &Image, file: &str) -> Option<String> {
    let status = image.lookup(ROOT, name(file)).ok()?;
    Some(String::from_utf8(image.read(status.inode, 0, u64::MAX).unwrap()).unwrap())
}

/// A power failure that loses all it may.
fn crash(image: &mut Image) {
    let cut = PowerCut { keep_percent: 0.0, sector: 512 };
    image.crash(&cut, &mut ChaCha8Rng::seed_from_u64(0));
}

#[test]
fn a_sync_commits_the_names_of_others_but_not_their_content() {
    let mut image = image();
    add(&mut image, "a", "lost");
    let kept = add(&mut image, "b", "kept");
    image.sync(kept).unwrap();
    assert_eq!(image.unsynced().operations, 0);
    crash(&mut image);
    assert_eq!(content(&image, "a").as_deref(), Some(""));
    assert_eq!(content(&image, "b").as_deref(), Some("kept"));
}

#[test]
fn a_file_lives_while_somebody_uses_it_and_as_long_as_a_crash_may_bring_it_back() {
    let mut image = image();
    let file = add(&mut image, "a", "content");
    image.remember(file);
    image.sync(file).unwrap();
    image.unlink(ROOT, name("a"), NOW).unwrap();
    assert_eq!(image.space().used, 0);
    assert_eq!(image.read(file, 0, 7).unwrap(), b"content");

    let mut crashed = image.clone();
    crash(&mut crashed);
    assert_eq!(content(&crashed, "a").as_deref(), Some("content"));
    assert!(crashed.space().used > 0);

    image.sync(ROOT).unwrap();
    assert!(image.status(file).is_ok(), "somebody uses it");
    image.forget(file, 1);
    assert_eq!(image.status(file), Err(Refusal::NotFound));
}

#[test]
fn space_is_taken_by_what_is_allocated_and_given_back() {
    let mut image = image();
    let file = add(&mut image, "a", "x");
    assert_eq!(image.space().used, 4096);
    let allocate = Range::AllocateKeepingSize;
    assert_eq!(image.set_range(file, 0, 2 << 20, allocate, NOW), Err(Refusal::NoSpace));
    image.set_range(file, 0, 1 << 20, allocate, NOW).unwrap();
    assert_eq!(image.space().used, 1 << 20);
    // What was allocated can be written to on a full disk, and nothing else can.
    image.write(file, 500_000, [1; 5000].as_slice().into(), NOW).unwrap();
    assert_eq!(image.write(file, 1 << 20, [1].as_slice().into(), NOW), Err(Refusal::NoSpace));
    image.set_range(file, 0, 8192, Range::Punch, NOW).unwrap();
    assert_eq!(image.space().used, (1 << 20) - 8192);
    image.set_size(file, 0, NOW).unwrap();
    assert_eq!(image.space().used, 0);
    assert_eq!(image.set_size(file, u64::MAX, NOW), Err(Refusal::TooLarge));
}

#[test]
fn attributes_are_lost_like_names() {
    let mut image = image();
    let file = add(&mut image, "a", "");
    image.sync(file).unwrap();
    image.set_attributes(file, Some(0o600), None, Some(9), NOW).unwrap();
    let mut kept = image.clone();
    crash(&mut image);
    assert_eq!(image.status(file).unwrap().attributes, OWNER);
    kept.sync(ROOT).unwrap();
    crash(&mut kept);
    let expected = Attributes { mode: 0o600, gid: 9, ..OWNER };
    assert_eq!(kept.status(file).unwrap().attributes, expected);
}

#[test]
fn links_are_counted_anew_after_a_crash() {
    let mut image = image();
    let file = add(&mut image, "a", "");
    let directory = image.create(ROOT, name("in"), New::Directory, OWNER, NOW).unwrap().inode;
    image.link(file, directory, name("b"), NOW).unwrap();
    image.sync(ROOT).unwrap();
    image.unlink(ROOT, name("a"), NOW).unwrap();
    image.rename((directory, name("b")), (ROOT, name("c")), Renaming::Replace, NOW).unwrap();
    image.remove_directory(ROOT, name("in"), NOW).unwrap();
    crash(&mut image);
    assert_eq!(image.status(file).unwrap().links, 2);
    assert_eq!(image.status(directory).unwrap().links, 2);
    assert_eq!(image.status(ROOT).unwrap().links, 3);
    assert_eq!(image.parent(directory).unwrap(), ROOT);
}

#[test]
fn a_listing_goes_on_where_it_was_while_names_come_and_go() {
    let mut image = image();
    for file in ["c", "a", "b"] {
        add(&mut image, file, "");
    }
    let listed = image.list(ROOT, 0).unwrap();
    assert_eq!(listed.iter().map(|entry| &entry.name).collect::<Vec<_>>(), ["c", "a", "b"]);
    image.unlink(ROOT, name("c"), NOW).unwrap();
    add(&mut image, "c", "");
    let rest = image.list(ROOT, listed[0].place).unwrap();
    assert_eq!(rest.iter().map(|entry| &entry.name).collect::<Vec<_>>(), ["a", "b", "c"]);
}

#[test]
fn what_is_never_synced_is_written_back_before_it_fills_the_memory() {
    let mut image = Image::new(1 << 30, 1, 1, NOW);
    let file = add(&mut image, "a", "");
    for megabyte in 0..70 {
        image.write(file, megabyte << 20, vec![1; 1 << 20].into(), NOW).unwrap();
    }
    assert!(image.unsynced().bytes < 64 << 20);
    for _ in 0..20_000 {
        image.set_attributes(file, Some(0o600), None, None, NOW).unwrap();
    }
    assert!(image.unsynced().operations <= 16_384);
}

#[test]
fn damage_hits_the_largest_file_that_is_meant() {
    let mut image = image();
    add(&mut image, "wal-1", "short");
    add(&mut image, "wal-2", "a little longer");
    add(&mut image, "snapshot", "the longest of them all");
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let flip = Damage::BitFlip { file: Some("wal".to_owned()) };
    let told = image.damage(&flip, &mut random).unwrap();
    assert!(told.what.contains("wal-2"), "{}", told.what);
    assert_eq!(content(&image, "wal-1").as_deref(), Some("short"));
    let bytes = image.read(told.inode, 0, 100).unwrap();
    let differing = bytes.iter().zip(b"a little longer").map(|(left, right)| left ^ right);
    assert_eq!(differing.map(u8::count_ones).sum::<u32>(), 1);
    image.damage(&Damage::Truncate { file: Some("snap".to_owned()) }, &mut random).unwrap();
    assert!(content(&image, "snapshot").unwrap().len() < 23);
    let none = Damage::Truncate { file: Some("nothing".to_owned()) };
    assert!(image.damage(&none, &mut random).is_err());
}

#[test]
fn damage_that_means_no_file_hits_each_kind_as_often_as_any_other() {
    let mut image = image();
    for (file, size) in [
        ("0000000000000000-0000000000000001.wal", 9000),
        ("0000000000000001-00000000000002fa.wal", 9000),
        ("segment-17", 9000),
        ("segment-18", 9000),
        ("segment-19", 9000),
        ("hard-state", 16),
        ("db", 30_000),
        ("12.snap", 700),
        ("empty", 0),
    ] {
        add(&mut image, file, &"x".repeat(size));
    }
    let mut counts = std::collections::BTreeMap::new();
    for seed in 0..1000 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let flip = Damage::BitFlip { file: None };
        let told = image.clone().damage(&flip, &mut random).unwrap().what;
        let kinds = [".wal", "segment-", "hard-state", "of db", "12.snap"];
        let kind = kinds.into_iter().find(|kind| told.contains(kind)).expect(&told);
        *counts.entry(kind).or_insert(0) += 1;
    }
    assert_eq!(counts.len(), 5);
    assert!(counts.values().all(|count| (150..250).contains(count)), "{counts:?}");
}

#[test]
fn times_tell_what_changed() {
    let mut image = image();
    let file = add(&mut image, "a", "");
    let later = NOW + Duration::from_secs(5);
    image.write(file, 0, b"x".as_slice().into(), later).unwrap();
    let times = image.status(file).unwrap().times;
    assert_eq!((times.accessed, times.modified, times.changed), (NOW, later, later));
    image.set_times(file, Some(later), Some(NOW), later).unwrap();
    let times = image.status(file).unwrap().times;
    assert_eq!((times.accessed, times.modified, times.changed), (later, NOW, later));
}

#[test]
fn a_path_follows_every_change_of_names() {
    let mut image = image();
    let path = |image: &Image, inode| image.path(inode).unwrap().display().to_string();
    let make = |image: &mut Image, within, called: &str, new| {
        image.create(within, name(called), new, OWNER, NOW).unwrap().inode
    };
    assert_eq!(path(&image, ROOT), ".");
    let member = make(&mut image, ROOT, "member", New::Directory);
    let wal = make(&mut image, member, "wal", New::Directory);
    let log = make(&mut image, wal, "0.tmp", New::File);
    assert_eq!(path(&image, log), "member/wal/0.tmp");
    image.sync(log).unwrap();
    let before = image.renamings();
    image.write(log, 0, b"x".as_slice().into(), NOW).unwrap();
    assert_eq!(image.renamings(), before);
    image.rename((wal, name("0.tmp")), (wal, name("0.wal")), Renaming::Replace, NOW).unwrap();
    assert_eq!(path(&image, log), "member/wal/0.wal");
    assert_ne!(image.renamings(), before);
    image.rename((ROOT, name("member")), (ROOT, name("old")), Renaming::Replace, NOW).unwrap();
    assert_eq!(path(&image, log), "old/wal/0.wal");
    // Two names: the last one counts while it is there.
    image.link(log, ROOT, name("second"), NOW).unwrap();
    assert_eq!(path(&image, log), "second");
    image.unlink(ROOT, name("second"), NOW).unwrap();
    assert_eq!(path(&image, log), "old/wal/0.wal");
    // What another file took over is not its own any more.
    let other = make(&mut image, wal, "1.tmp", New::File);
    image.rename((wal, name("1.tmp")), (wal, name("0.wal")), Renaming::Replace, NOW).unwrap();
    assert_eq!(path(&image, other), "old/wal/0.wal");
    assert_eq!(path(&image, log), "second (deleted)");
    image.rename((wal, name("0.wal")), (ROOT, name("b")), Renaming::Replace, NOW).unwrap();
    let exchanged = make(&mut image, wal, "a", New::File);
    image.rename((wal, name("a")), (ROOT, name("b")), Renaming::Exchange, NOW).unwrap();
    assert_eq!([path(&image, exchanged), path(&image, other)], ["b", "old/wal/a"]);
    // A power failure brings old names back.
    crash(&mut image);
    assert_eq!(path(&image, log), "member/wal/0.tmp");
    assert_eq!(path(&image, member), "member");
    assert_eq!(image.path(other), Err(Refusal::NotFound));
}

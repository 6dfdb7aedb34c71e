//! Random histories against plain words of what must hold of every power failure.
//!
//! The other side of the comparison is as simple as can be: copies of the whole tree as it was when
//! it was synced.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::SystemTime;

use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::{Attributes, Image, InodeNumber, Kind, New, ROOT, Range, Renaming};
use crate::fault::PowerCut;

const NOW: SystemTime = SystemTime::UNIX_EPOCH;
const OWNER: Attributes = Attributes { mode: 0o644, uid: 1, gid: 1 };

/// Everything there is, by path; a directory holds nothing.
type Tree = BTreeMap<String, Vec<u8>>;

fn tree(image: &Image) -> Tree {
    let mut tree = Tree::new();
    for (path, inode, kind) in image.paths() {
        let content = match kind {
            Kind::File => image.read(inode, 0, u64::MAX).unwrap(),
            _ => Vec::new(),
        };
        tree.insert(path.to_string_lossy().into_owned(), content);
    }
    tree
}

/// Links, space and parents add up.
fn check_accounts(image: &Image) {
    let mut names: BTreeMap<InodeNumber, u32> = BTreeMap::from([(ROOT, 2)]);
    let mut pages = BTreeMap::new();
    let mut directories = vec![ROOT];
    while let Some(directory) = directories.pop() {
        for entry in image.list(directory, 0).unwrap() {
            if entry.kind == Kind::Directory {
                *names.entry(directory).or_default() += 1;
                names.insert(entry.inode, names.get(&entry.inode).copied().unwrap_or(0) + 2);
                assert_eq!(image.parent(entry.inode), Ok(directory));
                directories.push(entry.inode);
            } else {
                *names.entry(entry.inode).or_default() += 1;
                pages.insert(entry.inode, image.status(entry.inode).unwrap().allocated);
            }
        }
    }
    for (inode, links) in names {
        assert_eq!(image.status(inode).unwrap().links, links, "inode {inode}");
    }
    assert_eq!(image.space().used, pages.values().sum::<u64>());
}

/// Does something, which may be refused.
fn step(image: &mut Image, random: &mut ChaCha8Rng) {
    let name = |random: &mut ChaCha8Rng| OsString::from(format!("f{}", random.random_range(0..5)));
    let paths = image.paths().into_iter();
    let directories = paths.filter(|(_, _, kind)| *kind == Kind::Directory);
    let directories: Vec<_> = directories.map(|(_, inode, _)| inode).chain([ROOT]).collect();
    let directory =
        |random: &mut ChaCha8Rng| directories[random.random_range(0..directories.len())];
    let (from, to) = (directory(random), directory(random));
    let (old, new) = (name(random), name(random));
    let number = image.lookup(from, &old).map_or(0, |status| status.inode);
    let (offset, length) = (random.random_range(0..12_000), random.random_range(0..9_000));
    // Refusals are as good as anything: then nothing may change.
    let _ = match random.random_range(0..14) {
        0 | 1 => image.create(from, &old, New::File, OWNER, NOW).map(|_| ()),
        2 => image.create(from, &old, New::Directory, OWNER, NOW).map(|_| ()),
        3 => image.link(number, to, &new, NOW).map(|_| ()),
        4 => image.unlink(from, &old, NOW),
        5 => image.remove_directory(from, &old, NOW),
        6 => image.rename((from, &old), (to, &new), Renaming::Replace, NOW),
        7 => image.rename((from, &old), (to, &new), Renaming::Exchange, NOW),
        8 => image.set_size(number, offset, NOW),
        9 => {
            let ranges = [Range::Allocate, Range::Punch, Range::Zero, Range::ZeroKeepingSize];
            image.set_range(number, offset, length, ranges[random.random_range(0..4)], NOW)
        }
        _ => {
            let byte = random.random();
            image.write(number, offset, vec![byte; length as usize].into(), NOW)
        }
    };
}

fn crash(image: &Image, keep_percent: f64, seed: u64) -> Image {
    let mut crashed = image.clone();
    let cut = PowerCut { keep_percent, sector: 512 };
    crashed.crash(&cut, &mut ChaCha8Rng::seed_from_u64(seed));
    check_accounts(&crashed);
    crashed
}

#[test]
fn every_power_failure_keeps_what_was_synced_and_invents_nothing() {
    for seed in 0..150 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut image = Image::new(1 << 30, 1, 1, NOW);
        for _ in 0..random.random_range(1..120) {
            match random.random_range(0..30) {
                0 => {
                    image.sync_all();
                    assert_eq!(tree(&crash(&image, 0.0, seed)), tree(&image), "seed {seed}");
                }
                1 => {
                    let kept = crash(&image, 100.0, seed);
                    assert_eq!(tree(&kept), tree(&image), "seed {seed}: everything may survive");
                    // Life goes on with what a power failure leaves.
                    image = crash(&image, 50.0, seed);
                }
                _ => step(&mut image, &mut random),
            }
            check_accounts(&image);
        }
        // No matter what survives and how often the power fails again, it is the same then.
        let once = crash(&image, 50.0, seed);
        assert_eq!(tree(&crash(&once, 0.0, seed)), tree(&once));
        // Nothing happened since the last sync of everything: all of it is there.
        image.sync_all();
        let last = tree(&image);
        for keep_percent in [0.0, 50.0, 100.0] {
            assert_eq!(tree(&crash(&image, keep_percent, seed)), last);
        }
    }
}

/// An independent account of one file: what a synced byte may be after a crash is what it was when
/// it was synced, or what was written to it since.
#[test]
fn each_sector_is_as_it_was_synced_or_as_it_was_written_since() {
    const SECTOR: usize = 512;
    const SECTORS: usize = 20;
    for seed in 0..300 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut image = Image::new(1 << 30, 1, 1, NOW);
        let file = image.create(ROOT, "f".as_ref(), New::File, OWNER, NOW).unwrap().inode;
        image.write(file, 0, vec![0; SECTOR * SECTORS].into(), NOW).unwrap();
        image.sync(file).unwrap();
        // For each sector, the bytes that it may hold.
        let mut possible = vec![vec![0_u8]; SECTORS];
        for version in 1..random.random_range(2..40_u8) {
            let start = random.random_range(0..SECTORS);
            let length = random.random_range(1..=SECTORS - start);
            let bytes = vec![version; SECTOR * length];
            image.write(file, (SECTOR * start) as u64, bytes.into(), NOW).unwrap();
            possible[start..start + length].iter_mut().for_each(|bytes| bytes.push(version));
            if random.random_bool(0.1) {
                image.sync(file).unwrap();
                // The last write to each is what it holds from now on.
                for bytes in &mut possible {
                    bytes.drain(..bytes.len() - 1);
                }
            }
        }
        for keep_percent in [0.0, 50.0, 100.0] {
            let crashed = crash(&image, keep_percent, seed);
            let content = crashed.read(file, 0, u64::MAX).unwrap();
            for (sector, possible) in content.chunks(SECTOR).zip(&possible) {
                assert!(sector.iter().all(|byte| *byte == sector[0]), "a sector is never torn");
                assert!(possible.contains(&sector[0]), "seed {seed}");
                match keep_percent {
                    0.0 => assert_eq!(sector[0], possible[0], "seed {seed}"),
                    100.0 => assert_eq!(Some(&sector[0]), possible.last(), "seed {seed}"),
                    _ => {}
                }
            }
        }
    }
}

/// The same of a disk that fails now and then: a page that could not be written holds, after a
/// crash, what it held before, until something is written to it again.
#[test]
fn what_a_failed_sync_was_to_write_survives_nothing_until_it_is_written_again() {
    const PAGE: usize = 4096;
    const PAGES: usize = 6;
    for seed in 0..300 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut image = Image::new(1 << 30, 1, 1, NOW);
        let file = image.create(ROOT, "f".as_ref(), New::File, OWNER, NOW).unwrap().inode;
        image.write(file, 0, vec![0; PAGE * PAGES].into(), NOW).unwrap();
        image.sync(file).unwrap();
        // For each page, the bytes that it may hold on the disk, and the one that is read.
        let mut possible = vec![vec![0_u8]; PAGES];
        let mut is_read = [0_u8; PAGES];
        for version in 1..random.random_range(2..40_u8) {
            let start = random.random_range(0..PAGES);
            let length = random.random_range(1..=PAGES - start);
            let bytes = vec![version; PAGE * length];
            image.write(file, (PAGE * start) as u64, bytes.into(), NOW).unwrap();
            possible[start..start + length].iter_mut().for_each(|bytes| bytes.push(version));
            is_read[start..start + length].fill(version);
            match random.random_range(0..6) {
                0 => {
                    image.sync(file).unwrap();
                    possible.iter_mut().for_each(|bytes| drop(bytes.drain(..bytes.len() - 1)));
                }
                1 => {
                    image.fail_sync(file);
                    possible.iter_mut().for_each(|bytes| bytes.truncate(1));
                }
                _ => {}
            }
            let content = image.read(file, 0, u64::MAX).unwrap();
            assert!(content.chunks(PAGE).zip(is_read).all(|(page, byte)| page[0] == byte));
        }
        for keep_percent in [0.0, 50.0, 100.0] {
            let mut crashed = image.clone();
            let cut = PowerCut { keep_percent, sector: PAGE as u32 };
            crashed.crash(&cut, &mut ChaCha8Rng::seed_from_u64(seed));
            check_accounts(&crashed);
            let content = crashed.read(file, 0, u64::MAX).unwrap();
            for (page, possible) in content.chunks(PAGE).zip(&possible) {
                match keep_percent {
                    0.0 => assert_eq!(page[0], possible[0], "seed {seed}"),
                    100.0 => assert_eq!(Some(&page[0]), possible.last(), "seed {seed}"),
                    _ => assert!(possible.contains(&page[0]), "seed {seed}"),
                }
            }
        }
    }
}

#[test]
fn the_same_seed_loses_the_same() {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let mut image = Image::new(1 << 30, 1, 1, NOW);
    for _ in 0..200 {
        step(&mut image, &mut random);
    }
    assert_eq!(tree(&crash(&image, 50.0, 8)), tree(&crash(&image, 50.0, 8)));
    let different = (0..20)
        .filter(|seed| tree(&crash(&image, 50.0, *seed)) != tree(&crash(&image, 50.0, *seed + 1)));
    assert!(different.count() > 0);
}

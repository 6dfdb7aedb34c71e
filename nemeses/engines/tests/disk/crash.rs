//! The content that a power failure leaves, of the engine's disk and of real file systems.
//!
//! Each scenario runs on the engine, from which all that it may leave is collected, and on real
//! ext4 and XFS where root allows. What those leave must be among it, and what a scenario promises
//! must hold in all of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt, symlink};
use std::path::Path;

use faults::disk_image::{Image, Kind};
use faults::fault::PowerCut;
use nix::fcntl::{AT_FDCWD, FallocateFlags, RenameFlags, fallocate, renameat2};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use stormproof_engines::disk::{Disk, LoopDisk, RealFileSystem};

use crate::support::{Scratch, disk, own_mounts, skip};

/// Everything there is, by path: what a file holds, where a link leads, `/` for a directory.
type Tree = BTreeMap<String, String>;

/// Something that a process does before the power fails.
struct Scenario {
    name: &'static str,
    /// Done before, and wholly synced.
    setup: fn(&Path) -> io::Result<()>,
    act: fn(&Path) -> io::Result<()>,
    /// The content that must be there afterwards, and that which must not.
    promised: &'static [(&'static str, Option<&'static str>)],
}

fn write(path: impl AsRef<Path>, text: &str) -> io::Result<()> {
    fs::write(path, text)
}

fn append(path: impl AsRef<Path>, text: &str) -> io::Result<File> {
    let mut file = OpenOptions::new().append(true).open(path)?;
    file.write_all(text.as_bytes())?;
    Ok(file)
}

fn sync(path: impl AsRef<Path>) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn nothing(_: &Path) -> io::Result<()> {
    Ok(())
}

fn file_a(dir: &Path) -> io::Result<()> {
    write(dir.join("a"), "old")
}

const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "create and write",
        setup: nothing,
        act: |dir| write(dir.join("a"), "new"),
        promised: &[],
    },
    Scenario {
        name: "create, write and fsync",
        setup: nothing,
        act: |dir| {
            write(dir.join("a"), "new")?;
            sync(dir.join("a"))
        },
        promised: &[("a", Some("new"))],
    },
    Scenario {
        name: "create, write and fsync only the directory",
        setup: nothing,
        act: |dir| {
            write(dir.join("a"), "new")?;
            sync(dir)
        },
        promised: &[],
    },
    Scenario {
        name: "rename over without fsync",
        setup: file_a,
        act: |dir| {
            write(dir.join("b"), "new")?;
            fs::rename(dir.join("b"), dir.join("a"))
        },
        promised: &[],
    },
    Scenario {
        // ext4 begins to write the file when it is renamed over another one, and leaves all of it,
        // or zeros if the power fails before the end; XFS leaves it empty.
        name: "rename over with fsync of the directory alone",
        setup: file_a,
        act: |dir| {
            write(dir.join("b"), "new")?;
            fs::rename(dir.join("b"), dir.join("a"))?;
            sync(dir)
        },
        promised: &[("b", None)],
    },
    Scenario {
        name: "rename over with fsync of the file before",
        setup: file_a,
        act: |dir| {
            write(dir.join("b"), "new")?;
            sync(dir.join("b"))?;
            fs::rename(dir.join("b"), dir.join("a"))
        },
        promised: &[],
    },
    Scenario {
        name: "rename over with fsync of the file and the directory",
        setup: file_a,
        act: |dir| {
            write(dir.join("b"), "new")?;
            sync(dir.join("b"))?;
            fs::rename(dir.join("b"), dir.join("a"))?;
            sync(dir)
        },
        promised: &[("a", Some("new")), ("b", None)],
    },
    Scenario {
        name: "append without fsync",
        setup: file_a,
        act: |dir| append(dir.join("a"), " new").map(|_| ()),
        promised: &[],
    },
    Scenario {
        name: "append, fdatasync, append",
        setup: file_a,
        act: |dir| {
            append(dir.join("a"), " new")?.sync_data()?;
            append(dir.join("a"), "er").map(|_| ())
        },
        promised: &[],
    },
    Scenario {
        name: "append with fdatasync",
        setup: file_a,
        act: |dir| append(dir.join("a"), " new")?.sync_data(),
        promised: &[("a", Some("old new"))],
    },
    Scenario {
        name: "append with O_DSYNC",
        setup: file_a,
        act: |dir| {
            let mut options = OpenOptions::new();
            options.append(true).custom_flags(libc::O_DSYNC);
            options.open(dir.join("a"))?.write_all(b" new")
        },
        promised: &[("a", Some("old new"))],
    },
    Scenario {
        name: "overwrite in place without fsync",
        setup: file_a,
        act: |dir| OpenOptions::new().write(true).open(dir.join("a"))?.write_all_at(b"new", 0),
        promised: &[],
    },
    Scenario {
        name: "overwrite in place with fsync",
        setup: file_a,
        act: |dir| {
            let file = OpenOptions::new().write(true).open(dir.join("a"))?;
            file.write_all_at(b"new", 0)?;
            file.sync_data()
        },
        promised: &[("a", Some("new"))],
    },
    Scenario {
        name: "truncate and rewrite without fsync",
        setup: file_a,
        act: |dir| write(dir.join("a"), "newer"),
        promised: &[],
    },
    Scenario {
        name: "truncate without fsync",
        setup: file_a,
        act: |dir| OpenOptions::new().write(true).open(dir.join("a"))?.set_len(1),
        promised: &[],
    },
    Scenario {
        name: "truncate, then fsync another file",
        setup: |dir| {
            file_a(dir)?;
            write(dir.join("b"), "old")
        },
        act: |dir| {
            OpenOptions::new().write(true).open(dir.join("a"))?.set_len(1)?;
            append(dir.join("b"), " new")?.sync_all()
        },
        promised: &[("a", Some("o")), ("b", Some("old new"))],
    },
    Scenario {
        name: "unlink",
        setup: file_a,
        act: |dir| fs::remove_file(dir.join("a")),
        promised: &[],
    },
    Scenario {
        name: "unlink with fsync of the directory",
        setup: file_a,
        act: |dir| {
            fs::remove_file(dir.join("a"))?;
            sync(dir)
        },
        promised: &[("a", None)],
    },
    Scenario {
        name: "make a directory and fsync its parent",
        setup: nothing,
        act: |dir| {
            fs::create_dir(dir.join("in"))?;
            sync(dir)
        },
        promised: &[("in", Some("/"))],
    },
    Scenario {
        name: "make a directory and fsync a file in it",
        setup: nothing,
        act: |dir| {
            fs::create_dir(dir.join("in"))?;
            write(dir.join("in/a"), "new")?;
            sync(dir.join("in/a"))
        },
        promised: &[("in", Some("/")), ("in/a", Some("new"))],
    },
    Scenario {
        name: "make two files and fsync the second",
        setup: nothing,
        act: |dir| {
            write(dir.join("a"), "new")?;
            write(dir.join("b"), "new")?;
            sync(dir.join("b"))
        },
        promised: &[("b", Some("new"))],
    },
    Scenario {
        name: "rename, then fsync another file",
        setup: |dir| {
            file_a(dir)?;
            write(dir.join("other"), "old")
        },
        act: |dir| {
            fs::rename(dir.join("a"), dir.join("b"))?;
            append(dir.join("other"), " new")?.sync_all()
        },
        promised: &[("a", None), ("b", Some("old")), ("other", Some("old new"))],
    },
    Scenario {
        name: "hard link",
        setup: file_a,
        act: |dir| fs::hard_link(dir.join("a"), dir.join("b")),
        promised: &[("a", Some("old"))],
    },
    Scenario {
        name: "hard link with fsync of the file",
        setup: file_a,
        act: |dir| {
            fs::hard_link(dir.join("a"), dir.join("b"))?;
            append(dir.join("b"), " new")?.sync_all()
        },
        promised: &[("a", Some("old new")), ("b", Some("old new"))],
    },
    Scenario {
        name: "exchange with fsync of the directory",
        setup: |dir| {
            file_a(dir)?;
            write(dir.join("b"), "other")
        },
        act: |dir| {
            let (a, b) = (dir.join("a"), dir.join("b"));
            renameat2(AT_FDCWD, &a, AT_FDCWD, &b, RenameFlags::RENAME_EXCHANGE)?;
            sync(dir)
        },
        promised: &[("a", Some("other")), ("b", Some("old"))],
    },
    Scenario {
        name: "symbolic link with fsync of the directory",
        setup: nothing,
        act: |dir| {
            symlink("nowhere", dir.join("a"))?;
            sync(dir)
        },
        promised: &[("a", Some("-> nowhere"))],
    },
    Scenario {
        name: "allocate without fsync",
        setup: file_a,
        act: |dir| {
            let file = OpenOptions::new().write(true).open(dir.join("a"))?;
            fallocate(&file, FallocateFlags::empty(), 0, 8)?;
            file.write_all_at(b"new", 5)
        },
        promised: &[],
    },
    Scenario {
        name: "allocate, write and fsync",
        setup: file_a,
        act: |dir| {
            let file = OpenOptions::new().write(true).open(dir.join("a"))?;
            fallocate(&file, FallocateFlags::empty(), 0, 8)?;
            file.write_all_at(b"new", 5)?;
            file.sync_data()
        },
        promised: &[("a", Some("old\0\0new"))],
    },
];

/// So that a setup is wholly durable: everything in it synced, then the directory above.
fn settle(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            settle(&path)?;
        } else {
            sync(&path)?;
        }
    }
    sync(dir)
}

fn tree_of(dir: &Path) -> Tree {
    fn add(dir: &Path, prefix: &str, tree: &mut Tree) {
        for entry in fs::read_dir(dir).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                tree.insert(name.clone(), "/".to_owned());
                add(&entry.path(), &format!("{name}/"), tree);
            } else if kind.is_symlink() {
                let leads_to = fs::read_link(entry.path()).unwrap();
                tree.insert(name, format!("-> {}", leads_to.display()));
            } else {
                tree.insert(name, fs::read_to_string(entry.path()).unwrap());
            }
        }
    }
    let mut tree = Tree::new();
    add(dir, "", &mut tree);
    tree
}

fn tree_of_image(image: &Image) -> Tree {
    let of = |(path, inode, kind): (std::path::PathBuf, u64, Kind)| {
        let what = match kind {
            Kind::Directory => "/".to_owned(),
            Kind::Symlink => format!("-> {}", image.target(inode).unwrap().to_string_lossy()),
            _ => String::from_utf8(image.read(inode, 0, u64::MAX).unwrap()).unwrap(),
        };
        (path.to_string_lossy().into_owned(), what)
    };
    image.paths().into_iter().map(of).collect()
}

fn check_promise(scenario: &Scenario, left: &Tree, where_: &str) {
    for (path, wanted) in scenario.promised {
        let found = left.get(*path).map(String::as_str);
        assert_eq!(found, *wanted, "{}: {path} on {where_}: {left:?}", scenario.name);
    }
}

/// All that the engine may leave of a scenario, and what it leaves when it loses all it may.
fn run_on_engine(scenario: &Scenario, disk: &mut Disk) -> (BTreeSet<Tree>, Tree) {
    (scenario.setup)(disk.path()).unwrap();
    settle(disk.path()).unwrap();
    (scenario.act)(disk.path()).unwrap();
    disk.power_off();
    let mut outcomes = BTreeSet::new();
    for seed in 0..200 {
        for keep_percent in [0.0, 50.0, 100.0] {
            let mut image = disk.snapshot();
            let cut = PowerCut { keep_percent, sector: 512 };
            image.crash(&cut, &mut ChaCha8Rng::seed_from_u64(seed));
            let left = tree_of_image(&image);
            check_promise(scenario, &left, "the engine");
            outcomes.insert(left);
        }
    }
    disk.crash(&PowerCut { keep_percent: 0.0, sector: 512 }, 0);
    disk.power_on().unwrap();
    let least = tree_of(disk.path());
    assert!(outcomes.contains(&least), "{}: the mount shows something else", scenario.name);
    (outcomes, least)
}

#[test]
fn the_engine_keeps_what_was_promised_and_covers_what_real_file_systems_leave() {
    if !own_mounts() {
        return;
    }
    let mut covered = Vec::new();
    for scenario in SCENARIOS {
        let Some((_scratch, mut disk)) = disk("crash") else { return };
        covered.push(run_on_engine(scenario, &mut disk));
    }
    for kind in RealFileSystem::ALL {
        let scratch = Scratch::new(kind.name());
        let path = scratch.path().join("mount");
        let mut real = match LoopDisk::create(kind, &scratch.path().join("image"), &path) {
            Ok(real) => real,
            Err(error) => {
                skip(&format!("comparison with {}: {error}", kind.name()));
                continue;
            }
        };
        let mut same = 0;
        for (number, (scenario, (outcomes, least))) in SCENARIOS.iter().zip(&covered).enumerate() {
            let dir = path.join(format!("scenario-{number}"));
            fs::create_dir(&dir).unwrap();
            sync(&path).unwrap();
            (scenario.setup)(&dir).unwrap();
            settle(&dir).unwrap();
            (scenario.act)(&dir).unwrap();
            real.power_off().unwrap();
            real.power_on().unwrap();
            let left = tree_of(&dir);
            check_promise(scenario, &left, kind.name());
            assert!(
                outcomes.contains(&left),
                "{}: {} leaves {left:?}, the engine only {outcomes:?}",
                scenario.name,
                kind.name(),
            );
            if left == *least {
                same += 1;
            } else {
                eprintln!("{}: {} leaves {left:?}, not {least:?}", scenario.name, kind.name());
            }
        }
        eprintln!(
            "{}: in {same} of {} scenarios it leaves just what the engine leaves at the least",
            kind.name(),
            SCENARIOS.len(),
        );
    }
}

//! The behaviour on which programs rely: each check gives the same answer on our mount and on the
//! machine's own file system.

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use nix::fcntl::{AT_FDCWD, FallocateFlags, Flock, FlockArg, RenameFlags, fallocate, renameat2};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::support::{Scratch, disk, skip};

/// The observation of a check, or the number of the error that it met.
type Answer = Result<String, Option<i32>>;

fn saw(value: impl Debug) -> io::Result<String> {
    Ok(format!("{value:?}"))
}

fn text(path: &Path) -> io::Result<String> {
    let text = fs::read_to_string(path)?;
    if text.len() <= 64 { saw(text) } else { saw(text.len()) }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

fn names(path: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        names.push(format!("{:?} {:?}", entry.file_name(), entry.file_type()?));
    }
    names.sort();
    Ok(names)
}

fn rename_with(flags: RenameFlags, from: &Path, to: &Path) -> io::Result<()> {
    Ok(renameat2(AT_FDCWD, from, AT_FDCWD, to, flags)?)
}

fn lock(dir: &Path, how: FlockArg) -> io::Result<Flock<File>> {
    Flock::lock(open(&dir.join("a"))?, how).map_err(|(_, errno)| errno.into())
}

/// Does something in an empty directory of its own and tells what it saw.
type Check = fn(&Path) -> io::Result<String>;

const CHECKS: &[(&str, Check)] = &[
    ("write and read", |dir| {
        fs::write(dir.join("a"), "storm")?;
        text(&dir.join("a"))
    }),
    ("a missing file", |dir| text(&dir.join("a"))),
    ("create new twice", |dir| {
        let path = dir.join("a");
        OpenOptions::new().write(true).create_new(true).open(&path)?;
        saw(OpenOptions::new().write(true).create_new(true).open(&path)?.metadata()?.len())
    }),
    ("append through two descriptors", |dir| {
        let path = dir.join("a");
        let append = || OpenOptions::new().append(true).create(true).open(&path);
        let (mut one, mut other) = (append()?, append()?);
        one.write_all(b"1")?;
        other.write_all(b"2")?;
        one.write_all(b"3")?;
        text(&path)
    }),
    ("a hole", |dir| {
        let file = open(&dir.join("a"))?;
        file.write_all_at(b"end", 100_000)?;
        let mut start = [1; 8];
        file.read_exact_at(&mut start, 50_000)?;
        saw((start, file.metadata()?.len(), file.metadata()?.blocks() <= 16))
    }),
    ("read behind the end", |dir| {
        let file = open(&dir.join("a"))?;
        file.write_all_at(b"x", 0)?;
        saw(file.read_at(&mut [0; 4], 5)?)
    }),
    ("seek from the end", |dir| {
        let mut file = open(&dir.join("a"))?;
        file.write_all(b"0123456789")?;
        file.seek(SeekFrom::End(-3))?;
        let mut rest = String::new();
        file.read_to_string(&mut rest)?;
        saw(rest)
    }),
    ("truncate and grow", |dir| {
        let file = open(&dir.join("a"))?;
        file.write_all_at(&[b'x'; 9000], 0)?;
        file.set_len(3)?;
        file.set_len(8)?;
        text(&dir.join("a"))
    }),
    ("open and truncate", |dir| {
        fs::write(dir.join("a"), "long content")?;
        fs::write(dir.join("a"), "short")?;
        text(&dir.join("a"))
    }),
    ("a large file", |dir| {
        let content: Vec<u8> = (0..5_000_000_u32).map(|byte| (byte % 251) as u8).collect();
        fs::write(dir.join("a"), &content)?;
        saw(fs::read(dir.join("a"))? == content)
    }),
    ("rename over", |dir| {
        fs::write(dir.join("a"), "new")?;
        fs::write(dir.join("b"), "old")?;
        fs::rename(dir.join("a"), dir.join("b"))?;
        saw((names(dir)?, text(&dir.join("b"))?))
    }),
    ("rename over an open file", |dir| {
        fs::write(dir.join("a"), "new")?;
        fs::write(dir.join("b"), "old")?;
        let mut old = File::open(dir.join("b"))?;
        fs::rename(dir.join("a"), dir.join("b"))?;
        let mut content = String::new();
        old.read_to_string(&mut content)?;
        saw((content, old.metadata()?.nlink()))
    }),
    ("rename without replacing", |dir| {
        fs::write(dir.join("a"), "a")?;
        fs::write(dir.join("b"), "b")?;
        saw(rename_with(RenameFlags::RENAME_NOREPLACE, &dir.join("a"), &dir.join("b"))?)
    }),
    ("exchange", |dir| {
        fs::write(dir.join("a"), "a")?;
        fs::create_dir(dir.join("b"))?;
        fs::write(dir.join("b/c"), "c")?;
        rename_with(RenameFlags::RENAME_EXCHANGE, &dir.join("a"), &dir.join("b"))?;
        saw((text(&dir.join("b"))?, text(&dir.join("a/c"))?))
    }),
    ("exchange with nothing", |dir| {
        fs::write(dir.join("a"), "a")?;
        saw(rename_with(RenameFlags::RENAME_EXCHANGE, &dir.join("a"), &dir.join("b"))?)
    }),
    ("rename a directory over an empty one", |dir| {
        fs::create_dir_all(dir.join("a/in"))?;
        fs::create_dir(dir.join("b"))?;
        fs::rename(dir.join("a"), dir.join("b"))?;
        saw((names(dir)?, names(&dir.join("b"))?, fs::metadata(dir)?.nlink()))
    }),
    ("rename a directory over a full one", |dir| {
        fs::create_dir_all(dir.join("a"))?;
        fs::create_dir_all(dir.join("b/in"))?;
        saw(fs::rename(dir.join("a"), dir.join("b"))?)
    }),
    ("rename a directory into itself", |dir| {
        fs::create_dir_all(dir.join("a/b"))?;
        saw(fs::rename(dir.join("a"), dir.join("a/b/c"))?)
    }),
    ("rename a file over a directory", |dir| {
        fs::write(dir.join("a"), "a")?;
        fs::create_dir(dir.join("b"))?;
        saw(fs::rename(dir.join("a"), dir.join("b"))?)
    }),
    ("rename a directory over a file", |dir| {
        fs::create_dir(dir.join("a"))?;
        fs::write(dir.join("b"), "b")?;
        saw(fs::rename(dir.join("a"), dir.join("b"))?)
    }),
    ("move a directory", |dir| {
        fs::create_dir_all(dir.join("a/in"))?;
        fs::create_dir(dir.join("b"))?;
        fs::rename(dir.join("a/in"), dir.join("b/in"))?;
        let links = |name: &str| fs::metadata(dir.join(name)).map(|found| found.nlink());
        saw((links("a")?, links("b")?, fs::canonicalize(dir.join("b/in/.."))?.ends_with("b")))
    }),
    ("rename one link over the other", |dir| {
        fs::write(dir.join("a"), "a")?;
        fs::hard_link(dir.join("a"), dir.join("b"))?;
        fs::rename(dir.join("a"), dir.join("b"))?;
        saw(names(dir)?)
    }),
    ("hard links", |dir| {
        fs::write(dir.join("a"), "a")?;
        fs::hard_link(dir.join("a"), dir.join("b"))?;
        fs::write(dir.join("b"), "both")?;
        let before = fs::metadata(dir.join("a"))?.nlink();
        fs::remove_file(dir.join("b"))?;
        saw((before, fs::metadata(dir.join("a"))?.nlink(), text(&dir.join("a"))?))
    }),
    ("link to a directory", |dir| {
        fs::create_dir(dir.join("a"))?;
        saw(fs::hard_link(dir.join("a"), dir.join("b"))?)
    }),
    ("unlink an open file", |dir| {
        let mut file = open(&dir.join("a"))?;
        fs::remove_file(dir.join("a"))?;
        file.write_all(b"still here")?;
        let mut content = [0; 5];
        file.read_exact_at(&mut content, 0)?;
        file.sync_all()?;
        saw((content, file.metadata()?.nlink(), names(dir)?))
    }),
    ("unlink a directory", |dir| {
        fs::create_dir(dir.join("a"))?;
        saw(fs::remove_file(dir.join("a"))?)
    }),
    ("remove a file as a directory", |dir| {
        fs::write(dir.join("a"), "a")?;
        saw(fs::remove_dir(dir.join("a"))?)
    }),
    ("remove a full directory", |dir| {
        fs::create_dir_all(dir.join("a/b"))?;
        saw(fs::remove_dir(dir.join("a"))?)
    }),
    ("remove an empty directory", |dir| {
        fs::create_dir_all(dir.join("a/b"))?;
        fs::remove_dir(dir.join("a/b"))?;
        saw((names(&dir.join("a"))?, fs::metadata(dir.join("a"))?.nlink()))
    }),
    ("make a directory twice", |dir| {
        fs::create_dir(dir.join("a"))?;
        saw(fs::create_dir(dir.join("a"))?)
    }),
    ("list many names while deleting", |dir| {
        for number in 0..1500 {
            File::create(dir.join(format!("file-{number:05}")))?;
        }
        let mut seen = 0;
        for entry in fs::read_dir(dir)? {
            fs::remove_file(entry?.path())?;
            seen += 1;
        }
        saw((seen, names(dir)?))
    }),
    ("a long name", |dir| saw(File::create(dir.join("n".repeat(256)))?.metadata()?.len())),
    ("symbolic links", |dir| {
        fs::write(dir.join("a"), "a")?;
        symlink("a", dir.join("b"))?;
        symlink("nowhere", dir.join("c"))?;
        let lost = text(&dir.join("c")).map_err(|error| error.raw_os_error());
        saw((text(&dir.join("b"))?, fs::read_link(dir.join("c"))?, lost, names(dir)?))
    }),
    ("permissions", |dir| {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o640).open(dir.join("a"))?;
        let made = fs::metadata(dir.join("a"))?.permissions().mode();
        fs::set_permissions(dir.join("a"), Permissions::from_mode(0o4711))?;
        saw((made, fs::metadata(dir.join("a"))?.permissions().mode()))
    }),
    ("a pipe", |dir| {
        mkfifo(&dir.join("a"), Mode::S_IRWXU)?;
        saw(names(dir)?)
    }),
    ("a socket", |dir| {
        let _listener = std::os::unix::net::UnixListener::bind(dir.join("a"))?;
        std::os::unix::net::UnixStream::connect(dir.join("a"))?;
        saw(names(dir)?)
    }),
    ("allocate", |dir| {
        let file = open(&dir.join("a"))?;
        file.write_all_at(b"x", 0)?;
        fallocate(&file, FallocateFlags::empty(), 0, 1 << 20)?;
        let found = file.metadata()?;
        saw((found.len(), found.blocks() >= 2048))
    }),
    ("allocate behind the end", |dir| {
        let file = open(&dir.join("a"))?;
        fallocate(&file, FallocateFlags::FALLOC_FL_KEEP_SIZE, 0, 1 << 20)?;
        let found = file.metadata()?;
        saw((found.len(), found.blocks() >= 2048))
    }),
    ("punch a hole", |dir| {
        let file = open(&dir.join("a"))?;
        file.write_all_at(&[b'x'; 20_000], 0)?;
        let flags = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
        fallocate(&file, flags, 5_000, 10_000)?;
        let content = fs::read(dir.join("a"))?;
        saw((content.len(), content.iter().filter(|byte| **byte == b'x').count()))
    }),
    ("zero a range", |dir| {
        let file = open(&dir.join("a"))?;
        file.write_all_at(&[b'x'; 10_000], 0)?;
        fallocate(&file, FallocateFlags::FALLOC_FL_ZERO_RANGE, 5_000, 10_000)?;
        let content = fs::read(dir.join("a"))?;
        saw((content.len(), content.iter().filter(|byte| **byte == b'x').count()))
    }),
    ("lock a file twice", |dir| {
        let _held = lock(dir, FlockArg::LockExclusive)?;
        saw(lock(dir, FlockArg::LockExclusiveNonblock)?.metadata()?.len())
    }),
    ("lock again after release", |dir| {
        drop(lock(dir, FlockArg::LockExclusive)?);
        saw(lock(dir, FlockArg::LockExclusiveNonblock)?.metadata()?.len())
    }),
    ("synchronous writes", |dir| {
        for flag in [libc::O_SYNC, libc::O_DSYNC] {
            let mut options = OpenOptions::new();
            options.append(true).create(true).custom_flags(flag);
            options.open(dir.join("a"))?.write_all(b"synced ")?;
        }
        text(&dir.join("a"))
    }),
    ("write past the cache", |dir| {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.custom_flags(libc::O_DIRECT).open(dir.join("a"))?;
        // Real disks want whole blocks, in memory as in the file.
        let memory = vec![b'x'; 8192 + 4096];
        let start = memory.as_ptr().align_offset(4096);
        file.write_all_at(&memory[start..start + 8192], 4096)?;
        saw((file.metadata()?.len(), fs::read(dir.join("a"))?[4094..4098].to_vec()))
    }),
    ("sync a directory", |dir| {
        fs::write(dir.join("a"), "a")?;
        File::open(dir)?.sync_all()?;
        File::open(dir)?.sync_data()?;
        saw(names(dir)?)
    }),
    ("copy", |dir| {
        fs::write(dir.join("a"), [b'x'; 100_000])?;
        fs::copy(dir.join("a"), dir.join("b"))?;
        text(&dir.join("b"))
    }),
    ("times", |dir| {
        let file = open(&dir.join("a"))?;
        let time = std::time::UNIX_EPOCH + std::time::Duration::new(1_000_000, 5_000);
        file.set_modified(time)?;
        let before = file.metadata()?.modified()? == time;
        file.write_all_at(b"x", 0)?;
        saw((before, file.metadata()?.modified()? == time))
    }),
    ("write through a mapping", |dir| {
        let script = "import mmap, os, sys\n\
            file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)\n\
            os.ftruncate(file, 10000)\n\
            memory = mmap.mmap(file, 10000)\n\
            memory[5000:5005] = b'storm'\n\
            memory.flush()\n\
            os.pwrite(file, b'S', 5000)\n\
            print(memory[5000:5005], os.pread(file, 5, 5000))";
        let output = Command::new("python3").args(["-c", script]).arg(dir.join("a")).output()?;
        saw((String::from_utf8_lossy(&output.stdout), fs::read(dir.join("a"))?.len()))
    }),
];

fn answer(check: Check, place: &Path) -> Answer {
    fs::create_dir_all(place).unwrap();
    check(place).map_err(|error| error.raw_os_error())
}

#[test]
fn programs_find_what_they_find_on_other_file_systems() {
    let Some((_scratch, disk)) = disk("posix") else { return };
    let other = Scratch::new("other");
    let python = Command::new("python3").arg("--version").output().is_ok();
    let mut differences = Vec::new();
    for (number, (name, check)) in CHECKS.iter().enumerate() {
        if name.contains("mapping") && !python {
            skip("no python3, so nothing is written through a mapping");
            continue;
        }
        let place = format!("check-{number}");
        let ours = answer(*check, &disk.path().join(&place));
        let theirs = answer(*check, &other.path().join(&place));
        // A check that fails without an error of the system is wrong itself.
        assert_ne!(theirs, Err(None), "{name}");
        if ours != theirs {
            differences.push(format!("{name}: {ours:?} instead of {theirs:?}"));
        }
    }
    assert!(differences.is_empty(), "{differences:#?}");
}

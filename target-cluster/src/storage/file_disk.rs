//! The files of a node in a real directory.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::log_files::of_log;
use super::reclaimer::Reclaimer;
use super::watermark::Watermark;
use super::{Disk, Files};

/// A real directory.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    /// The files that are open, with the position at which the next byte is written.
    open: BTreeMap<String, (File, u64)>,
    /// Takes what is removed.
    reclaimer: Reclaimer,
}

impl Directory {
    /// The directory at that path, which is there.
    pub fn at(path: &Path) -> Directory {
        Directory { path: path.to_owned(), open: BTreeMap::new(), reclaimer: Reclaimer::default() }
    }

    /// The file, which is there, and its path.
    fn file(&mut self, name: &str) -> io::Result<(&mut (File, u64), PathBuf)> {
        let path = self.path.join(name);
        if !self.open.contains_key(name) {
            let mut options = OpenOptions::new();
            let file = options.read(true).write(true).open(&path);
            let file = file.map_err(context("opening", &path))?;
            let end = file.metadata().map_err(context("stat", &path))?.len();
            self.open.insert(name.to_string(), (file, end));
        }
        Ok((self.open.get_mut(name).expect("it is open"), path))
    }
}

impl Files for Directory {
    fn names(&mut self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(context("listing", &self.path))? {
            let entry = entry.map_err(context("listing", &self.path))?;
            // Others than these are none of ours.
            names.extend(entry.file_name().into_string().ok());
        }
        names.sort_unstable();
        Ok(names)
    }

    fn read(&mut self, name: &str) -> io::Result<Vec<u8>> {
        let path = self.path.join(name);
        let mut file = File::open(&path).map_err(context("opening", &path))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(context("read", &path))?;
        Ok(bytes)
    }

    fn create(&mut self, name: &str) -> io::Result<()> {
        let path = self.path.join(name);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true);
        let file = options.open(&path).map_err(context("creation", &path))?;
        self.open.insert(name.to_string(), (file, 0));
        Ok(())
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let ((file, end), path) = self.file(name)?;
        file.write_all_at(bytes, *end).map_err(context("write", &path))?;
        *end += bytes.len() as u64;
        Ok(())
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        let ((file, _), path) = self.file(name)?;
        file.sync_data().map_err(context("fsync", &path))
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let (old, new) = (self.path.join(from), self.path.join(to));
        fs::rename(old, &new).map_err(context("renaming to", &new))?;
        self.open.remove(to);
        if let Some(file) = self.open.remove(from) {
            self.open.insert(to.to_string(), file);
        }
        Ok(())
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        // While it is open it keeps its room. What cannot be opened is removed as well.
        let _ = self.file(name);
        let path = self.path.join(name);
        fs::remove_file(&path).map_err(context("removal", &path))?;
        if let Some((file, _)) = self.open.remove(name) {
            self.reclaimer.take(file);
        }
        Ok(())
    }

    fn sync_names(&mut self) -> io::Result<()> {
        sync_directory(&self.path)
    }
}

/// The directory of a node, locked against other processes, with the watermark of its log.
#[derive(Debug)]
pub struct FileDisk {
    directory: Directory,
    watermark: Watermark,
    /// The file of the watermark: it is held locked until it is closed, also by a process that is
    /// killed.
    _lock: File,
}

impl FileDisk {
    /// Opens the directory for a log of that name, and makes it if it is missing. Its name is made
    /// durable as well.
    ///
    /// # Errors
    /// [`ErrorKind::ResourceBusy`] when another process has opened it; otherwise what the file
    /// system says, with the operation and the path.
    pub fn open(directory: &Path, name: &str) -> io::Result<FileDisk> {
        make_durably(directory)?;
        let path = directory.join(format!("{name}.watermark"));
        let file = open(&path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let message =
                    format!("{} is in use by another process", directory.join(name).display());
                return Err(io::Error::new(ErrorKind::ResourceBusy, message));
            }
            Err(TryLockError::Error(error)) => return Err(context("lock", &path)(error)),
        }
        let lock = file.try_clone().map_err(context("opening", &path))?;
        let watermark = Watermark::open(file).map_err(context("read", &path))?;
        sync_directory(directory)?;
        let mut directory = Directory::at(directory);
        for (_, name) in of_log(&directory.names()?) {
            directory.file(&name)?;
        }
        Ok(FileDisk { directory, watermark, _lock: lock })
    }

    /// The number of bytes in the files of the log.
    pub fn length(&self) -> u64 {
        self.directory.open.values().map(|(_, end)| end).sum()
    }
}

impl Files for FileDisk {
    fn names(&mut self) -> io::Result<Vec<String>> {
        self.directory.names()
    }

    fn read(&mut self, name: &str) -> io::Result<Vec<u8>> {
        self.directory.read(name)
    }

    fn create(&mut self, name: &str) -> io::Result<()> {
        self.directory.create(name)
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.directory.append(name, bytes)
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        self.directory.sync(name)
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.directory.rename(from, to)
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.directory.remove(name)
    }

    fn sync_names(&mut self) -> io::Result<()> {
        self.directory.sync_names()
    }
}

impl Disk for FileDisk {
    fn rewrite(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let ((file, end), path) = self.directory.file(name)?;
        assert!(offset + bytes.len() as u64 <= *end, "what is written again is there");
        file.write_all_at(bytes, offset).map_err(context("write", &path))
    }

    fn truncate(&mut self, name: &str, length: u64) -> io::Result<()> {
        let ((file, end), path) = self.directory.file(name)?;
        file.set_len(length).map_err(context("truncation", &path))?;
        *end = length;
        file.sync_all().map_err(context("fsync", &path))
    }

    fn watermark(&mut self) -> io::Result<u64> {
        Ok(self.watermark.get())
    }

    fn set_watermark(&mut self, durable: u64) -> io::Result<()> {
        let path = &self.directory.path;
        self.watermark.set(durable).map_err(context("write of the watermark", path))
    }
}

/// Makes a directory and those above it that are missing. Each new name is durable once the
/// directory that holds it is synced.
fn make_durably(directory: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = directory.ancestors().take_while(|made| !made.exists()).collect();
    fs::create_dir_all(directory).map_err(context("creation", directory))?;
    for made in missing {
        if let Some(parent) = made.parent() {
            sync_directory(parent)?;
        }
    }
    Ok(())
}

/// Writes a whole file so that after a crash it is there with all its bytes, or not at all.
pub(super) fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = File::create(&new).map_err(context("creation", &new))?;
    file.write_all(bytes).map_err(context("write", &new))?;
    file.sync_all().map_err(context("fsync", &new))?;
    fs::rename(&new, path).map_err(context("renaming to", path))?;
    path.parent().map_or(Ok(()), sync_directory)
}

fn sync_directory(directory: &Path) -> io::Result<()> {
    // The parent of a relative name is the empty path.
    let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    let opened = File::open(directory).map_err(context("opening", directory))?;
    opened.sync_all().map_err(context("fsync", directory))
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options.open(path).map_err(context("opening", path))
}

/// Says in an error what was done to which file; the kernel does not.
fn context(operation: &str, path: &Path) -> impl FnOnce(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("{operation} of {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::LOG_FILE;

    /// A directory that is removed when the test is over.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Scratch {
            let name = format!("stormproof-disk-{name}-{}", std::process::id());
            Scratch(std::env::temp_dir().join(name))
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_file_is_read_appended_to_rewritten_and_cut_off() {
        let scratch = Scratch::new("whole");
        let directory = scratch.0.join("a/b");
        let mut disk = FileDisk::open(&directory, LOG_FILE).unwrap();
        disk.create(LOG_FILE).unwrap();
        assert_eq!(disk.read(LOG_FILE).unwrap(), b"");
        disk.append(LOG_FILE, b"one").unwrap();
        disk.append(LOG_FILE, b"two").unwrap();
        disk.rewrite(LOG_FILE, 0, b"one").unwrap();
        disk.sync(LOG_FILE).unwrap();
        drop(disk);
        let mut disk = FileDisk::open(&directory, LOG_FILE).unwrap();
        assert_eq!((disk.read(LOG_FILE).unwrap(), disk.length()), (b"onetwo".to_vec(), 6));
        disk.truncate(LOG_FILE, 4).unwrap();
        disk.append(LOG_FILE, b"hree").unwrap();
        drop(disk);
        let mut disk = FileDisk::open(&directory, LOG_FILE).unwrap();
        assert_eq!(disk.read(LOG_FILE).unwrap(), b"onethree");
    }

    #[test]
    fn a_file_that_is_renamed_is_written_to_under_its_new_name() {
        let scratch = Scratch::new("renamed");
        fs::create_dir_all(&scratch.0).unwrap();
        let mut files = Directory::at(&scratch.0);
        files.create("new").unwrap();
        files.append("new", b"one").unwrap();
        files.rename("new", "file").unwrap();
        files.append("file", b"two").unwrap();
        files.sync_names().unwrap();
        assert_eq!(files.read("file").unwrap(), b"onetwo");
        assert_eq!(files.names().unwrap(), ["file"]);
        files.remove("file").unwrap();
        assert!(files.append("file", b"three").is_err() && files.names().unwrap().is_empty());
    }

    #[test]
    fn a_file_that_is_open_already_is_refused() {
        let scratch = Scratch::new("locked");
        let first = FileDisk::open(&scratch.0, "log").unwrap();
        let error = FileDisk::open(&scratch.0, "log").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ResourceBusy);
        assert!(error.to_string().ends_with("log is in use by another process"), "{error}");
        drop(first);
        FileDisk::open(&scratch.0, "log").unwrap();
    }

    #[test]
    fn an_error_says_what_was_done_to_which_file() {
        let scratch = Scratch::new("error");
        fs::create_dir_all(scratch.0.join(LOG_FILE)).unwrap();
        let error = FileDisk::open(&scratch.0, LOG_FILE).unwrap_err().to_string();
        assert!(error.starts_with("opening of ") && error.contains("/raft.log: "), "{error}");
    }

    #[test]
    fn a_full_disk_fails_the_write() {
        let error = Directory::at(Path::new("/dev")).append("full", b"x").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StorageFull);
        assert!(error.to_string().starts_with("write of /dev/full: No space left"), "{error}");
    }

    #[test]
    fn the_watermark_is_kept_beside_the_file() {
        let scratch = Scratch::new("watermark");
        let mut disk = FileDisk::open(&scratch.0, "log").unwrap();
        assert_eq!(disk.watermark().unwrap(), 0);
        for durable in [5, 70_000, 70_001] {
            disk.set_watermark(durable).unwrap();
        }
        drop(disk);
        assert_eq!(FileDisk::open(&scratch.0, "log").unwrap().watermark().unwrap(), 70_001);
    }
}

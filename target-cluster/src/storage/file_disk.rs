//! A log in a real file.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::Disk;
use super::watermark::Watermark;

/// A real file, locked against other processes, and its watermark in a file beside it.
#[derive(Debug)]
pub struct FileDisk {
    file: File,
    path: PathBuf,
    /// The position at which the next byte is written.
    end: u64,
    watermark: Watermark,
}

impl FileDisk {
    /// Opens the file `name` in `directory`, and makes both if they are missing. The names are made
    /// durable as well: a file whose directory entry is lost in a power failure is lost (etcd#6368).
    ///
    /// # Errors
    /// [`ErrorKind::ResourceBusy`] when another process has opened it; otherwise what the file
    /// system says, with the operation and the path.
    pub fn open(directory: &Path, name: &str) -> io::Result<FileDisk> {
        make_durably(directory)?;
        let path = directory.join(name);
        let file = open(&path)?;
        // Held until the file is closed, also by a process that is killed.
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let message = format!("{} is in use by another process", path.display());
                return Err(io::Error::new(ErrorKind::ResourceBusy, message));
            }
            Err(TryLockError::Error(error)) => return Err(context("lock", &path)(error)),
        }
        let watermark = directory.join(format!("{name}.watermark"));
        let watermark = Watermark::open(open(&watermark)?).map_err(context("read", &watermark))?;
        sync_directory(directory)?;
        let end = file.metadata().map_err(context("stat", &path))?.len();
        Ok(FileDisk { file, path, end, watermark })
    }

    /// The number of bytes in the file.
    pub fn length(&self) -> u64 {
        self.end
    }
}

impl Disk for FileDisk {
    fn read(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.file.read_to_end(&mut bytes).map_err(context("read", &self.path))?;
        Ok(bytes)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, self.end).map_err(context("write", &self.path))?;
        self.end += bytes.len() as u64;
        Ok(())
    }

    fn rewrite(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        assert!(offset + bytes.len() as u64 <= self.end, "what is written again is there");
        self.file.write_all_at(bytes, offset).map_err(context("write", &self.path))
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data().map_err(context("fsync", &self.path))
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.file.set_len(length).map_err(context("truncation", &self.path))?;
        self.end = length;
        self.file.sync_all().map_err(context("fsync", &self.path))
    }

    fn watermark(&mut self) -> io::Result<u64> {
        Ok(self.watermark.get())
    }

    fn set_watermark(&mut self, durable: u64) -> io::Result<()> {
        self.watermark.set(durable).map_err(context("write of the watermark", &self.path))
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
        let mut disk = FileDisk::open(&directory, "log").unwrap();
        assert_eq!(disk.read().unwrap(), b"");
        disk.append(b"one").unwrap();
        disk.append(b"two").unwrap();
        disk.rewrite(0, b"one").unwrap();
        disk.sync().unwrap();
        drop(disk);
        let mut disk = FileDisk::open(&directory, "log").unwrap();
        assert_eq!(disk.read().unwrap(), b"onetwo");
        disk.truncate(4).unwrap();
        disk.append(b"hree").unwrap();
        drop(disk);
        let mut disk = FileDisk::open(&directory, "log").unwrap();
        assert_eq!(disk.read().unwrap(), b"onethree");
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
        fs::create_dir_all(scratch.0.join("log")).unwrap();
        let error = FileDisk::open(&scratch.0, "log").unwrap_err().to_string();
        assert!(error.starts_with("opening of ") && error.contains("/log: "), "{error}");
    }

    #[test]
    fn a_full_disk_fails_the_write() {
        let mut disk = FileDisk {
            file: OpenOptions::new().write(true).open("/dev/full").unwrap(),
            path: "/dev/full".into(),
            end: 0,
            watermark: Watermark::open(tempfile("full")).unwrap(),
        };
        let error = disk.append(b"x").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StorageFull);
        assert!(error.to_string().starts_with("write of /dev/full: No space left"), "{error}");
    }

    /// A file without a name.
    fn tempfile(name: &str) -> File {
        let path = std::env::temp_dir().join(format!("stormproof-{name}-{}", std::process::id()));
        let file = open(&path).unwrap();
        fs::remove_file(path).unwrap();
        file
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

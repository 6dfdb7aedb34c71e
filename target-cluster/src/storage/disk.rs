//! Where the bytes of a log go.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

/// One append-only file.
pub trait Disk {
    /// Everything in the file, durable or not.
    fn read(&mut self) -> io::Result<Vec<u8>>;
    /// Writes behind the last byte. Not durable yet.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Makes everything appended so far durable.
    ///
    /// After an error nothing is known about what is durable, and a later success would not say
    /// otherwise: the kernel reports a lost page once and then forgets it (PostgreSQL's
    /// "fsyncgate", 2018). A caller must not try again but stop.
    fn sync(&mut self) -> io::Result<()>;
    /// Cuts the file to `length` bytes, durably.
    fn truncate(&mut self, length: u64) -> io::Result<()>;
}

/// A real file.
#[derive(Debug)]
pub struct FileDisk {
    file: File,
}

impl FileDisk {
    /// Opens the file `name` in `directory`, and makes both if they are missing. The names are made
    /// durable as well: a file whose directory entry is lost in a power failure is lost (etcd#6368).
    pub fn open(directory: &Path, name: &str) -> io::Result<FileDisk> {
        if !directory.is_dir() {
            fs::create_dir_all(directory)?;
            for made in directory.ancestors() {
                let made = if made.as_os_str().is_empty() { Path::new(".") } else { made };
                File::open(made)?.sync_all()?;
            }
        }
        let path = directory.join(name);
        let file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        File::open(directory)?.sync_all()?;
        Ok(FileDisk { file })
    }
}

impl Disk for FileDisk {
    fn read(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.file.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.file.set_len(length)?;
        self.file.sync_all()
    }
}

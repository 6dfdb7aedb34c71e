//! A file of values, one a line in JSON: everything that long work came to know, so that it goes on
//! where it was interrupted or killed.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A ledger, open for more lines. As long as it is open no other process can open it.
#[derive(Debug)]
pub struct Ledger<T> {
    path: PathBuf,
    file: File,
    of: PhantomData<T>,
}

impl<T: Serialize + DeserializeOwned> Ledger<T> {
    /// Opens the ledger at `path`, and reads what stands in it. The last line of a process that was
    /// killed while it wrote is cut off.
    ///
    /// # Errors
    /// When another process has it open, or it cannot be read, or holds something else.
    pub fn open(path: &Path) -> Result<(Self, Vec<T>)> {
        let cannot = || format!("cannot open {}", path.display());
        let options = OpenOptions::new().create(true).read(true).append(true).open(path);
        let mut file = options.with_context(cannot)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                let folder = path.parent().unwrap_or(path).display();
                bail!("the work in {folder} goes on, in another process");
            }
            // A file system without locks does without.
            Err(TryLockError::Error(_)) | Ok(()) => {}
        }
        let mut text = Vec::new();
        file.read_to_end(&mut text).with_context(cannot)?;
        let text = whole_lines(&text);
        file.set_len(text.len() as u64).with_context(cannot)?;
        let values = values(text, path)?;
        Ok((Ledger { path: path.to_owned(), file, of: PhantomData }, values))
    }

    /// Reads the ledger at `path`, which may be open elsewhere.
    ///
    /// # Errors
    /// When it cannot be read or holds something else.
    pub fn read(path: &Path) -> Result<Vec<T>> {
        let cannot = || format!("cannot read {}", path.display());
        let text = std::fs::read(path).with_context(cannot)?;
        values(whole_lines(&text), path)
    }

    /// Returns true if a process has the ledger at `path` open for more lines.
    pub fn is_open(path: &Path) -> bool {
        let file = File::open(path);
        file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// Writes a line, and has it on the disk when it returns: what was learnt in minutes is worth a
    /// barrier.
    ///
    /// # Errors
    /// When it cannot be written, such as on a full disk. The ledger then ends with the last whole
    /// line.
    pub fn add(&mut self, value: &T) -> Result<()> {
        let mut text = serde_json::to_vec(value).context("a line is plain data")?;
        text.push(b'\n');
        let before = self.file.metadata().map(|file| file.len());
        let written = self.file.write_all(&text).and_then(|()| self.file.sync_data());
        if written.is_err()
            && let Ok(before) = before
        {
            // Half a line would be cut off when it is opened again in any case.
            let _ = self.file.set_len(before);
        }
        written.with_context(|| format!("cannot write {}", self.path.display()))
    }
}

/// A text without the line that its writer did not end.
fn whole_lines(text: &[u8]) -> &[u8] {
    &text[..text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1)]
}

fn values<T: DeserializeOwned>(text: &[u8], path: &Path) -> Result<Vec<T>> {
    let lines = text.split(|byte| *byte == b'\n').zip(1..);
    let read = |(line, number): (&[u8], usize)| {
        let place = || format!("{}, line {number}, is none of a ledger", path.display());
        serde_json::from_slice(line).with_context(place)
    };
    lines.filter(|(line, _)| !line.is_empty()).map(read).collect()
}

/// The error of a full disk, for those who want to say more about it.
pub fn is_full(error: &anyhow::Error) -> bool {
    let of_file = |cause: &(dyn std::error::Error + 'static)| {
        let kind = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        kind == Some(io::ErrorKind::StorageFull) || kind == Some(io::ErrorKind::QuotaExceeded)
    };
    error.chain().any(of_file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_an_error_that_says_so() {
        let file = OpenOptions::new().append(true).open("/dev/full").expect("Linux has it");
        let mut ledger = Ledger { path: "/dev/full".into(), file, of: PhantomData };
        let error = ledger.add(&7).expect_err("nothing can be written");
        assert!(is_full(&error), "{error:#}");
    }
}

//! A file to which events are appended, a line of JSON each.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;

/// An event log, open for appending.
#[derive(Debug)]
pub(crate) struct EventLog {
    path: PathBuf,
    file: File,
    /// The last line; kept for its memory.
    line: Vec<u8>,
}

impl EventLog {
    /// Opens the log at `path`, and makes it when it is not there.
    ///
    /// # Errors
    /// When it cannot be opened for appending. The message names the path.
    pub fn open(path: PathBuf) -> Result<EventLog> {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .with_context(|| format!("cannot open {} to record events", path.display()))?;
        Ok(EventLog { path, file, line: Vec::new() })
    }

    /// Holds a lock on the file until it is closed, which it is when this process ends. A file
    /// system without locks does without.
    pub fn lock(&self) {
        let _ = self.file.try_lock();
    }

    /// Returns true if a process holds the lock on the log at `path`.
    pub fn is_locked(path: &Path) -> bool {
        let file = File::open(path);
        file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// Appends one event in one `write(2)`.
    ///
    /// # Errors
    /// When the line cannot be written, such as on a full disk. The file then ends with the last
    /// whole line. The message names the path.
    pub fn append(&mut self, event: &impl Serialize) -> Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, event).context("cannot write an event as JSON")?;
        self.line.push(b'\n');
        append_whole(&mut self.file, &self.line)
            .with_context(|| format!("cannot record an event in {}", self.path.display()))
    }
}

/// Appends all of `line` or, as far as the file system lets us, nothing of it.
fn append_whole(file: &mut File, line: &[u8]) -> io::Result<()> {
    let written = file.write(line)?;
    if written == line.len() {
        return Ok(());
    }
    // A short write to a file means that the disk is full. Asking once more gets the true reason,
    // or finishes the line after all.
    file.write_all(&line[written..]).inspect_err(|_| {
        if let Ok(metadata) = file.metadata() {
            let _ = file.set_len(metadata.len().saturating_sub(written as u64));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_an_error_that_says_so() {
        let mut full = EventLog::open("/dev/full".into()).expect("Linux has it");
        let error = full.append(&"an event").expect_err("nothing can be written");
        let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
        assert_eq!(kind, Some(io::ErrorKind::StorageFull));
        assert!(format!("{error:#}").contains("/dev/full"), "{error:#}");
    }
}

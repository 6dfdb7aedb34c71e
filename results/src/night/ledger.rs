//! `ledger.jsonl`: everything that a night came to know, a line each.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use faults::coverage::Coverage;
use serde::{Deserialize, Serialize};

use super::form::{NightRun, Remark, Shrunk};

/// A line of a ledger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "line")]
pub enum Entry {
    /// A run ended.
    Run {
        /// The run.
        #[serde(flatten)]
        run: Box<NightRun>,
        /// The situations that its faults reached.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reached: Option<Coverage>,
        /// The seconds of the night by then, without the time between an interruption and going on.
        at: f64,
        /// When that was, in seconds since 1970, by the clock of this machine.
        clock: u64,
    },
    /// A repeat of a run ended.
    Repeat {
        /// The number of the run.
        of: u64,
        /// The number of the repeat, from 0.
        number: u64,
        /// True if it failed like the run; none if it counts neither way.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failed: Option<bool>,
        /// The seconds that it took.
        seconds: f64,
        /// The seconds of the night by then.
        at: f64,
    },
    /// The plan of a run was shrunk, or its time for that was over.
    Shrunk {
        /// The number of the run.
        of: u64,
        /// The smaller plan; none if no smaller one is known to fail.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        found: Option<Shrunk>,
        /// The seconds that it took.
        seconds: f64,
        /// The seconds of the night by then.
        at: f64,
    },
    /// Something that a reader should know.
    Remark {
        /// The remark.
        #[serde(flatten)]
        remark: Remark,
    },
    /// The night ended, or was interrupted.
    End {
        /// True if it ended and does not go on.
        whole: bool,
        /// The reason.
        why: String,
        /// The seconds of the night by then.
        at: f64,
    },
}

/// A ledger, open for more lines. As long as it is open no other process can open it.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    file: File,
}

impl Ledger {
    /// Opens the ledger at `path`, and reads what stands in it. The last line of a process that was
    /// killed while it wrote is cut off.
    ///
    /// # Errors
    /// When another process has it open, or it cannot be read, or holds something else.
    pub fn open(path: &Path) -> Result<(Ledger, Vec<Entry>)> {
        let cannot = || format!("cannot open {}", path.display());
        let options = OpenOptions::new().create(true).read(true).append(true).open(path);
        let mut file = options.with_context(cannot)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                let folder = path.parent().unwrap_or(path).display();
                bail!("a night goes on in {folder}, in another process");
            }
            // A file system without locks does without.
            Err(TryLockError::Error(_)) | Ok(()) => {}
        }
        let mut text = Vec::new();
        file.read_to_end(&mut text).with_context(cannot)?;
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        file.set_len(whole as u64).with_context(cannot)?;
        let entries = entries(&text[..whole], path)?;
        Ok((Ledger { path: path.to_owned(), file }, entries))
    }

    /// Reads the ledger at `path`, which may be open elsewhere.
    ///
    /// # Errors
    /// When it cannot be read or holds something else.
    pub fn read(path: &Path) -> Result<Vec<Entry>> {
        let cannot = || format!("cannot read {}", path.display());
        let text = std::fs::read(path).with_context(cannot)?;
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        entries(&text[..whole], path)
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
    pub fn add(&mut self, entry: &Entry) -> Result<()> {
        let mut text = serde_json::to_vec(entry).context("a line is plain data")?;
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

fn entries(text: &[u8], path: &Path) -> Result<Vec<Entry>> {
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

    fn scratch(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("stormproof-{name}-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        path
    }

    fn repeat(number: u64) -> Entry {
        Entry::Repeat { of: 3, number, failed: Some(true), seconds: 1.5, at: 9.0 }
    }

    #[test]
    fn half_a_line_is_cut_off_and_no_other_process_writes() {
        let path = scratch("night-ledger");
        let (mut ledger, before) = Ledger::open(&path).expect("a scratch file can be made");
        assert_eq!(before, []);
        assert!(Ledger::is_open(&path));
        let error = Ledger::open(&path).expect_err("it is locked");
        assert!(error.to_string().contains("in another process"), "{error}");
        ledger.add(&repeat(0)).expect("it can be written");
        ledger.add(&repeat(1)).expect("it can be written");
        drop(ledger);
        assert!(!Ledger::is_open(&path));
        let text = std::fs::read_to_string(&path).expect("it can be read");
        assert!(text.starts_with(
            "{\"line\":\"repeat\",\"of\":3,\"number\":0,\"failed\":true,\"seconds\":1.5,\"at\":9.0}\n"
        ));
        std::fs::write(&path, &text[..text.len() - 9]).expect("it can be cut");
        assert_eq!(Ledger::read(&path).expect("it can be read"), [repeat(0)]);
        let (mut ledger, lines) = Ledger::open(&path).expect("half a line is no failure");
        assert_eq!(lines, [repeat(0)]);
        ledger.add(&repeat(1)).expect("it can be written");
        assert_eq!(std::fs::read_to_string(&path).expect("it can be read"), text);
        std::fs::remove_file(&path).expect("it can be removed");
    }

    #[test]
    fn what_is_no_line_is_an_error_with_its_place() {
        let path = scratch("no-ledger");
        std::fs::write(&path, "{\"line\":\"end\",\"whole\":true,\"why\":\"all\",\"at\":1}\n{}\n")
            .expect("it can be written");
        let error = format!("{:#}", Ledger::read(&path).expect_err("the second line is none"));
        assert!(error.contains("line 2, is none of a ledger"), "{error}");
        std::fs::remove_file(&path).expect("it can be removed");
    }

    #[test]
    fn a_full_disk_is_an_error_that_says_so() {
        let file = OpenOptions::new().append(true).open("/dev/full").expect("Linux has it");
        let mut ledger = Ledger { path: "/dev/full".into(), file };
        let error = ledger.add(&repeat(0)).expect_err("nothing can be written");
        assert!(is_full(&error), "{error:#}");
    }
}

//! A file of results, one a line, so that work that was interrupted or killed goes on where it was.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::RunOutcome;

/// One line: a run of something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Line {
    /// A name for what was run.
    pub of: String,
    /// The number of the run among those of it, from 0.
    pub number: u64,
    /// The outcome.
    #[serde(flatten)]
    pub outcome: RunOutcome,
}

/// A short name for a text that hardly any other has.
pub(crate) fn short_hash(text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{:010x}", hash & 0xff_ffff_ffff)
}

/// The file, open for more lines.
#[derive(Debug)]
pub(crate) struct Ledger {
    path: PathBuf,
    file: File,
}

impl Ledger {
    /// Opens the file, and reads what stands in it.
    ///
    /// # Errors
    /// When it cannot be opened or holds something else.
    pub fn open(path: &Path) -> Result<(Ledger, Vec<Line>)> {
        let cannot = || format!("cannot open {}", path.display());
        let mut file = OpenOptions::new()
            .create(true)
            .read(true)
            .append(true)
            .open(path)
            .with_context(cannot)?;
        let mut text = String::new();
        file.read_to_string(&mut text).with_context(cannot)?;
        let whole = text.rfind('\n').map_or(0, |at| at + 1);
        // The last line of a process that was killed while it wrote.
        file.set_len(whole as u64).with_context(cannot)?;
        let read = |(line, number): (&str, usize)| {
            let place = || format!("{}, line {number}, is no result", path.display());
            serde_json::from_str(line).with_context(place)
        };
        let lines = text[..whole].lines().zip(1..).map(read).collect::<Result<Vec<Line>>>()?;
        Ok((Ledger { path: path.to_owned(), file }, lines))
    }

    /// Writes a line.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add(&mut self, line: &Line) -> Result<()> {
        let mut text = serde_json::to_string(line).context("a line is plain data")?;
        text.push('\n');
        let cannot = || format!("cannot write {}", self.path.display());
        self.file.write_all(text.as_bytes()).with_context(cannot)
    }
}

#[cfg(test)]
mod tests {
    use checker::verdict::Verdict;

    use super::super::outcome::tests::outcome;
    use super::*;

    #[test]
    fn what_was_learnt_is_read_again_and_half_a_line_is_not() {
        let path = std::env::temp_dir().join(format!("stormproof-ledger-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let line = |number| Line {
            of: "2.11.0".to_owned(),
            number,
            outcome: outcome(Verdict::Invalid, Verdict::Valid),
        };
        let (mut ledger, before) = Ledger::open(&path).expect("a scratch file can be made");
        assert_eq!(before, []);
        ledger.add(&line(0)).expect("it can be written");
        ledger.add(&line(1)).expect("it can be written");
        let text = std::fs::read_to_string(&path).expect("it can be read");
        std::fs::write(&path, &text[..text.len() - 9]).expect("it can be cut");
        let (mut ledger, lines) = Ledger::open(&path).expect("half a line is no failure");
        assert_eq!(lines, [line(0)]);
        ledger.add(&line(1)).expect("it can be written");
        assert_eq!(std::fs::read_to_string(&path).expect("it can be read"), text);
        std::fs::remove_file(&path).expect("it can be removed");
    }
}

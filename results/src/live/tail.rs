//! The files of a run, read on where they were left.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::de::DeserializeOwned;

use crate::event::NodeEvent;
use crate::layout::{HISTORY, NODE_EVENTS, node_folders};
use crate::metrics::RunHistory;

/// A run that may go on, as far as it was read.
#[derive(Debug, Clone, Default)]
pub struct Tail {
    path: PathBuf,
    /// The recorded events.
    pub history: RunHistory,
    /// The events of all nodes, those of each by time.
    pub node_events: Vec<NodeEvent>,
    /// The lines that are none of what a run records.
    pub strange_lines: u64,
    /// The bytes of each file that were read.
    read: BTreeMap<PathBuf, u64>,
}

impl Tail {
    /// The run at `path`, of which nothing was read yet.
    pub fn of(path: &Path) -> Tail {
        Tail { path: path.to_owned(), ..Tail::default() }
    }

    /// The run directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads everything that was written since the last time, but for a line that is not ended.
    ///
    /// # Errors
    /// When a file is there and cannot be read.
    pub fn refresh(&mut self) -> Result<()> {
        let history = self.path.join(HISTORY);
        let events = self.new_lines(&history)?;
        events.into_iter().for_each(|event| self.history.push(event));
        for folder in node_folders(&self.path)? {
            let events = self.new_lines(&folder.join(NODE_EVENTS))?;
            self.node_events.extend(events);
        }
        Ok(())
    }

    fn new_lines<T: DeserializeOwned>(&mut self, path: &Path) -> Result<Vec<T>> {
        let from = self.read.get(path).copied().unwrap_or(0);
        let text =
            read_from(path, from).with_context(|| format!("cannot read {}", path.display()))?;
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        self.read.insert(path.to_owned(), from + whole as u64);
        let mut values = Vec::new();
        for line in text[..whole].split(|byte| *byte == b'\n') {
            if line.trim_ascii().is_empty() {
                continue;
            }
            match serde_json::from_slice(line) {
                Ok(value) => values.push(value),
                Err(_) => self.strange_lines += 1,
            }
        }
        Ok(values)
    }
}

/// The bytes of a file from a place on; none of one that is not there, as once it was compressed.
fn read_from(path: &Path, from: u64) -> std::io::Result<Vec<u8>> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    file.seek(SeekFrom::Start(from))?;
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::io::Write;

    use super::*;

    #[test]
    fn what_is_written_is_read_once_and_half_a_line_when_it_is_whole() {
        let folder = std::env::temp_dir().join(format!("stormproof-tail-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a scratch folder can be made");
        let mut tail = Tail::of(&folder);
        tail.refresh().expect("nothing is there yet");
        let path = folder.join(HISTORY);
        let write = |text: &str| {
            let file = OpenOptions::new().create(true).append(true).open(&path);
            file.expect("it can be made").write_all(text.as_bytes()).expect("it can be written");
        };
        let line = |index: u64, kind: &str| {
            format!(
                "{{\"index\":{index},\"time\":{index},\"process\":1,\"type\":\"{kind}\",\"f\":\"read\"}}\n"
            )
        };
        write(&line(0, "invoke"));
        let (first, rest) = (line(1, "ok"), "no event\n");
        write(&first[..9]);
        tail.refresh().expect("it can be read");
        let oks =
            |tail: &Tail| tail.history.operations.iter().filter(|it| it.end().is_some()).count();
        assert_eq!((tail.history.operations.iter().len(), oks(&tail)), (1, 0));
        write(&first[9..]);
        write(rest);
        tail.refresh().expect("it can be read");
        tail.refresh().expect("nothing is new");
        assert_eq!((tail.history.operations.iter().len(), oks(&tail)), (1, 1));
        assert_eq!(tail.strange_lines, 1);
        std::fs::remove_dir_all(&folder).expect("it can be removed");
    }
}

//! The lines that nodes write to their logs, while a fault waits for one.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;

use super::super::log_watch::logs;
use crate::targets::Member;

/// So many bytes of a log are read in one look: more comes with the next.
const MOST_AT_ONCE: u64 = 1 << 20;

/// Reads what is added to the logs of every node.
pub struct LogTail {
    /// The folder of each node.
    folders: Vec<(String, PathBuf)>,
    /// The length of each log that was read, and the line that has no end yet.
    read: BTreeMap<PathBuf, (u64, Vec<u8>)>,
}

impl LogTail {
    /// The logs of these members, of which nothing was read.
    pub fn new(members: &[Member]) -> Self {
        let folders = members.iter().map(|it| (it.name.clone(), it.folder.clone()));
        Self { folders: folders.collect(), read: BTreeMap::new() }
    }

    /// Takes everything that is there by now as read.
    pub fn begin(&mut self) {
        self.read.clear();
        for (_, folder) in &self.folders {
            for (file, length) in logs(folder) {
                self.read.insert(folder.join(file), (length, Vec::new()));
            }
        }
    }

    /// Shows every line that was finished since the last look, with the node that wrote it.
    pub fn look(&mut self, mut show: impl FnMut(&str, &str)) {
        for (node, folder) in &self.folders {
            for (file, length) in logs(folder) {
                let path = folder.join(file);
                let (offset, unfinished) = self.read.entry(path.clone()).or_default();
                if length <= *offset {
                    continue;
                }
                let mut added = Vec::new();
                // A log that cannot be read now is read with the next look.
                let read = File::open(&path).and_then(|mut file| {
                    file.seek(SeekFrom::Start(*offset))?;
                    file.take(MOST_AT_ONCE).read_to_end(&mut added)
                });
                *offset += read.unwrap_or(0) as u64;
                unfinished.append(&mut added);
                let Some(end) = unfinished.iter().rposition(|byte| *byte == b'\n') else {
                    continue;
                };
                let rest = unfinished.split_off(end + 1);
                let finished = std::mem::replace(unfinished, rest);
                String::from_utf8_lossy(&finished).lines().for_each(|line| show(node, line));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn every_line_is_shown_once_when_it_has_its_end() {
        let folder = std::env::temp_dir().join(format!("stormproof-tail-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("stdout.log");
        let mut log = File::create(&path).unwrap();
        log.write_all(b"before\n").unwrap();
        let member = Member::at("n1", "127.0.0.1:1".parse().unwrap(), folder.clone());
        let mut tail = LogTail::new(&[member]);
        tail.begin();
        let shown = |tail: &mut LogTail| {
            let mut lines = Vec::new();
            tail.look(|node, line| lines.push(format!("{node}: {line}")));
            lines
        };
        assert!(shown(&mut tail).is_empty());
        log.write_all(b"one\ntw").unwrap();
        assert_eq!(shown(&mut tail), ["n1: one"]);
        log.write_all(b"o\nthree\n").unwrap();
        std::fs::write(folder.join("stderr.log"), "of a new life\n").unwrap();
        assert_eq!(shown(&mut tail), ["n1: of a new life", "n1: two", "n1: three"]);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}

//! Files of a run that were compressed after it, which are read like the others.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use crate::layout::{HISTORY, node_folders};

/// The end of a compressed file's name, behind the name that it had.
const GZ: &str = ".gz";

/// The path that the file at `path` has when it is compressed.
fn compressed(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(GZ);
    name.into()
}

/// The path at which a file stands: its own, or that of its compressed form; none of a file that is
/// not there.
pub fn stands(path: &Path) -> Option<PathBuf> {
    [path.to_owned(), compressed(path)].into_iter().find(|path| path.is_file())
}

/// Opens a file, or its compressed form, to read what it held.
///
/// # Errors
/// When neither is there, or it cannot be opened.
pub fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    match File::open(path) {
        Ok(file) => Ok(Box::new(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            // The error is about the file that is missed, not about another form of it.
            let file = File::open(compressed(path)).map_err(|_| error)?;
            Ok(Box::new(MultiGzDecoder::new(BufReader::new(file))))
        }
        Err(error) => Err(error),
    }
}

/// Compresses the history of a run that ended and all that its nodes recorded, a file at a time: a
/// reader finds each in one form or the other.
///
/// # Errors
/// When a file cannot be read or written, such as on a full disk. It is then as it was.
pub fn compress_run(run: &Path) -> Result<()> {
    let history = run.join(HISTORY);
    let mut files = if history.is_file() { vec![history] } else { Vec::new() };
    for folder in node_folders(run)? {
        let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        let lines = |path: &PathBuf| path.extension().is_some_and(|end| end == "jsonl");
        files.extend(entries.map(|entry| entry.path()).filter(lines));
    }
    files.iter().try_for_each(|file| compress(file))
}

fn compress(path: &Path) -> Result<()> {
    let whole = compressed(path);
    let mut draft = whole.as_os_str().to_owned();
    draft.push(".draft");
    let draft = PathBuf::from(draft);
    let write = || -> io::Result<()> {
        let mut input = File::open(path)?;
        let output = BufWriter::new(File::create(&draft)?);
        let mut output = GzEncoder::new(output, Compression::fast());
        io::copy(&mut input, &mut output)?;
        let mut output = output.finish()?;
        output.flush()?;
        output.get_ref().sync_data()?;
        fs::rename(&draft, &whole)?;
        fs::remove_file(path)
    };
    let written = write();
    if written.is_err() {
        // Best effort: the draft of a full disk only takes space away from what matters.
        let _ = fs::remove_file(&draft);
    }
    written.with_context(|| format!("cannot compress {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compressed_file_reads_as_it_did_and_takes_less_room() {
        let folder = std::env::temp_dir().join(format!("stormproof-gz-{}", std::process::id()));
        let node = folder.join("nodes/n1");
        fs::create_dir_all(&node).expect("a scratch folder can be made");
        let text = "{\"index\":0,\"time\":0}\n".repeat(10_000);
        for name in ["history.jsonl", "nodes/n1/events.jsonl", "nodes/n1/stdout.log"] {
            fs::write(folder.join(name), &text).expect("it can be written");
        }
        compress_run(&folder).expect("it can be compressed");
        // Once more changes nothing.
        compress_run(&folder).expect("it can be compressed");
        for name in ["history.jsonl", "nodes/n1/events.jsonl"] {
            let path = folder.join(name);
            assert!(!path.exists());
            let stands = stands(&path).expect("it stands compressed");
            assert!(fs::metadata(stands).expect("it is there").len() * 20 < text.len() as u64);
            let mut read = String::new();
            open(&path).expect("it opens").read_to_string(&mut read).expect("it reads");
            assert_eq!(read, text);
        }
        assert!(folder.join("nodes/n1/stdout.log").is_file());
        let missing = open(&folder.join("nothing.jsonl")).err().expect("it is not there");
        assert_eq!(missing.kind(), ErrorKind::NotFound);
        fs::remove_dir_all(&folder).expect("it can be removed");
    }
}

//! A file in pieces that end where lines end, so that several threads can read it.

use std::io::{BufRead, Read};

use crate::history::ReadError;

/// Bytes of a piece, its last line apart. Small enough that what is read stays in the caches until
/// it is paired, large enough that handing it over costs nothing.
const CHUNK: u64 = 1 << 18;

/// The longest line, in bytes. No operation is so large; a file without line ends is not read
/// into memory to find that out.
const LONGEST: u64 = 256 << 20;

/// Takes a file apart.
pub(super) struct Chunks<R> {
    input: R,
    ended: bool,
}

/// The next piece of a file.
pub(super) struct Chunk {
    /// Whole lines; only the last line of a file may lack its end.
    pub(super) bytes: Vec<u8>,
    /// The reason why nothing comes behind them, although the file goes on.
    pub(super) failure: Option<String>,
}

impl<R: BufRead> Chunks<R> {
    pub(super) fn new(input: R) -> Chunks<R> {
        Chunks { input, ended: false }
    }

    /// The next piece; none at the end of the file.
    pub(super) fn next(&mut self) -> Option<Chunk> {
        if self.ended {
            return None;
        }
        let mut bytes = Vec::with_capacity(CHUNK as usize + CHUNK as usize / 8);
        let read = (&mut self.input).take(CHUNK).read_to_end(&mut bytes);
        let failure = read.and_then(|_| self.complete_line(&mut bytes)).err();
        let failure = failure.map(|error| format!("cannot read on: {error}"));
        let too_long = || {
            let line = bytes.iter().rev().skip(1).take_while(|byte| **byte != b'\n').count() as u64;
            (line + 1 >= LONGEST).then(|| format!("the line is longer than {} MiB", LONGEST >> 20))
        };
        let failure = failure.or_else(too_long);
        self.ended = failure.is_some() || bytes.last() != Some(&b'\n');
        if failure.is_some() {
            // What was read of the line is not to be taken for a line that was cut off.
            let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            bytes.truncate(whole);
        } else if bytes.is_empty() {
            return None;
        }
        Some(Chunk { bytes, failure })
    }

    fn complete_line(&mut self, bytes: &mut Vec<u8>) -> std::io::Result<()> {
        if bytes.is_empty() || bytes.ends_with(b"\n") {
            return Ok(());
        }
        (&mut self.input).take(LONGEST).read_until(b'\n', bytes).map(drop)
    }
}

impl Chunk {
    /// The error behind the lines of this piece, of which the first has this number.
    pub(super) fn failure(&self, first_line: usize) -> Option<ReadError> {
        let lines = self.bytes.iter().filter(|byte| **byte == b'\n').count();
        let failure = self.failure.clone()?;
        Some(ReadError::on_line(first_line + lines, failure))
    }
}

//! One entry for all formats.

use std::io::{BufReader, Read};

use crate::history::{HistoryError, Operations, ReadError, jepsen_edn, jepsen_log, json_lines};
use crate::model::NilReads;

/// A format that histories are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// stormproof's own `history.jsonl`: one JSON event a line.
    JsonLines,
    /// Jepsen's and Knossos' EDN: one vector of maps, or one map after the other.
    JepsenEdn,
    /// The lines that Jepsen's `jepsen.util` prints: `0  :invoke  :read  nil`.
    JepsenLog,
}

impl Format {
    /// The meaning of a read of nil in files of this format, by the habit of those who write them.
    pub fn nil_reads(self) -> NilReads {
        match self {
            // Knossos fills in nil for "no value known"; its own register accepts any such read.
            Format::JepsenEdn => NilReads::Unknown,
            Format::JsonLines | Format::JepsenLog => NilReads::Absent,
        }
    }

    /// The format's name for people.
    pub fn name(self) -> &'static str {
        match self {
            Format::JsonLines => "JSON lines",
            Format::JepsenEdn => "Jepsen EDN",
            Format::JepsenLog => "Jepsen log",
        }
    }
}

/// A history that was read from a file.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Reading {
    /// The operations of clients. [`OperationRef::line`](crate::history::OperationRef::line) tells
    /// where it stands.
    pub operations: Operations,
    /// The format it was written in.
    pub format: Format,
    /// The flaws that the reader tolerated, one sentence each, such as a truncated last line.
    pub notes: Vec<String>,
}

/// The part of a file that is looked at to tell its format.
const HEAD: u64 = 1 << 20;

/// Reads a history in whichever format it is written, one event at a time.
///
/// # Errors
/// The first line that is not understood, and why; or the first event that cannot be paired.
pub fn read(mut input: impl Read) -> Result<Reading, ReadError> {
    let mut head = Vec::new();
    (&mut input)
        .take(HEAD)
        .read_to_end(&mut head)
        .map_err(|error| ReadError::on_line(1, format!("cannot read: {error}")))?;
    let format = detect(&head)?;
    let input = BufReader::with_capacity(1 << 16, head.chain(input));
    match format {
        Format::JsonLines => json_lines::read(input),
        Format::JepsenEdn => jepsen_edn::read(input),
        Format::JepsenLog => jepsen_log::read(input),
    }
}

/// An error of pairing, whose places are the lines of a file.
pub(super) fn in_file(error: HistoryError) -> ReadError {
    let reason = error.reason(&|line| format!("line {line}"));
    ReadError::on_line(error.event().unwrap_or(1), reason)
}

/// Tells the format from the first characters that are not white space.
fn detect(bytes: &[u8]) -> Result<Format, ReadError> {
    let mut solid = bytes.iter().enumerate().filter(|(_, byte)| !byte.is_ascii_whitespace());
    let Some((offset, first)) = solid.next() else {
        return Ok(Format::JsonLines);
    };
    let line = 1 + bytes[..offset].iter().filter(|byte| **byte == b'\n').count();
    match first {
        b'{' => match solid.next() {
            Some((_, b':')) => Ok(Format::JepsenEdn),
            _ => Ok(Format::JsonLines),
        },
        b'[' | b'(' | b';' | b'#' => Ok(Format::JepsenEdn),
        first if first.is_ascii_alphanumeric() && jepsen_log::is_log(bytes) => {
            Ok(Format::JepsenLog)
        }
        first if first.is_ascii_graphic() => Err(ReadError::on_line(
            line,
            "this is neither a stormproof history (one JSON event a line), nor Jepsen's EDN, nor \
             a log of jepsen.util",
        )),
        first => Err(ReadError::on_line(
            line,
            format!("this is not text: the first byte is 0x{first:02x}"),
        )),
    }
}

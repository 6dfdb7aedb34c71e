//! One entry for all formats.

use std::io::{self, BufReader, Read};
use std::num::NonZeroUsize;

use crate::history::setting::Setting;
use crate::history::{
    HistoryError, Operations, ReadError, jepsen_edn, jepsen_log, json_lines, json_objects,
};
use crate::model::NilReads;
use crate::options::Options;

/// A format that histories are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// stormproof's own `history.jsonl`: one JSON event a line.
    JsonLines,
    /// JSON events of other tools: one array of them, or one after the other on several lines each.
    JsonObjects,
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
            Format::JepsenEdn | Format::JsonObjects => NilReads::Unknown,
            Format::JsonLines | Format::JepsenLog => NilReads::Absent,
        }
    }

    /// The format's name for people.
    pub fn name(self) -> &'static str {
        match self {
            Format::JsonLines => "JSON lines",
            Format::JsonObjects => "JSON events",
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
    /// The way in which it is to be judged, as far as the file says it.
    pub setting: Setting,
}

/// The part of a file that is looked at to tell its format.
const HEAD: u64 = 1 << 20;

/// A byte-order mark, with which some editors begin every text.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads a history in whichever format it is written, one event at a time, with as many threads as
/// the machine has processors.
///
/// # Errors
/// The first line that is not understood, and why; or the first event that cannot be paired.
pub fn read(input: impl Read) -> Result<Reading, ReadError> {
    read_with_threads(input, Options::default().threads)
}

/// Reads a history with so many threads. Neither the history nor an error depends on their number.
///
/// # Errors
/// As [`read`].
pub fn read_with_threads(
    mut input: impl Read,
    threads: NonZeroUsize,
) -> Result<Reading, ReadError> {
    let mut head = Vec::new();
    let failure = (&mut input).take(HEAD).read_to_end(&mut head).err();
    if head.starts_with(MARK) {
        head.drain(..MARK.len());
    }
    let format = detect(&head)?;
    let input = BufReader::with_capacity(1 << 16, head.chain(Rest { input, failure }));
    match format {
        Format::JsonLines => json_lines::read(input, threads),
        Format::JsonObjects => json_objects::read(input),
        Format::JepsenEdn => jepsen_edn::read(input),
        Format::JepsenLog => jepsen_log::read(input),
    }
}

/// A file behind its head.
struct Rest<R> {
    input: R,
    /// The error at which the head ends.
    failure: Option<io::Error>,
}

impl<R: Read> Read for Rest<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.failure.take() {
            Some(failure) => Err(failure),
            None => self.input.read(buffer),
        }
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
            _ if json_objects::are_spread(bytes) => Ok(Format::JsonObjects),
            _ => Ok(Format::JsonLines),
        },
        b'[' if solid.next().is_some_and(|(_, it)| *it == b'{')
            && solid.next().is_some_and(|(_, it)| *it == b'"') =>
        {
            Ok(Format::JsonObjects)
        }
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

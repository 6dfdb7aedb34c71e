//! One entry for all formats.

use crate::history::{History, ReadError, jepsen_edn, jepsen_log, json_lines, pair};
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
    /// What a read of nil means in files of this format, by the habit of those who write them.
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

/// A history that was read from bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The events. They pair: [`pair`] does not fail on them.
    pub history: History,
    /// The format they were written in.
    pub format: Format,
    /// For each event, the line on which it begins, counted from 1.
    pub lines: Vec<usize>,
    /// What the reader tolerated, one sentence each, such as a truncated last line.
    pub notes: Vec<String>,
}

/// Reads a history in whichever format it is written.
///
/// # Errors
/// The first line that is not understood, and why; or the first event that cannot be paired.
pub fn read(bytes: &[u8]) -> Result<Reading, ReadError> {
    let format = detect(bytes)?;
    let reading = match format {
        Format::JsonLines => json_lines::read(bytes)?,
        Format::JepsenEdn => jepsen_edn::read(bytes)?,
        Format::JepsenLog => jepsen_log::read(bytes)?,
    };
    if let Err(error) = pair(&reading.history) {
        let line = error.event().map_or(1, |event| reading.lines[event]);
        let place = |event: usize| format!("line {}", reading.lines[event]);
        return Err(ReadError::on_line(line, error.reason(&place)));
    }
    Ok(reading)
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

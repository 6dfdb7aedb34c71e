//! stormproof's own format: one JSON event a line.
//!
//! Lines are read by several threads, a piece of the file each, and paired by one in the order of
//! the file. The result does not depend on the number of threads, and neither does the error.

use std::io::BufRead;
use std::num::NonZeroUsize;

use crate::history::chunks::{Chunk, Chunks};
use crate::history::event_line::{self, JsonError, LooseEvent, Spans};
use crate::history::reading::in_file;
use crate::history::setting::Setting;
use crate::history::{Format, Pairing, ReadError, Reading, json};
use crate::parallel;

/// Threads beyond these would wait for the one that pairs.
const MOST_THREADS: NonZeroUsize = NonZeroUsize::new(8).expect("it is not 0");

/// Reads a `history.jsonl`. A last line that was cut off, as when the controller was killed while
/// it wrote, is left out with a note.
pub(super) fn read(input: impl BufRead, threads: NonZeroUsize) -> Result<Reading, ReadError> {
    let mut pairer = Pairer::default();
    let mut chunks = Chunks::new(input);
    let threads = threads.min(MOST_THREADS);
    parallel::in_order(threads, || chunks.next(), Lines::of, |lines| pairer.take(lines))?;
    pairer.finish()
}

/// The events of a piece of the file, by line.
struct Lines {
    chunk: Chunk,
    /// With the number of its line in the piece, counted from 0.
    events: Vec<(u32, Line)>,
    /// The number of lines.
    count: usize,
    /// The first line that is no event; those behind it are not among the events.
    error: Option<(usize, LineError)>,
}

/// An event.
enum Line {
    Spans(Spans),
    Loose(Box<LooseEvent>),
}

/// The reason why a line is no event.
enum LineError {
    /// It is the last one, of so many bytes, and its end is missing.
    CutOff(usize),
    Json {
        column: usize,
        reason: String,
    },
}

impl Lines {
    fn of(chunk: Chunk) -> Lines {
        let mut lines = Lines { events: Vec::new(), count: 0, error: None, chunk };
        let bytes = &*lines.chunk.bytes;
        // Where some of it is no text, that is found out line by line.
        let text = std::str::from_utf8(bytes).ok();
        let mut from = 0;
        while from < bytes.len() {
            let number = lines.count;
            lines.count += 1;
            if let Some((spans, end)) = text.and_then(|text| event_line::parse(text, from))
                && let end = json::blank_end(bytes, end)
                && bytes.get(end).is_none_or(|byte| *byte == b'\n')
            {
                lines.events.push((number as u32, Line::Spans(spans)));
                from = end + 1;
                continue;
            }
            let rest = &bytes[from..];
            let length =
                rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
            from += length;
            let line = &rest[..length];
            let trimmed = line.trim_ascii_end();
            if trimmed.is_empty() {
                continue;
            }
            match LooseEvent::of_json(trimmed) {
                Ok(event) => lines.events.push((number as u32, Line::Loose(Box::new(event)))),
                Err(error) => {
                    lines.error = Some((number, LineError::of(line, &error)));
                    break;
                }
            }
        }
        lines
    }
}

impl LineError {
    fn of(line: &[u8], error: &JsonError) -> LineError {
        match error {
            JsonError::Syntax(syntax) if was_cut_off(line, syntax) => LineError::CutOff(line.len()),
            error => {
                let (_, column) = error.place(line);
                LineError::Json { column, reason: error.to_string() }
            }
        }
    }
}

/// Returns whether a line is the beginning of an event and nothing else: it has no line end, and
/// what it lacks is its own end.
fn was_cut_off(line: &[u8], error: &serde_json::Error) -> bool {
    let half_a_character =
        || std::str::from_utf8(line).is_err_and(|error| error.error_len().is_none());
    !line.ends_with(b"\n") && (error.is_eof() || half_a_character())
}

/// Pairs the events of one piece after the other.
#[derive(Default)]
struct Pairer {
    pairing: Pairing,
    notes: Vec<String>,
    /// Lines of the pieces before.
    lines: usize,
}

impl Pairer {
    fn take(&mut self, lines: Lines) -> Result<(), ReadError> {
        let first_line = self.lines + 1;
        // Where not all is text, no event is a part of it.
        let text = std::str::from_utf8(&lines.chunk.bytes).unwrap_or_default();
        for (number, event) in &lines.events {
            let line = first_line + *number as usize;
            let parts = match event {
                Line::Spans(spans) => spans.parts(text),
                Line::Loose(event) => event.parts(),
            };
            self.pairing.push(parts, line).map_err(in_file)?;
        }
        match lines.error {
            None => {}
            Some((number, LineError::CutOff(bytes))) => self.notes.push(format!(
                "line {} is cut off after {bytes} bytes and was left out",
                first_line + number
            )),
            Some((number, LineError::Json { column, reason })) => {
                return Err(ReadError { line: first_line + number, column: Some(column), reason });
            }
        }
        if let Some(failure) = lines.chunk.failure(first_line) {
            return Err(failure);
        }
        self.lines += lines.count;
        Ok(())
    }

    fn finish(self) -> Result<Reading, ReadError> {
        let setting = Setting::of(&self.pairing)?;
        let mut operations = self.pairing.finish();
        operations.expand_drains();
        Ok(Reading { operations, format: Format::JsonLines, notes: self.notes, setting })
    }
}

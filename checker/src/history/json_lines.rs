//! stormproof's own format: one JSON event a line.

use crate::history::{Event, Format, History, ReadError, Reading};

/// Reads a `history.jsonl`. A last line that was cut off, as when the controller was killed while
/// it wrote, is left out with a note.
pub(super) fn read(bytes: &[u8]) -> Result<Reading, ReadError> {
    let mut reading = Reading {
        history: History::default(),
        format: Format::JsonLines,
        lines: Vec::new(),
        notes: Vec::new(),
    };
    for (number, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        match serde_json::from_slice::<Event>(line.trim_ascii_end()) {
            Ok(event) => {
                reading.history.events.push(event);
                reading.lines.push(number + 1);
            }
            Err(error) if was_cut_off(line, &error) => reading.notes.push(format!(
                "line {} is cut off after {} bytes and was left out",
                number + 1,
                line.len()
            )),
            Err(error) => {
                return Err(ReadError {
                    line: number + 1,
                    column: Some(error.column()),
                    reason: reason(&error),
                });
            }
        }
    }
    Ok(reading)
}

/// Whether a line is the beginning of an event and nothing else: it has no line end, and what it
/// lacks is its own end.
fn was_cut_off(line: &[u8], error: &serde_json::Error) -> bool {
    let half_a_character =
        || std::str::from_utf8(line).is_err_and(|error| error.error_len().is_none());
    !line.ends_with(b"\n") && (error.is_eof() || half_a_character())
}

/// The error without serde's own "at line 1 column 7", since each line is parsed by itself.
fn reason(error: &serde_json::Error) -> String {
    let message = error.to_string();
    match message.rsplit_once(" at line ") {
        Some((reason, _)) => reason.to_string(),
        None => message,
    }
}

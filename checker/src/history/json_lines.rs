//! stormproof's own format: one JSON event a line.

use std::io::BufRead;

use crate::history::lines::Lines;
use crate::history::pairing::EventLine;
use crate::history::reading::in_file;
use crate::history::{Format, Pairing, ReadError, Reading};

/// Reads a `history.jsonl`. A last line that was cut off, as when the controller was killed while
/// it wrote, is left out with a note.
pub(super) fn read(input: impl BufRead) -> Result<Reading, ReadError> {
    let mut pairing = Pairing::default();
    let mut notes = Vec::new();
    let mut lines = Lines::new(input);
    while let Some((number, line)) = lines.next()? {
        if line.trim_ascii().is_empty() {
            continue;
        }
        match serde_json::from_slice::<EventLine<'_>>(line.trim_ascii_end()) {
            Ok(event) => pairing.push_line(&event, number).map_err(in_file)?,
            Err(error) if was_cut_off(line, &error) => notes.push(format!(
                "line {number} is cut off after {} bytes and was left out",
                line.len()
            )),
            Err(error) => {
                return Err(ReadError {
                    line: number,
                    column: Some(error.column()),
                    reason: reason(&error),
                });
            }
        }
    }
    Ok(Reading { operations: pairing.finish(), format: Format::JsonLines, notes })
}

/// Returns whether a line is the beginning of an event and nothing else: it has no line end, and
/// what it lacks is its own end.
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

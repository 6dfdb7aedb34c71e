//! Arrays of JSON events, as Knossos' and Elle's command lines read them, and events of several
//! lines one behind the other.

use std::io::BufRead;

use crate::history::edn_forms::{Form, Forms};
use crate::history::event_line::LooseEvent;
use crate::history::foreign::Foreign;
use crate::history::{Format, ReadError, Reading};

/// Reads one array of objects, or one object after the other.
pub(super) fn read(input: impl BufRead) -> Result<Reading, ReadError> {
    let mut forms = Forms::new(input, "expected an event, which is an object: {\"process\":0,…}");
    let mut foreign = Foreign::default();
    loop {
        match forms.next()? {
            Form::End => break,
            Form::CutOff { line } => {
                foreign.cut_off(line);
                break;
            }
            Form::Map { text, line, column } => {
                let event = LooseEvent::of_json(&text).map_err(|error| {
                    let (inner_line, inner_column) = error.place(&text);
                    let column = inner_column + if inner_line == 1 { column - 1 } else { 0 };
                    ReadError {
                        line: line + inner_line - 1,
                        column: Some(column),
                        reason: error.to_string(),
                    }
                })?;
                foreign.push(&event, line)?;
            }
        }
    }
    foreign.finish(Format::JsonObjects)
}

/// Returns whether a file that begins with a brace holds an event on several lines.
pub(super) fn are_spread(head: &[u8]) -> bool {
    let Some(start) = head.iter().position(|byte| *byte == b'{') else { return false };
    let Some(length) = head[start..].iter().position(|byte| *byte == b'\n') else { return false };
    let first_line = &head[start..start + length];
    let next = head[start + length..].iter().find(|byte| !byte.is_ascii_whitespace());
    let is_open = serde_json::from_slice::<serde::de::IgnoredAny>(first_line)
        .is_err_and(|error| error.is_eof());
    is_open && matches!(next, Some(b'"' | b'}' | b']' | b','))
}

//! The lines in which Jepsen logs operations, `INFO  jepsen.util - 0 :invoke :read nil` with tabs
//! or spaces between the columns, and the same without what stands before the process, as in
//! Jepsen's `history.txt`.

use std::io::BufRead;

use crate::history::edn::Reader;
use crate::history::event_line::LooseEvent;
use crate::history::foreign::Foreign;
use crate::history::jepsen_edn::{NOTHING, actor};
use crate::history::lines::Lines;
use crate::history::pairing::Actor;
use crate::history::{Datum, EventType, Format, ReadError, Reading};

/// The number of lines that are looked at to tell whether a file is such a log: a log may begin
/// with other messages.
const LINES_LOOKED_AT: usize = 1000;

/// Returns whether one of the first lines holds an operation.
pub(super) fn is_log(bytes: &[u8]) -> bool {
    bytes
        .split(|byte| *byte == b'\n')
        .take(LINES_LOOKED_AT)
        .filter_map(|line| std::str::from_utf8(line).ok())
        .any(|line| fields(line).is_some())
}

/// Reads a log; lines that hold no operation are left out, and counted in a note.
pub(super) fn read(input: impl BufRead) -> Result<Reading, ReadError> {
    let mut foreign = Foreign::default();
    let mut other_lines = 0;
    let mut lines = Lines::new(input);
    while let Some((number, line)) = lines.next()? {
        let line = std::str::from_utf8(line)
            .map_err(|_| ReadError::on_line(number, "the line is not UTF-8"))?
            .trim_end_matches(['\n', '\r']);
        match fields(line) {
            Some(fields) => {
                foreign.push(&event(&fields, number)?, number)?;
            }
            None if line.contains("jepsen.util") && line.contains(":invoke") => {
                return Err(ReadError::on_line(
                    number,
                    "an operation reads: process, type, function, value",
                ));
            }
            None if line.trim().is_empty() => {}
            None => other_lines += 1,
        }
    }
    if other_lines > 0 {
        foreign
            .note(format!("{other_lines} lines of the log are not operations and were left out"));
    }
    foreign.finish(Format::JepsenLog)
}

/// The four columns of an operation.
struct Fields<'a> {
    process: &'a str,
    kind: EventType,
    f: &'a str,
    value: &'a str,
}

/// Splits a line into its columns; none when it holds no operation.
fn fields(line: &str) -> Option<Fields<'_>> {
    let operation = match line.find("jepsen.util") {
        Some(at) => line[at + "jepsen.util".len()..].trim_start_matches([' ', '-', ':']),
        None => line.trim_start(),
    };
    let (process, rest) = operation.split_once(char::is_whitespace)?;
    let (kind, rest) = rest.trim_start().split_once(char::is_whitespace)?;
    let rest = rest.trim_start();
    let (f, value) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let kind = match kind {
        ":invoke" => EventType::Invoke,
        ":ok" => EventType::Ok,
        ":fail" => EventType::Fail,
        ":info" => EventType::Info,
        _ => return None,
    };
    let f = f.strip_prefix(':')?;
    Some(Fields { process, kind, f, value: value.trim() })
}

fn event(fields: &Fields<'_>, line: usize) -> Result<LooseEvent, ReadError> {
    let datum = |edn: &str| {
        let mut text = String::new();
        Reader::new(edn.as_bytes(), line, 1).value(&mut text)?;
        Ok(Datum::of_canonical(&text).to_owned())
    };
    let actor = actor(datum(fields.process)?.borrow())
        .map_err(|reason| ReadError::on_line(line, reason))?;
    // What follows the value, such as an error's text, is not always EDN.
    let value = match (fields.value, actor) {
        ("", _) | (_, Actor::Nemesis | Actor::Controller) => NOTHING,
        (value, Actor::Client(_) | Actor::Anonymous) => datum(value)?,
    };
    // In place of a value, `:timed-out` and the like say why there is none.
    let reason = match fields.kind {
        EventType::Fail | EventType::Info => value.borrow().as_text().map(String::from),
        EventType::Invoke | EventType::Ok => None,
    };
    Ok(LooseEvent {
        index: None,
        time: 0,
        actor,
        kind: fields.kind,
        f: Some(fields.f.to_string()),
        key: None,
        value: if reason.is_some() { NOTHING } else { value },
        token: None,
        node: None,
        version: None,
        error: reason,
        attempts: None,
    })
}

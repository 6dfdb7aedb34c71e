//! Operations, values and times in words.

use crate::history::{Datum, EventType, OperationRef};

/// Values longer than this, in characters, are cut: a sentence is to be read at a glance.
const LONGEST_VALUE: usize = 60;

const NANOSECONDS_PER_SECOND: f64 = 1e9;

/// A value; null is "nothing".
pub(super) fn value(value: Datum<'_>) -> String {
    if value.is_null() {
        return "nothing".to_string();
    }
    let text = value.to_string();
    if text.chars().count() <= LONGEST_VALUE {
        return text;
    }
    let cut: String = text.chars().take(LONGEST_VALUE).collect();
    format!("{cut}…")
}

/// Who did what: `process 7 read 12 from k3`.
pub(super) fn deed(operation: OperationRef<'_>) -> String {
    let to = |preposition: &str| match operation.key() {
        Some(key) => format!(" {preposition} {key}"),
        None => String::new(),
    };
    let process = operation.process();
    let (input, output) = (value(operation.input()), value(operation.output()));
    let maybe = if operation.outcome() == EventType::Info { "may have " } else { "" };
    match operation.f() {
        "read" | "get" => format!("process {process} read {output}{}", to("from")),
        "write" | "put" => {
            let verb = if maybe.is_empty() { "wrote" } else { "written" };
            format!("process {process} {maybe}{verb} {input}{}", to("to"))
        }
        "delete" => format!("process {process} {maybe}deleted{}", to("the value of")),
        "append" => format!("process {process} {maybe}appended {input}{}", to("to")),
        "add" => format!("process {process} {maybe}added {input}{}", to("to")),
        "cas" => {
            let object = operation.key().unwrap_or("the value");
            let [from, to] = operation.input().as_pair().unwrap_or([Datum::Null; 2]).map(value);
            format!("process {process} {maybe}changed {object} from {from} to {to}")
        }
        other => format!("process {process} did {other} {input}{}", to("on")),
    }
}

/// When an operation completed, or was invoked if it never did: `at 41.203 s`. Histories without
/// times say `at event 17`.
pub(super) fn when(operation: OperationRef<'_>) -> String {
    let (time, index) = match (operation.end(), operation.completed()) {
        (Some(time), Some(index)) => (time, index),
        _ => (operation.start(), operation.invoked()),
    };
    if time == 0 {
        format!("at event {index}")
    } else {
        format!("at {:.3} s", time as f64 / NANOSECONDS_PER_SECOND)
    }
}

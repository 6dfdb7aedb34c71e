//! Jepsen's and Knossos' EDN histories.

use std::io::BufRead;

use serde_json::{Map, Value};

use crate::history::edn::Reader;
use crate::history::edn_forms::{Form, Forms};
use crate::history::reading::in_file;
use crate::history::{
    Event, EventType, Format, OperationRef, Operations, Pairing, Process, ReadError, Reading,
};

/// Reads one vector (or list) of maps, or one map after the other.
pub(super) fn read(input: impl BufRead) -> Result<Reading, ReadError> {
    let mut forms = Forms::new(input);
    let mut pairing = Pairing::default();
    let mut next_index = 0;
    let mut notes = Vec::new();
    loop {
        match forms.next()? {
            Form::End => break,
            Form::CutOff { line } => {
                notes.push(format!(
                    "the file ends within line {line}; what is cut off was left out"
                ));
                break;
            }
            Form::Map { text, line, column } => {
                let mut reader = Reader::new(&text, line, column);
                reader.take(b'{')?;
                let map = reader.map(b'}')?;
                let event =
                    event(map, next_index).map_err(|reason| ReadError::on_line(line, reason))?;
                next_index = event.index + 1;
                pairing.push_event(&event, line).map_err(in_file)?;
            }
        }
    }
    let mut operations = pairing.finish();
    if are_independent_keys(&operations) {
        operations.split_pairs();
        notes.push(
            "every value is a pair, as jepsen.independent writes them: judged as [key value]"
                .to_string(),
        );
    }
    Ok(Reading { operations, format: Format::JepsenEdn, notes })
}

/// Makes an event of a map. `next_index` is used where the history does not number its events.
fn event(mut map: Map<String, Value>, next_index: u64) -> Result<Event, String> {
    let process = process(map.remove("process").ok_or("the event has no :process")?)?;
    let kind = match map.remove("type").as_ref().and_then(Value::as_str) {
        Some("invoke") => EventType::Invoke,
        Some("ok") => EventType::Ok,
        Some("fail") => EventType::Fail,
        Some("info") => EventType::Info,
        Some(other) => {
            return Err(format!("unknown :type :{other}; there are :invoke, :ok, :fail, :info"));
        }
        None => return Err("the event has no :type".to_string()),
    };
    let f = match (map.remove("f"), process) {
        (Some(Value::String(f)), _) => f,
        (_, Process::Client(_)) => return Err("the operation has no :f".to_string()),
        // Some nemeses note things without naming an operation.
        _ => String::new(),
    };
    let index = match map.remove("index") {
        None | Some(Value::Null) => next_index,
        Some(index) => index.as_u64().ok_or_else(|| format!("{index} is not an :index"))?,
    };
    Ok(Event {
        index,
        // The nemesis may note something a moment before the clock's zero.
        time: map.remove("time").as_ref().and_then(Value::as_u64).unwrap_or(0),
        process,
        kind,
        f,
        key: map.remove("key").and_then(text),
        value: map.remove("value").unwrap_or(Value::Null),
        token: None,
        node: map.remove("node").and_then(text),
        version: None,
        error: map.remove("error").and_then(text),
        attempts: Vec::new(),
    })
}

/// Jepsen numbers its clients and names everybody else.
pub(super) fn process(value: Value) -> Result<Process, String> {
    match value {
        Value::Number(number) => number
            .as_u64()
            .map(Process::Client)
            .ok_or_else(|| format!("{number} is not the number of a process")),
        Value::String(_) => Ok(Process::Nemesis),
        other => Err(format!("{other} is not a process")),
    }
}

/// A scalar as a name; none for nil.
fn text(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}

/// `jepsen.independent` makes every value a pair of key and value. Whether that is certain: every
/// value of a client is a pair, reads ask with `[key nil]` and cas with `[key [from to]]`, so that
/// no cas of a single register is mistaken for a write of a key.
fn are_independent_keys(operations: &Operations) -> bool {
    let is_pair = |operation: OperationRef<'_>| {
        operation.key().is_none()
            && operation.input().as_pair().is_some()
            && (operation.outcome() != EventType::Ok || operation.output().as_pair().is_some())
    };
    let shows_a_key = |operation: OperationRef<'_>| {
        operation.input().as_pair().is_some_and(|[_, value]| match operation.f() {
            "read" => value.is_null(),
            "cas" => value.as_list().is_some(),
            _ => false,
        })
    };
    operations.iter().all(is_pair)
        && operations.iter().filter(|operation| operation.f() == "cas").all(shows_a_key)
        && operations.iter().any(shows_a_key)
}

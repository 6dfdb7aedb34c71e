//! Jepsen's and Knossos' EDN histories.

use serde_json::{Map, Value};

use crate::history::edn::Reader;
use crate::history::{Event, EventType, Format, History, Process, ReadError, Reading};

/// Reads one vector (or list) of maps, or one map after the other.
pub(super) fn read(bytes: &[u8]) -> Result<Reading, ReadError> {
    let mut reader = Reader::new(bytes);
    let close = if reader.take(b'[')? {
        Some(b']')
    } else if reader.take(b'(')? {
        Some(b')')
    } else {
        None
    };
    let mut events: Vec<Event> = Vec::new();
    let mut lines = Vec::new();
    loop {
        reader.skip_tags()?;
        match (reader.peek()?, close) {
            (None, None) => break,
            (None, Some(_)) => {
                return Err(reader.error("the file ends before the history's closing bracket"));
            }
            (Some(next), Some(close)) if next == close => {
                reader.take(close)?;
                if reader.peek()?.is_some() {
                    return Err(reader.error("something follows the history's closing bracket"));
                }
                break;
            }
            (Some(b'{'), _) => {
                let line = reader.line();
                reader.take(b'{')?;
                let map = reader.map(b'}')?;
                let next_index = events.last().map_or(0, |event| event.index + 1);
                let event =
                    event(map, next_index).map_err(|reason| ReadError::on_line(line, reason))?;
                events.push(event);
                lines.push(line);
            }
            _ => return Err(reader.error("expected an event, which is a map: {:process 0 …}")),
        }
    }
    let mut notes = Vec::new();
    if split_independent_keys(&mut events) {
        notes.push(
            "every value is a pair, as jepsen.independent writes them: judged as [key value]"
                .to_string(),
        );
    }
    Ok(Reading { history: History { events }, format: Format::JepsenEdn, lines, notes })
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

/// `jepsen.independent` makes every value a pair of key and value. Splits them when that is
/// certain: every value of a client is a pair, reads ask with `[key nil]` and cas with
/// `[key [from to]]`, so that no cas of a single register is mistaken for a write of a key.
fn split_independent_keys(events: &mut [Event]) -> bool {
    let clients = || events.iter().filter(|event| matches!(event.process, Process::Client(_)));
    let is_pair = |event: &Event| event.value.as_array().is_some_and(|pair| pair.len() == 2);
    let shows_a_key = |event: &Event| {
        event.kind == EventType::Invoke
            && match event.f.as_str() {
                "read" => event.value[1].is_null(),
                "cas" => event.value[1].is_array(),
                _ => false,
            }
    };
    let certain = clients().all(|event| event.key.is_none() && is_pair(event))
        && clients()
            .filter(|event| event.kind == EventType::Invoke && event.f == "cas")
            .all(shows_a_key)
        && clients().any(shows_a_key);
    if certain {
        for event in events {
            if let (Process::Client(_), Value::Array(pair)) = (event.process, &mut event.value) {
                let value = pair.pop().unwrap_or(Value::Null);
                event.key = pair.pop().and_then(text);
                event.value = value;
            }
        }
    }
    certain
}

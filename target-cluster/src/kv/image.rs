//! The state as text, piece by piece, and read again: the part of a snapshot that is of this module.
//!
//! One JSON array a line: `["item",key,kind,value]`, behind it `["more",elements]` where a list, set or
//! queue does not fit into a line, and `["session",…]` after the last item.

use serde::Serialize;
use serde_json::Value;

use super::item::{Item, Lock};
use super::sessions::Session;
use super::size::json_bytes;
use super::{Answer, OperationResult, SharedValue, Store};
use crate::bugs::Bugs;

/// About the most bytes of a line, but for its last element.
const LINE_BYTES: usize = 64 * 1024;

/// A place within the text of a state, at the beginning of a line.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum ImageCursor {
    /// Behind the item under that key (or before the first), and so many elements of the next.
    Items { after: Option<String>, elements: usize },
    /// Behind the session of that name, or before the first.
    Sessions { after: Option<String> },
}

/// A line that is none of a state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no line of a snapshot here")]
pub(crate) struct Unreadable(String);

impl Unreadable {
    /// The line, as far as it fits into a message.
    pub(crate) fn line(line: &str) -> Unreadable {
        Unreadable(line.chars().take(80).collect())
    }
}

impl ImageCursor {
    /// The beginning.
    pub(crate) fn start() -> ImageCursor {
        ImageCursor::Items { after: None, elements: 0 }
    }
}

impl Store {
    /// Writes lines from a place on until `out` has about `bytes_max` bytes; returns the place behind
    /// them, or none at the end.
    pub(crate) fn write_image(
        &self,
        from: ImageCursor,
        bytes_max: usize,
        out: &mut Vec<u8>,
    ) -> Option<ImageCursor> {
        let after = match from {
            ImageCursor::Items { after, elements } => {
                if let Some(rest) = self.write_items(after, elements, bytes_max, out) {
                    return Some(rest);
                }
                None
            }
            ImageCursor::Sessions { after } => after,
        };
        let mut last = None;
        for (name, session) in self.sessions().after(after.as_deref()) {
            if out.len() >= bytes_max {
                return Some(ImageCursor::Sessions { after: last.or(after.clone()) });
            }
            let Session { number, fingerprint, answer, used } = session;
            let (result, value) = result_as_text(&answer.result);
            let value = value.map(|value| [value]);
            let version = answer.version;
            line(out, &("session", name, number, fingerprint, used, version, result, value));
            last = Some(name.clone());
        }
        None
    }

    fn write_items(
        &self,
        mut after: Option<String>,
        mut elements: usize,
        bytes_max: usize,
        out: &mut Vec<u8>,
    ) -> Option<ImageCursor> {
        let start = after.clone();
        for (key, item) in self.values().items_after(start.as_deref()) {
            if out.len() >= bytes_max {
                return Some(ImageCursor::Items { after, elements });
            }
            let sequence = match item {
                Item::Value(value) => {
                    line(out, &("item", key, "value", value));
                    None
                }
                Item::Lock(Lock { owner, token }) => {
                    line(out, &("item", key, "lock", (owner, token)));
                    None
                }
                Item::List(list) => Some(("list", list)),
                Item::Set(set) => Some(("set", set.elements())),
                Item::Queue(queue) => Some(("queue", queue)),
            };
            if let Some((kind, sequence)) = sequence {
                let mut rest = sequence.iter().skip(elements).peekable();
                loop {
                    let (mut some, mut bytes) = (Vec::new(), 0);
                    while bytes < LINE_BYTES
                        && let Some(element) = rest.next()
                    {
                        bytes += 1 + json_bytes(element);
                        some.push(element);
                    }
                    match elements {
                        0 => line(out, &("item", key, kind, &some)),
                        _ => line(out, &("more", &some)),
                    }
                    elements += some.len();
                    if rest.peek().is_none() {
                        break;
                    }
                    if out.len() >= bytes_max {
                        return Some(ImageCursor::Items { after, elements });
                    }
                }
            }
            (after, elements) = (Some(key.clone()), 0);
        }
        None
    }
}

/// Adds a line.
pub(crate) fn line(out: &mut Vec<u8>, content: &impl Serialize) {
    serde_json::to_writer(&mut *out, content).expect("it has a JSON form");
    out.push(b'\n');
}

fn result_as_text(result: &OperationResult) -> (&'static str, Option<&SharedValue>) {
    match result {
        OperationResult::Ok(value) => ("ok", Some(value)),
        OperationResult::PreconditionFailed { actual } => ("precondition-failed", actual.as_ref()),
        OperationResult::WrongType { actual } => ("wrong-type", actual.as_ref()),
        OperationResult::Empty => ("empty", None),
        OperationResult::TooLarge => ("too-large", None),
    }
}

/// A state that is read, line by line.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ImageReader {
    store: Store,
    /// The key of the last item.
    last: Option<String>,
}

impl ImageReader {
    /// Nothing is read yet.
    pub(crate) fn new(bugs: &Bugs) -> ImageReader {
        ImageReader { store: Store::new(bugs), last: None }
    }

    /// Reads the fields of a line. False if they are of another part of a snapshot.
    pub(crate) fn read(&mut self, fields: &mut [Value]) -> Option<bool> {
        let kind = fields.first()?.as_str()?.to_string();
        match kind.as_str() {
            "item" => {
                let [_, key, kind, value] = &mut fields[..] else { return None };
                let (key, value) = (key.as_str()?.to_string(), value.take());
                let item = match kind.as_str()? {
                    "value" => Item::Value(value.into()),
                    "list" => Item::List(array(value)?.into()),
                    "queue" => Item::Queue(array(value)?.into()),
                    "set" => Item::Set(array(value)?.into_iter().collect()),
                    "lock" => {
                        let [owner, token] = &array(value)?[..] else { return None };
                        let (owner, token) = (owner.as_str()?.to_string(), token.as_u64()?);
                        Item::Lock(Lock { owner, token })
                    }
                    _ => return None,
                };
                self.store.values_mut().put(key.clone(), item);
                self.last = Some(key);
            }
            "more" => {
                let [_, elements] = &mut fields[..] else { return None };
                let elements = array(elements.take())?;
                match self.store.values_mut().under(self.last.as_deref()?)? {
                    Item::List(sequence) | Item::Queue(sequence) => sequence.extend(elements),
                    Item::Set(set) => set.extend(elements),
                    Item::Value(_) | Item::Lock(_) => return None,
                }
            }
            "session" => {
                let [_, name, number, fingerprint, used, version, result, value] = &mut fields[..]
                else {
                    return None;
                };
                let found = array(value.take()).and_then(|mut found| found.pop());
                let actual = found.map(SharedValue::Own);
                let result = match result.as_str()? {
                    "ok" => OperationResult::Ok(actual?),
                    "precondition-failed" => OperationResult::PreconditionFailed { actual },
                    "wrong-type" => OperationResult::WrongType { actual },
                    "empty" => OperationResult::Empty,
                    "too-large" => OperationResult::TooLarge,
                    _ => return None,
                };
                let session = Session {
                    number: number.as_u64()?,
                    fingerprint: fingerprint.as_u64()?,
                    answer: Answer { result, version: version.as_u64()? },
                    used: used.as_u64()?,
                };
                self.store.sessions_mut().put(name.as_str()?, session);
            }
            _ => return Some(false),
        }
        Some(true)
    }

    /// The state, as it was when so many entries were applied.
    pub(crate) fn finish(self, applied: u64) -> Store {
        self.store.applied_through(applied)
    }
}

fn array(value: Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(elements) => Some(elements),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kv::{EncodedCommand, Operation, RequestBody};

    /// Writes a state in pieces of about so many bytes, and reads it again.
    fn through_text(store: &Store, bytes_max: usize) -> (Store, usize) {
        let (mut reader, mut pieces) = (ImageReader::new(&Bugs::new()), 0);
        let mut from = Some(ImageCursor::start());
        while let Some(cursor) = from {
            let mut text = Vec::new();
            from = store.write_image(cursor, bytes_max, &mut text);
            pieces += 1;
            for line in String::from_utf8(text).unwrap().lines() {
                let mut fields: Vec<Value> = serde_json::from_str(line).unwrap();
                assert_eq!(reader.read(&mut fields), Some(true), "{line}");
            }
        }
        (reader.finish(store.applied()), pieces)
    }

    fn store() -> Store {
        let mut store = Store::new(&Bugs::new());
        let bodies = [
            json!({"f": "write", "key": "value", "value": {"b": 0.1, "a": [1e300]}, "token": "s:1"}),
            json!({"f": "write", "key": "text", "value": "x\n\u{2028}\"", "token": "t:7"}),
            json!({"f": "append", "key": "text", "value": 1, "token": "t:8"}),
            json!({"f": "cas", "key": "list", "value": [1, 2], "token": "u:1"}),
            json!({"f": "dequeue", "key": "nothing", "token": "v:1"}),
            json!({"f": "acquire", "key": "lock", "value": "p1", "token": "w:1"}),
            json!({"f": "enqueue", "key": "queue", "value": 1}),
            json!({"f": "dequeue", "key": "queue", "token": "x:1"}),
            json!({"f": "insert", "key": "set", "value": {"k": 1}}),
            json!({"f": "txn", "value": [["append", "list", 1], ["r", "list", null]], "token": "y:1"}),
        ];
        let many = (0..300).map(|number| json!({"f": "append", "key": "list", "value": number}));
        let large =
            (0..5).map(|_| json!({"f": "append", "key": "l2", "value": "x".repeat(60_000)}));
        let set = (0..300).map(|number| json!({"f": "insert", "key": "set", "value": number}));
        for body in bodies.into_iter().chain(many).chain(large).chain(set) {
            let body: RequestBody = serde_json::from_value(body).unwrap();
            let Operation::Command(command) = body.into_operation().unwrap() else { panic!() };
            store.apply(store.applied() + 1, &EncodedCommand::new(&command));
        }
        store
    }

    #[test]
    fn a_state_is_read_as_it_was_written_in_pieces_of_any_size() {
        let store = store();
        for bytes_max in [1, 500, 100_000, usize::MAX] {
            let (read, pieces) = through_text(&store, bytes_max);
            assert_eq!(read, store, "in pieces of {bytes_max} bytes");
            assert_eq!(pieces == 1, bytes_max == usize::MAX, "{pieces}");
        }
        assert_eq!(through_text(&Store::new(&Bugs::new()), 1).0, Store::new(&Bugs::new()));
    }

    #[test]
    fn what_is_applied_to_a_state_that_was_read_gets_the_same_answers() {
        let mut store = store();
        let mut read = through_text(&store, 500).0;
        for body in [
            json!({"f": "append", "key": "list", "value": 9, "token": "y:2"}),
            json!({"f": "insert", "key": "set", "value": 7, "token": "z:1"}),
            json!({"f": "txn", "value": [["append", "list", 1], ["r", "list", null]], "token": "y:1"}),
            json!({"f": "cas", "key": "list", "value": [1, 2], "token": "u:1"}),
            json!({"f": "release", "key": "lock", "value": "p1"}),
        ] {
            let body: RequestBody = serde_json::from_value(body).unwrap();
            let Operation::Command(command) = body.into_operation().unwrap() else { panic!() };
            let (next, command) = (store.applied() + 1, EncodedCommand::new(&command));
            assert_eq!(read.apply(next, &command), store.apply(next, &command));
            assert_eq!(read, store);
        }
    }
}

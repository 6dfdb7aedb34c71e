//! The operations of a history, a hundred bytes each, so that a night fits into memory.

use std::collections::HashMap;

use serde_json::Value;

use crate::history::datum::Datum;
use crate::history::event_line::word;
use crate::history::{Attempt, EventType, Operation, Process};
use crate::scrambler::Scrambled;

/// Every operation that clients invoked, by invocation. Those that failed are among them.
#[derive(Debug, Clone, Default)]
pub struct Operations {
    pub(super) rows: Vec<Row>,
    processes: Vec<u64>,
    pub(super) functions: Names,
    keys: Names,
    nodes: Names,
    pub(super) texts: Texts,
}

/// The place of an operation in [`Operations`], counted from 0.
pub type Place = u32;

/// The part of an operation that is kept.
#[derive(Debug, Clone)]
pub(super) struct Row {
    invoked: u64,
    pub(super) completed: u64,
    start: u64,
    end: u64,
    version: u64,
    input: Kept,
    output: Kept,
    token: TextId,
    attempts: TextId,
    /// Its position in the list of processes, which takes half the room of its name.
    process: u32,
    key: u32,
    pub(super) function: u32,
    node: u32,
    line: u32,
    outcome: EventType,
    refusal: Refusal,
}

/// A [`Datum`] whose text is in [`Texts`]: the lowest two bits say of what kind it is, the others
/// hold a small value, a number or where the text begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kept(i64);

impl Row {
    /// The index of a completion that never came.
    pub(super) const NEVER: u64 = NONE;

    /// The same operation by another name and at another time.
    pub(super) fn at(&self, function: u32, invoked: u64, completed: u64) -> Row {
        Row { function, invoked, completed, ..self.clone() }
    }

    /// The same with another answer.
    pub(super) fn with_output(self, output: Kept) -> Row {
        Row { output, ..self }
    }

    /// Returns whether it was completed behind the event with this index.
    fn is_open_at(&self, index: u64) -> bool {
        some(self.completed).is_some_and(|completed| completed > index)
    }

    /// The same before anything was heard of it.
    fn not_completed(self) -> Row {
        Row {
            completed: NONE,
            end: NONE,
            version: NONE,
            output: Kept::NULL,
            attempts: TextId::NONE,
            node: NO_NAME,
            outcome: EventType::Info,
            refusal: Refusal::None,
            ..self
        }
    }

    /// The same as something that did not happen.
    pub(super) fn not_refuted(self) -> Row {
        Row { refusal: Refusal::None, ..self }
    }
}

impl Kept {
    const NULL: Kept = Kept(0 << KIND_BITS | SMALL);
    const FALSE: Kept = Kept(1 << KIND_BITS | SMALL);
    const TRUE: Kept = Kept(2 << KIND_BITS | SMALL);
}

const KIND_BITS: u32 = 2;
const SMALL: i64 = 0;
const INTEGER: i64 = 1;
/// A number that needs all of its bits, as text.
const GREAT_INTEGER: i64 = 2;
const JSON: i64 = 3;

/// The errors by which a completion says that the service answered, and that the answer was no.
pub const REFUTED: [&str; 3] = ["precondition_failed", "empty", "exhausted"];

/// The certainty with which an operation failed because its precondition was unmet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    /// It did not fail, or for another reason.
    None,
    /// It failed without a reason, as many of Jepsen's histories have it.
    Silent,
    /// One of the errors says so.
    Said,
}

/// Stands for "none" in a row.
const NONE: u64 = u64::MAX;
const NO_NAME: u32 = u32::MAX;

/// An operation, as models and explanations read it.
#[derive(Debug, Clone, Copy)]
pub struct OperationRef<'a> {
    operations: &'a Operations,
    row: &'a Row,
    outcome: EventType,
}

impl Operations {
    /// The number of them.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns whether nothing was invoked.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The operation at a place.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn get(&self, place: Place) -> OperationRef<'_> {
        self.of_row(&self.rows[place as usize])
    }

    /// All of them, by invocation.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = OperationRef<'_>> + DoubleEndedIterator {
        self.rows.iter().map(|row| self.of_row(row))
    }

    fn of_row<'a>(&'a self, row: &'a Row) -> OperationRef<'a> {
        OperationRef { operations: self, row, outcome: row.outcome }
    }

    /// The names of all functions that were invoked, in the order in which they were first.
    pub fn functions(&self) -> impl Iterator<Item = &str> {
        self.functions.names.iter().map(|name| &**name)
    }

    /// The names of all keys, by [`OperationRef::key_number`].
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &str> {
        self.keys.names.iter().map(|name| &**name)
    }

    /// Forgets everything behind the event with this index: what remains are the operations as they
    /// were known right after it.
    pub fn truncate(&mut self, index: u64) {
        let invoked = self.rows.partition_point(|row| row.invoked <= index);
        self.rows.truncate(invoked);
        for row in self.rows.iter_mut().filter(|row| row.is_open_at(index)) {
            *row = row.clone().not_completed();
        }
    }

    /// The operations as they were known right after the event with this index.
    pub(crate) fn until(&self, index: u64) -> Operations {
        let invoked = self.rows.iter().take_while(|row| row.invoked <= index);
        let rows = invoked.cloned().map(|row| match row.is_open_at(index) {
            true => row.not_completed(),
            false => row,
        });
        Operations {
            rows: rows.collect(),
            processes: self.processes.clone(),
            functions: self.functions.clone(),
            keys: self.keys.clone(),
            nodes: self.nodes.clone(),
            texts: self.texts.clone(),
        }
    }

    /// Makes a process known, and numbers it.
    pub(super) fn add_process(&mut self, name: u64) -> u32 {
        let number = u32::try_from(self.processes.len()).expect("fewer than 2^32 processes");
        self.processes.push(name);
        number
    }

    pub(super) fn open(&mut self, opened: &Opened<'_>, line: usize) -> Place {
        let place = Place::try_from(self.rows.len()).expect("fewer than 2^32 operations");
        let row = Row {
            process: opened.process,
            invoked: opened.index,
            completed: NONE,
            start: opened.time,
            end: NONE,
            version: NONE,
            input: self.texts.keep_datum(opened.input),
            output: Kept::NULL,
            token: opened.token.map_or(TextId::NONE, |token| self.texts.keep(token)),
            attempts: TextId::NONE,
            key: opened.key.map_or(NO_NAME, |key| self.keys.number(key)),
            function: self.functions.number(opened.function),
            node: NO_NAME,
            line: u32::try_from(line).unwrap_or(u32::MAX),
            outcome: EventType::Info,
            refusal: Refusal::None,
        };
        self.rows.push(row);
        place
    }

    /// Completes an operation. Who completes has compared function and key before.
    pub(super) fn close(&mut self, place: Place, closed: &Closed<'_>) {
        let row = &mut self.rows[place as usize];
        row.outcome = closed.outcome;
        row.refusal = match (closed.outcome, closed.error, closed.output.as_text()) {
            (EventType::Fail, Some(error), _) if REFUTED.contains(&error) => Refusal::Said,
            (EventType::Fail, Some(_), _) => Refusal::None,
            // Some clients say so in place of a value.
            (EventType::Fail, None, Some(text)) if REFUTED.contains(&word(&text)) => Refusal::Said,
            (EventType::Fail, None, _) => Refusal::Silent,
            _ => Refusal::None,
        };
        if let Some(node) = closed.node {
            row.node = self.nodes.number(node);
        }
        if let (NO_NAME, Some(key)) = (row.key, closed.key) {
            // Some recorders name the key only in the answer.
            row.key = self.keys.number(key);
        }
        if let Some(attempts) = closed.attempts {
            row.attempts = self.texts.keep(attempts);
        }
        row.version = closed.version.unwrap_or(NONE);
        // An unknown outcome never ends: the operation may take effect at any later time.
        if closed.outcome != EventType::Info {
            row.completed = closed.index;
            row.end = closed.time;
        }
        if closed.outcome == EventType::Ok {
            row.output = self.texts.keep_datum(closed.output);
        }
    }

    /// Lets every operation overlap every other: it is only known in which order they were seen.
    pub(super) fn overlap_all(&mut self) {
        let count = self.rows.len() as u64;
        for (place, row) in (0..).zip(&mut self.rows) {
            row.invoked = place;
            if row.completed != NONE {
                row.completed = count + place;
            }
        }
    }

    /// Gives every operation the same name.
    pub(super) fn rename_all(&mut self, function: &str) {
        self.functions = Names::default();
        let number = self.functions.number(function);
        for row in &mut self.rows {
            row.function = number;
        }
    }

    /// Splits every value into the key and the value of which it is a pair.
    pub(super) fn split_pairs(&mut self) {
        let mut text = String::new();
        for place in 0..self.rows.len() {
            for input in [true, false] {
                let kept = match input {
                    true => self.rows[place].input,
                    false => self.rows[place].output,
                };
                let Some([key, value]) = self.texts.datum(kept).as_pair() else { continue };
                if !key.is_null() && self.rows[place].key == NO_NAME {
                    let name = key.as_text().map_or_else(|| key.to_string(), |name| name.into());
                    self.rows[place].key = self.keys.number(&name);
                }
                // The value is a part of the text that it comes from, which stays as it is.
                text.clear();
                let value = match value {
                    Datum::Json(json) => {
                        text.push_str(json);
                        Datum::Json(&text)
                    }
                    Datum::Null => Datum::Null,
                    Datum::Bool(truth) => Datum::Bool(truth),
                    Datum::Integer(number) => Datum::Integer(number),
                };
                let kept = self.texts.keep_datum(value);
                match input {
                    true => self.rows[place].input = kept,
                    false => self.rows[place].output = kept,
                }
            }
        }
    }
}

impl<'a> OperationRef<'a> {
    /// The process that invoked it.
    pub fn process(self) -> u64 {
        self.operations.processes[self.row.process as usize]
    }

    /// Its name: `read`, `write`, `cas`…
    pub fn f(self) -> &'a str {
        self.operations.functions.name(self.row.function).expect("every operation has a function")
    }

    /// The key it acted on.
    pub fn key(self) -> Option<&'a str> {
        self.operations.keys.name(self.row.key)
    }

    /// The position of its key in [`Operations::keys`].
    pub fn key_number(self) -> Option<usize> {
        (self.row.key != NO_NAME).then_some(self.row.key as usize)
    }

    /// The argument.
    pub fn input(self) -> Datum<'a> {
        self.operations.texts.datum(self.row.input)
    }

    /// The result, when the outcome is `ok`; else null.
    pub fn output(self) -> Datum<'a> {
        self.operations.texts.datum(self.row.output)
    }

    /// `ok`, `fail` or `info`; `info` also when nothing was heard of it.
    pub fn outcome(self) -> EventType {
        self.outcome
    }

    /// Returns whether it failed because the service found its precondition unmet, as a
    /// compare-and-set that found another value, or without a reason, which may mean that. Other
    /// failures did not happen at all.
    pub fn was_refuted(self) -> bool {
        self.row.refusal != Refusal::None
    }

    /// Returns whether it failed because the service found its precondition unmet, and the history
    /// says so.
    pub fn was_said_to_be_refuted(self) -> bool {
        self.row.refusal == Refusal::Said
    }

    /// Index of the invocation in the history.
    pub fn invoked(self) -> u64 {
        self.row.invoked
    }

    /// Index of the completion; none for an operation that never ended (`info` counts as never).
    pub fn completed(self) -> Option<u64> {
        some(self.row.completed)
    }

    /// Time of the invocation, in nanoseconds since the start.
    pub fn start(self) -> u64 {
        self.row.start
    }

    /// Time of the completion, in nanoseconds since the start; none when it never ended.
    pub fn end(self) -> Option<u64> {
        some(self.row.end)
    }

    /// The node that answered.
    pub fn node(self) -> Option<&'a str> {
        self.operations.nodes.name(self.row.node)
    }

    /// The idempotency token.
    pub fn token(self) -> Option<&'a str> {
        self.operations.texts.get(self.row.token)
    }

    /// The version at which the service answered.
    pub fn version(self) -> Option<u64> {
        some(self.row.version)
    }

    /// Every request that was made for it, in order.
    pub fn attempts(self) -> Vec<Attempt> {
        let text = self.operations.texts.get(self.row.attempts);
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    /// The line of its invocation in its file, counted from 1; of a history that was never in a
    /// file, the position of the event, counted from 0.
    pub fn line(self) -> usize {
        self.row.line as usize
    }

    /// The same operation as if nothing had been heard of it.
    pub(crate) fn as_unknown(self) -> OperationRef<'a> {
        OperationRef { outcome: EventType::Info, ..self }
    }

    /// The same in a form that is saved, printed and drawn.
    pub fn to_owned(self) -> Operation {
        Operation {
            process: Process::Client(self.process()),
            f: self.f().to_string(),
            key: self.key().map(str::to_string),
            input: self.input().to_value(),
            output: match self.outcome() {
                EventType::Ok => self.output().to_value(),
                _ => Value::Null,
            },
            outcome: self.outcome(),
            invoked: self.invoked(),
            completed: self.completed(),
            start: self.start(),
            end: self.end(),
            node: self.node().map(str::to_string),
            token: self.token().map(str::to_string),
            version: self.version(),
            attempts: self.attempts(),
        }
    }
}

fn some(number: u64) -> Option<u64> {
    (number != NONE).then_some(number)
}

/// The content of an invocation.
pub(super) struct Opened<'a> {
    /// Its number, of [`Operations::add_process`].
    pub(super) process: u32,
    pub(super) index: u64,
    pub(super) time: u64,
    pub(super) function: &'a str,
    pub(super) key: Option<&'a str>,
    pub(super) input: Datum<'a>,
    pub(super) token: Option<&'a str>,
}

/// The content of a completion.
pub(super) struct Closed<'a> {
    pub(super) outcome: EventType,
    pub(super) index: u64,
    pub(super) time: u64,
    pub(super) key: Option<&'a str>,
    pub(super) output: Datum<'a>,
    pub(super) node: Option<&'a str>,
    pub(super) version: Option<u64>,
    pub(super) error: Option<&'a str>,
    /// As a JSON array.
    pub(super) attempts: Option<&'a str>,
}

/// Names that occur again and again, numbered in the order in which they were met.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    names: Vec<Box<str>>,
    numbers: HashMap<Box<str>, u32, Scrambled>,
    /// The name asked for last: it is often asked for again.
    last: u32,
}

impl Names {
    pub(super) fn number(&mut self, name: &str) -> u32 {
        if self.names.get(self.last as usize).is_some_and(|last| **last == *name) {
            return self.last;
        }
        self.last = match self.numbers.get(name) {
            Some(number) => *number,
            None => {
                let number = self.names.len() as u32;
                self.names.push(name.into());
                self.numbers.insert(name.into(), number);
                number
            }
        };
        self.last
    }

    pub(super) fn name(&self, number: u32) -> Option<&str> {
        self.names.get(number as usize).map(|name| &**name)
    }
}

/// The beginning of a text in [`Texts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct TextId(u64);

impl TextId {
    const NONE: TextId = TextId(NONE);
}

/// Texts of any length, one behind the other in chunks that never move.
#[derive(Debug, Clone, Default)]
pub(super) struct Texts {
    chunks: Vec<Vec<u8>>,
}

/// Bytes of a chunk. A longer text gets a chunk of its own.
const CHUNK: usize = 1 << 20;

/// The bits of a [`TextId`] below the number of the chunk.
const CHUNK_BITS: u32 = 20;

/// Bytes of the length that stands before each text.
const LENGTH: usize = size_of::<u32>();

impl Texts {
    fn keep(&mut self, text: &str) -> TextId {
        let length = u32::try_from(text.len()).expect("a text of less than 4 GiB");
        let needed = LENGTH + text.len();
        let full = self
            .chunks
            .last()
            .is_none_or(|last| last.capacity() - last.len() < needed || last.len() >= CHUNK);
        if full {
            self.chunks.push(Vec::with_capacity(needed.max(CHUNK)));
        }
        let number = self.chunks.len() as u64 - 1;
        let chunk = self.chunks.last_mut().expect("just made");
        let id = TextId(number << CHUNK_BITS | chunk.len() as u64);
        chunk.extend_from_slice(&length.to_le_bytes());
        chunk.extend_from_slice(text.as_bytes());
        id
    }

    fn get(&self, id: TextId) -> Option<&str> {
        if id == TextId::NONE {
            return None;
        }
        let chunk = &self.chunks[(id.0 >> CHUNK_BITS) as usize];
        let at = (id.0 & (CHUNK as u64 - 1)) as usize;
        let (length, rest) = chunk[at..].split_at(LENGTH);
        let length = u32::from_le_bytes(length.try_into().expect("four bytes")) as usize;
        Some(std::str::from_utf8(&rest[..length]).expect("only texts are kept"))
    }

    pub(super) fn keep_datum(&mut self, datum: Datum<'_>) -> Kept {
        match datum {
            Datum::Null => Kept::NULL,
            Datum::Bool(false) => Kept::FALSE,
            Datum::Bool(true) => Kept::TRUE,
            Datum::Integer(number) if number << KIND_BITS >> KIND_BITS == number => {
                Kept(number << KIND_BITS | INTEGER)
            }
            Datum::Integer(number) => self.keep_text(&number.to_string(), GREAT_INTEGER),
            Datum::Json(json) => self.keep_text(json, JSON),
        }
    }

    fn keep_text(&mut self, text: &str, kind: i64) -> Kept {
        Kept((self.keep(text).0 as i64) << KIND_BITS | kind)
    }

    fn datum(&self, kept: Kept) -> Datum<'_> {
        let rest = kept.0 >> KIND_BITS;
        let text = || self.get(TextId(rest as u64)).expect("it was kept");
        match kept.0 & ((1 << KIND_BITS) - 1) {
            INTEGER => Datum::Integer(rest),
            GREAT_INTEGER => Datum::Integer(text().parse().expect("it was a number")),
            JSON => Datum::Json(text()),
            _ => match kept {
                Kept::NULL => Datum::Null,
                truth => Datum::Bool(truth == Kept::TRUE),
            },
        }
    }
}

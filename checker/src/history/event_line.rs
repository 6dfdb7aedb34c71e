//! One JSON event, as stormproof and other tools write it.
//!
//! A history has millions of events, and nearly all are written by a program that writes them in
//! one form. [`parse`] reads that form in one pass and keeps places in the text; all that differs
//! in anything takes the way of [`LooseEvent::of_json`], which decides what is an event and says
//! what is wrong with one that is none.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer};
use serde_json::value::RawValue;

use crate::history::datum::Datum;
use crate::history::json;
use crate::history::pairing::{Actor, Parts};
use crate::history::{EventType, OwnedDatum};

/// An event whose texts are places in the text that it was read from.
#[derive(Debug, Clone, Default)]
pub(super) struct Spans {
    index: Option<u64>,
    time: u64,
    process: Option<u64>,
    kind: Option<EventType>,
    version: Option<u64>,
    f: Span,
    key: Span,
    value: Span,
    token: Span,
    node: Span,
    error: Span,
    attempts: Span,
}

/// A part of a text; empty stands for none.
#[derive(Debug, Clone, Copy, Default)]
struct Span {
    from: u32,
    to: u32,
}

impl Span {
    fn of(self, text: &str) -> Option<&str> {
        (self.from < self.to).then(|| &text[self.from as usize..self.to as usize])
    }
}

impl Spans {
    /// The event, whose texts are parts of `text`.
    pub(super) fn parts<'a>(&self, text: &'a str) -> Parts<'a> {
        Parts {
            index: self.index,
            time: self.time,
            actor: self.process.map_or(Actor::Anonymous, Actor::Client),
            kind: self.kind.expect("an event without a type is not read here"),
            f: self.f.of(text),
            key: self.key.of(text),
            value: self.value.of(text).map_or(Datum::Null, Datum::of_canonical),
            token: self.token.of(text),
            node: self.node.of(text),
            version: self.version,
            error: self.error.of(text),
            attempts: self.attempts.of(text),
        }
    }
}

/// Reads the event that begins at `from`, if it is a client's and is written as nearly all are: on
/// one line, no field twice, none that is not known, texts without escapes that are not empty, the
/// value in its only form. Returns also where it ends.
pub(super) fn parse(text: &str, from: usize) -> Option<(Spans, usize)> {
    let json = text.as_bytes();
    let mut event = Spans::default();
    let mut seen = 0_u32;
    let mut at = json::blank_end(json, from);
    if *json.get(at)? != b'{' {
        return None;
    }
    loop {
        let name_at = json::blank_end(json, at + 1);
        if *json.get(name_at)? != b'"' {
            return None;
        }
        let name_end = json::plain_string_end(json, name_at)?;
        let colon = json::blank_end(json, name_end);
        if *json.get(colon)? != b':' {
            return None;
        }
        let from = json::blank_end(json, colon + 1);
        let field = Field::of(&json[name_at + 1..name_end - 1])?;
        if seen & 1 << field as u32 != 0 {
            return None;
        }
        seen |= 1 << field as u32;
        let end = event.take(field, json, from)?;
        at = json::blank_end(json, end);
        match json.get(at)? {
            b',' => {}
            b'}' => break,
            _ => return None,
        }
    }
    let needed = [Field::Process, Field::Type, Field::F];
    let is_whole = needed.into_iter().all(|field| seen & 1 << field as u32 != 0);
    is_whole.then_some((event, at + 1))
}

#[derive(Clone, Copy)]
enum Field {
    Index,
    Time,
    Process,
    Type,
    F,
    Key,
    Value,
    Token,
    Node,
    Version,
    Error,
    Attempts,
}

impl Field {
    #[inline]
    fn of(name: &[u8]) -> Option<Field> {
        Some(match name {
            b"index" => Field::Index,
            b"time" => Field::Time,
            b"process" => Field::Process,
            b"type" => Field::Type,
            b"f" => Field::F,
            b"key" => Field::Key,
            b"value" => Field::Value,
            b"token" => Field::Token,
            b"node" => Field::Node,
            b"version" => Field::Version,
            b"error" => Field::Error,
            b"attempts" => Field::Attempts,
            _ => return None,
        })
    }
}

impl Spans {
    /// Reads the value of a field, which begins at `from`; returns its end.
    #[inline]
    fn take(&mut self, field: Field, json: &[u8], from: usize) -> Option<usize> {
        match field {
            Field::Index | Field::Time | Field::Process | Field::Version => {
                let (number, end) = whole_number(json, from)?;
                match field {
                    Field::Index => self.index = Some(number),
                    Field::Time => self.time = number,
                    Field::Process => self.process = Some(number),
                    _ => self.version = Some(number),
                }
                Some(end)
            }
            Field::Type => {
                let (span, end) = string(json, from)?;
                let word = &json[span.from as usize..span.to as usize];
                self.kind = Some(event_type(std::str::from_utf8(word).ok()?)?);
                Some(end)
            }
            Field::F | Field::Key | Field::Token | Field::Node | Field::Error => {
                let (span, end) = string(json, from)?;
                if json[span.from as usize] == b':' {
                    return None;
                }
                *match field {
                    Field::F => &mut self.f,
                    Field::Key => &mut self.key,
                    Field::Token => &mut self.token,
                    Field::Node => &mut self.node,
                    _ => &mut self.error,
                } = span;
                Some(end)
            }
            Field::Value => {
                let end = json::canonical_end(json, from)?;
                self.value = span(from, end)?;
                Some(end)
            }
            Field::Attempts => {
                let end = json::value_end(json, from)?;
                self.attempts = span(from, end)?;
                Some(end)
            }
        }
    }
}

/// A whole number that begins at `from`, and its end.
#[inline]
fn whole_number(json: &[u8], from: usize) -> Option<(u64, usize)> {
    let mut number = 0_u64;
    let mut at = from;
    while let Some(digit @ b'0'..=b'9') = json.get(at) {
        number = number.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
        at += 1;
    }
    let leads_with_zero = json.get(from) == Some(&b'0') && at > from + 1;
    let is_whole = at > from && !matches!(json.get(at), Some(b'.' | b'e' | b'E'));
    (is_whole && !leads_with_zero).then_some((number, at))
}

/// The inside of a string that begins at `from`, if it is not empty, and the end with the quote.
#[inline]
fn string(json: &[u8], from: usize) -> Option<(Span, usize)> {
    if *json.get(from)? != b'"' {
        return None;
    }
    let end = json::plain_string_end(json, from)?;
    let inside = span(from + 1, end - 1)?;
    (inside.from < inside.to).then_some((inside, end))
}

fn span(from: usize, to: usize) -> Option<Span> {
    Some(Span { from: u32::try_from(from).ok()?, to: u32::try_from(to).ok()? })
}

/// An event of any format, with texts of its own.
#[derive(Debug, Clone)]
pub(super) struct LooseEvent {
    pub(super) index: Option<u64>,
    pub(super) time: u64,
    pub(super) actor: Actor,
    pub(super) kind: EventType,
    pub(super) f: Option<String>,
    pub(super) key: Option<String>,
    pub(super) value: OwnedDatum,
    pub(super) token: Option<String>,
    pub(super) node: Option<String>,
    pub(super) version: Option<u64>,
    pub(super) error: Option<String>,
    pub(super) attempts: Option<String>,
}

impl LooseEvent {
    pub(super) fn parts(&self) -> Parts<'_> {
        Parts {
            index: self.index,
            time: self.time,
            actor: self.actor,
            kind: self.kind,
            f: self.f.as_deref(),
            key: self.key.as_deref(),
            value: self.value.borrow(),
            token: self.token.as_deref(),
            node: self.node.as_deref(),
            version: self.version,
            error: self.error.as_deref(),
            attempts: self.attempts.as_deref(),
        }
    }

    /// Reads a JSON object of any form.
    ///
    /// # Errors
    /// When it is none, or no event.
    pub(super) fn of_json(json: &[u8]) -> Result<LooseEvent, JsonError> {
        let fields: Fields<'_> = serde_json::from_slice(json).map_err(JsonError::Syntax)?;
        let inside = |raw: &RawValue| raw.get().as_ptr() as usize - json.as_ptr() as usize;
        let datum = |raw: Option<&RawValue>| {
            let Some(raw) = raw else { return Ok(OwnedDatum::Plain(Datum::Null)) };
            let parsed = Datum::parse(raw.get(), &mut String::new()).map(Datum::to_owned);
            parsed.map_err(|flaw| JsonError::Value { at: inside(raw) + flaw.at, flaw })
        };
        let text = |raw| datum(raw).map(|it| it.borrow().as_name().map(|name| word(&name).into()));
        Ok(LooseEvent {
            index: fields.index,
            time: fields.time,
            actor: fields.process,
            kind: fields.kind,
            f: text(fields.f)?,
            key: text(fields.key)?,
            value: datum(fields.value)?,
            token: text(fields.token)?,
            node: text(fields.node)?,
            version: fields.version,
            error: text(fields.error)?,
            attempts: fields.attempts.map(|attempts| attempts.get().to_string()),
        })
    }
}

/// The reason why a text is no JSON event.
#[derive(Debug)]
pub(super) enum JsonError {
    /// Its fields are not those of an event.
    Syntax(serde_json::Error),
    /// A field holds what cannot be kept, at this place.
    Value { at: usize, flaw: json::Flaw },
}

impl JsonError {
    /// The line and column in a text of several lines, both counted from 1.
    pub(super) fn place(&self, json: &[u8]) -> (usize, usize) {
        match self {
            JsonError::Syntax(error) => (error.line(), error.column()),
            JsonError::Value { at, .. } => {
                let before = &json[..*at];
                let line_start =
                    before.iter().rposition(|byte| *byte == b'\n').map_or(0, |it| it + 1);
                let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
                (line, at - line_start + 1)
            }
        }
    }
}

impl fmt::Display for JsonError {
    /// Without the place.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JsonError::Syntax(error) => {
                let message = error.to_string();
                f.write_str(
                    message.rsplit_once(" at line ").map_or(&*message, |(reason, _)| reason),
                )
            }
            JsonError::Value { flaw, .. } => f.write_str(flaw.reason),
        }
    }
}

/// Clojure's keywords keep their colon where JSON is made of them by hand.
pub(super) fn word(text: &str) -> &str {
    text.strip_prefix(':').filter(|word| !word.is_empty()).unwrap_or(text)
}

/// The fields of a JSON event.
#[derive(Deserialize)]
struct Fields<'a> {
    #[serde(default)]
    index: Option<u64>,
    #[serde(default, deserialize_with = "time")]
    time: u64,
    #[serde(default, deserialize_with = "actor")]
    process: Actor,
    #[serde(rename = "type", deserialize_with = "kind")]
    kind: EventType,
    #[serde(borrow, default)]
    f: Option<&'a RawValue>,
    #[serde(borrow, default)]
    key: Option<&'a RawValue>,
    #[serde(borrow, default)]
    value: Option<&'a RawValue>,
    #[serde(borrow, default)]
    token: Option<&'a RawValue>,
    #[serde(borrow, default)]
    node: Option<&'a RawValue>,
    #[serde(default)]
    version: Option<u64>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
    #[serde(borrow, default)]
    attempts: Option<&'a RawValue>,
}

/// Some recorders note something a moment before the clock's zero, or parts of a nanosecond, or no
/// time at all.
fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    struct Visitor;
    impl de::Visitor<'_> for Visitor {
        type Value = u64;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a time in nanoseconds")
        }
        fn visit_u64<E: de::Error>(self, time: u64) -> Result<u64, E> {
            Ok(time)
        }
        fn visit_i64<E: de::Error>(self, time: i64) -> Result<u64, E> {
            Ok(u64::try_from(time).unwrap_or_default())
        }
        fn visit_f64<E: de::Error>(self, time: f64) -> Result<u64, E> {
            Ok(time as u64)
        }
        fn visit_unit<E: de::Error>(self) -> Result<u64, E> {
            Ok(0)
        }
    }
    deserializer.deserialize_any(Visitor)
}

fn actor<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Actor, D::Error> {
    struct Visitor;
    impl de::Visitor<'_> for Visitor {
        type Value = Actor;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a process number, \"nemesis\" or \"controller\"")
        }
        fn visit_u64<E: de::Error>(self, id: u64) -> Result<Actor, E> {
            Ok(Actor::Client(id))
        }
        fn visit_str<E: de::Error>(self, name: &str) -> Result<Actor, E> {
            match word(name) {
                "nemesis" => Ok(Actor::Nemesis),
                "controller" => Ok(Actor::Controller),
                _ => Err(E::invalid_value(de::Unexpected::Str(name), &self)),
            }
        }
        fn visit_unit<E: de::Error>(self) -> Result<Actor, E> {
            Ok(Actor::Anonymous)
        }
    }
    deserializer.deserialize_any(Visitor)
}

fn kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<EventType, D::Error> {
    struct Visitor;
    impl de::Visitor<'_> for Visitor {
        type Value = EventType;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the type of an event")
        }
        fn visit_str<E: de::Error>(self, name: &str) -> Result<EventType, E> {
            let unknown = || E::unknown_variant(name, &["invoke", "ok", "fail", "info"]);
            event_type(word(name)).ok_or_else(unknown)
        }
    }
    deserializer.deserialize_str(Visitor)
}

/// The kind of event that a word names.
pub(super) fn event_type(word: &str) -> Option<EventType> {
    Some(match word {
        "invoke" => EventType::Invoke,
        "ok" => EventType::Ok,
        "fail" => EventType::Fail,
        "info" => EventType::Info,
        _ => return None,
    })
}

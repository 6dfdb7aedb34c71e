//! Values as they stand in a history.
//!
//! A history of a million operations holds millions of values. Nearly all are small numbers; what
//! is not is kept as JSON text in one form, so that equal values are equal bytes.

use std::borrow::Cow;
use std::fmt;

use serde_json::Value;

use crate::history::json::{self, Flaw};

/// A value, borrowed from wherever it is kept. Equal values compare equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Datum<'a> {
    /// Nothing.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number of 64 bits.
    Integer(i64),
    /// Any other value as canonical JSON: no white space, the members of objects by name, strings
    /// escaped only where they must be, numbers in one form.
    Json(&'a str),
}

/// A [`Datum`] that owns its text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum OwnedDatum {
    /// A value that needs no text; never [`Datum::Json`].
    Plain(Datum<'static>),
    /// Canonical JSON text.
    Json(Box<str>),
}

impl<'a> Datum<'a> {
    /// Returns whether it is nothing.
    pub fn is_null(self) -> bool {
        self == Datum::Null
    }

    /// The number, if it is a whole one.
    pub fn as_integer(self) -> Option<i64> {
        match self {
            Datum::Integer(number) => Some(number),
            _ => None,
        }
    }

    /// The text, if it is a string.
    pub fn as_text(self) -> Option<Cow<'a, str>> {
        let Datum::Json(json) = self else { return None };
        let inner = json.strip_prefix('"')?.strip_suffix('"')?;
        if inner.contains('\\') {
            serde_json::from_str(json).ok().map(Cow::Owned)
        } else {
            Some(Cow::Borrowed(inner))
        }
    }

    /// The datum of a string; its JSON is written into `buffer`.
    pub(crate) fn text<'b>(string: &str, buffer: &'b mut String) -> Datum<'b> {
        buffer.clear();
        json::write_string(string, buffer);
        Datum::Json(buffer)
    }

    /// The elements, if it is a list.
    pub fn as_list(self) -> Option<Elements<'a>> {
        let Datum::Json(json) = self else { return None };
        let rest = json.strip_prefix('[')?.strip_suffix(']')?;
        Some(Elements { rest })
    }

    /// The two elements, if it is a list of two.
    pub fn as_pair(self) -> Option<[Datum<'a>; 2]> {
        let mut elements = self.as_list()?;
        let pair = [elements.next()?, elements.next()?];
        elements.next().is_none().then_some(pair)
    }

    /// The members by name, if it is an object.
    pub fn as_members(self) -> Option<Members<'a>> {
        let Datum::Json(json) = self else { return None };
        let rest = json.strip_prefix('{')?.strip_suffix('}')?;
        Some(Members { rest })
    }

    /// The member with this name, if it is an object that has one.
    pub fn member(self, name: &str) -> Option<Datum<'a>> {
        self.as_members()?.find(|(found, _)| found == name).map(|(_, member)| member)
    }

    /// The value as a name: the text of a string as it is, anything else as JSON; none for null.
    pub fn as_name(self) -> Option<Cow<'a, str>> {
        match self {
            Datum::Null => None,
            other => Some(other.as_text().unwrap_or_else(|| other.to_string().into())),
        }
    }

    /// The same as a tree.
    pub fn to_value(self) -> Value {
        match self {
            Datum::Null => Value::Null,
            Datum::Bool(truth) => truth.into(),
            Datum::Integer(number) => number.into(),
            // A tree holds less than text: the greatest numbers stay what they were in the file.
            Datum::Json(json) => {
                serde_json::from_str(json).unwrap_or_else(|_| Value::String(json.to_string()))
            }
        }
    }

    /// The same with a text of its own.
    pub fn to_owned(self) -> OwnedDatum {
        match self {
            Datum::Json(json) => OwnedDatum::Json(json.into()),
            Datum::Null => OwnedDatum::Plain(Datum::Null),
            Datum::Bool(truth) => OwnedDatum::Plain(Datum::Bool(truth)),
            Datum::Integer(number) => OwnedDatum::Plain(Datum::Integer(number)),
        }
    }

    /// Reads a piece of canonical JSON.
    pub(super) fn of_canonical(json: &'a str) -> Datum<'a> {
        match json.as_bytes() {
            b"null" => Datum::Null,
            b"true" => Datum::Bool(true),
            b"false" => Datum::Bool(false),
            [b'-' | b'0'..=b'9', ..] => json.parse().map_or(Datum::Json(json), Datum::Integer),
            _ => Datum::Json(json),
        }
    }

    /// Reads JSON text. What is not canonical is written anew into `buffer`.
    ///
    /// # Errors
    /// When it is not JSON, or cannot be kept.
    pub(crate) fn parse<'b>(json: &'b str, buffer: &'b mut String) -> Result<Datum<'b>, Flaw> {
        if json::canonical_end(json.as_bytes(), 0) == Some(json.len()) {
            return Ok(Datum::of_canonical(json));
        }
        buffer.clear();
        json::write_canonical(json, buffer)?;
        Ok(Datum::of_canonical(buffer))
    }

    /// The datum of a tree; its text, if it needs one, is written into `buffer`.
    pub(crate) fn of_value<'b>(value: &Value, buffer: &'b mut String) -> Datum<'b> {
        match value {
            Value::Null => Datum::Null,
            Value::Bool(truth) => Datum::Bool(*truth),
            Value::Number(number) if number.is_i64() => {
                Datum::Integer(number.as_i64().unwrap_or_default())
            }
            value => {
                let text = serde_json::to_string(value).expect("a tree has a JSON form");
                if json::canonical_end(text.as_bytes(), 0) == Some(text.len()) {
                    *buffer = text;
                } else {
                    buffer.clear();
                    json::write_canonical(&text, buffer).expect("a tree holds what text can say");
                }
                Datum::of_canonical(buffer)
            }
        }
    }
}

impl OwnedDatum {
    /// The same, borrowed.
    pub fn borrow(&self) -> Datum<'_> {
        match self {
            OwnedDatum::Plain(datum) => *datum,
            OwnedDatum::Json(json) => Datum::Json(json),
        }
    }
}

impl From<&Value> for OwnedDatum {
    fn from(value: &Value) -> OwnedDatum {
        Datum::of_value(value, &mut String::new()).to_owned()
    }
}

impl fmt::Display for Datum<'_> {
    /// As JSON.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Datum::Null => f.write_str("null"),
            Datum::Bool(truth) => write!(f, "{truth}"),
            Datum::Integer(number) => write!(f, "{number}"),
            Datum::Json(json) => f.write_str(json),
        }
    }
}

/// The elements of a list, one after the other.
#[derive(Debug, Clone)]
pub struct Elements<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Elements<'a> {
    type Item = Datum<'a>;

    fn next(&mut self) -> Option<Datum<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let end = element_end(self.rest.as_bytes());
        let element = &self.rest[..end];
        self.rest = self.rest.get(end + 1..).unwrap_or_default();
        Some(Datum::of_canonical(element))
    }
}

/// The members of an object, by name.
#[derive(Debug, Clone)]
pub struct Members<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Members<'a> {
    type Item = (Cow<'a, str>, Datum<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let end = element_end(self.rest.as_bytes());
        let member = &self.rest[..end];
        self.rest = self.rest.get(end + 1..).unwrap_or_default();
        let (name, value) = member.split_at(name_end(member));
        let name = Datum::Json(name).as_text()?;
        Some((name, Datum::of_canonical(value.strip_prefix(':')?)))
    }
}

/// The end of the string with which a member begins.
fn name_end(member: &str) -> usize {
    let mut escaped = false;
    let closes = |(at, byte): (usize, u8)| {
        let is_end = at > 0 && byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        is_end
    };
    member.bytes().enumerate().position(closes).map_or(member.len(), |quote| quote + 1)
}

/// The end of the first element of the inside of a list: a comma that is in no bracket and no
/// string, or with the list.
fn element_end(json: &[u8]) -> usize {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for (at, byte) in json.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth -= 1,
            b',' if depth == 0 => return at,
            _ => {}
        }
    }
    json.len()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_and_trees_of_one_value_are_one_datum() {
        for (json, value) in [
            ("null", json!(null)),
            (" true ", json!(true)),
            ("-17", json!(-17)),
            ("9223372036854775807", json!(i64::MAX)),
            ("18446744073709551615", json!(u64::MAX)),
            ("1.50", json!(1.5)),
            ("1e3", json!(1e3)),
            ("-0", json!(-0.0)),
            ("[12,40]", json!([12, 40])),
            ("[ 12 , [null,\"a b\"] ]", json!([12, [null, "a b"]])),
            ("[-0,1e2]", json!([-0.0, 100.0])),
            (r#""a\"b""#, json!("a\"b")),
            (r#""\u0041""#, json!("A")),
            (r#"{"b":1,"a":[{"d":2,"c":3}]}"#, json!({"a": [{"c": 3, "d": 2}], "b": 1})),
        ] {
            let mut buffer = String::new();
            let parsed = Datum::parse(json, &mut buffer).expect("it is JSON");
            let made = OwnedDatum::from(&value);
            assert_eq!(parsed, made.borrow(), "{json}");
            assert_eq!(OwnedDatum::from(&parsed.to_value()), made, "{json}");
        }
    }

    #[test]
    fn lists_come_apart_at_their_own_commas() {
        let list = OwnedDatum::from(&json!([1, "a,]\"", [2, [3]], {"k": [4, 5]}, null]));
        let elements: Vec<Value> =
            list.borrow().as_list().expect("it is a list").map(Datum::to_value).collect();
        assert_eq!(json!(elements), json!([1, "a,]\"", [2, [3]], {"k": [4, 5]}, null]));
        assert_eq!(OwnedDatum::from(&json!([])).borrow().as_list().map(Iterator::count), Some(0));
        assert_eq!(Datum::Integer(1).as_list().map(Iterator::count), None);
    }

    #[test]
    fn objects_come_apart_into_members() {
        let object = OwnedDatum::from(&json!({"b": [1, {"c": 2}], "a\":\\": "x,y", "": null}));
        let members: Vec<_> = object.borrow().as_members().expect("it is an object").collect();
        let shown: Vec<_> = members.iter().map(|(name, it)| (&**name, it.to_value())).collect();
        assert_eq!(
            shown,
            [("", json!(null)), ("a\":\\", json!("x,y")), ("b", json!([1, {"c": 2}]))]
        );
        assert_eq!(
            object.borrow().member("b").and_then(Datum::as_list).map(Iterator::count),
            Some(2)
        );
        assert_eq!(object.borrow().member("c"), None);
        assert!(Datum::Integer(1).as_members().is_none());
    }

    #[test]
    fn numbers_that_differ_in_form_only_are_one_datum() {
        let mut buffers = [String::new(), String::new()];
        let [one, other] = &mut buffers;
        for (json, same) in [("1", "1.0"), ("100", "1e2"), ("0", "-0"), ("[1,0]", "[1.0,-0.0]")] {
            assert_eq!(Datum::parse(json, one), Datum::parse(same, other), "{json}");
        }
        assert_eq!(Datum::parse("1e2", one), Ok(Datum::Integer(100)));
        assert_ne!(
            Datum::parse("9007199254740993", one),
            Datum::parse("9007199254740992.0", other)
        );
        assert_eq!(OwnedDatum::from(&json!(100.0)).borrow(), Datum::Integer(100));
    }

    #[test]
    fn a_pair_is_a_list_of_two() {
        let pair = |value: Value| {
            let datum = OwnedDatum::from(&value);
            datum.borrow().as_pair().map(|pair| pair.map(Datum::to_value))
        };
        assert_eq!(pair(json!([1, [2]])), Some([json!(1), json!([2])]));
        assert_eq!(pair(json!([1])), None);
        assert_eq!(pair(json!([1, 2, 3])), None);
    }

    #[test]
    fn strings_come_out_of_their_quotes() {
        let text = |value: &Value| {
            let datum = OwnedDatum::from(value);
            datum.borrow().as_text().map(Cow::into_owned)
        };
        assert_eq!(text(&json!("plain")).as_deref(), Some("plain"));
        assert_eq!(text(&json!("a\n\"b\"")).as_deref(), Some("a\n\"b\""));
        assert_eq!(text(&json!("")).as_deref(), Some(""));
        assert_eq!(text(&json!(["x"])), None);
    }
}

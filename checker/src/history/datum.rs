//! Values as they stand in a history.
//!
//! A history of a million operations holds millions of values. Nearly all are small numbers; what
//! is not is kept as JSON text in one form, so that equal values are equal bytes.

use std::borrow::Cow;
use std::fmt;
use std::fmt::Write;

use serde_json::Value;

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
    /// escaped only where they must be.
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

    /// The same as a tree.
    pub fn to_value(self) -> Value {
        match self {
            Datum::Null => Value::Null,
            Datum::Bool(truth) => truth.into(),
            Datum::Integer(number) => number.into(),
            Datum::Json(json) => serde_json::from_str(json).expect("canonical text is JSON"),
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
    fn of_canonical(json: &'a str) -> Datum<'a> {
        match json {
            "null" => Datum::Null,
            "true" => Datum::Bool(true),
            "false" => Datum::Bool(false),
            json => json.parse().map_or(Datum::Json(json), Datum::Integer),
        }
    }

    /// Reads JSON text. What is not canonical is written anew into `buffer`.
    ///
    /// # Errors
    /// When it is not JSON.
    pub(crate) fn parse<'b>(
        json: &'b str,
        buffer: &'b mut String,
    ) -> Result<Datum<'b>, serde_json::Error> {
        let json = json.trim_ascii();
        if let Some(plain) = plain(json) {
            return Ok(plain);
        }
        if is_canonical(json) {
            return Ok(Datum::of_canonical(json));
        }
        let value: Value = serde_json::from_str(json)?;
        Ok(Datum::of_value(&value, buffer))
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
                buffer.clear();
                write_canonical(value, buffer);
                Datum::Json(buffer)
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

/// Values that are no text, in the only spelling that JSON has for them.
fn plain(json: &str) -> Option<Datum<'static>> {
    match json {
        "null" => Some(Datum::Null),
        "true" => Some(Datum::Bool(true)),
        "false" => Some(Datum::Bool(false)),
        // Rust reads `+1` and `007`, JSON does not.
        _ if json.starts_with(['+', '0']) && json != "0" => None,
        _ if json.starts_with("-0") => None,
        json => json.parse().ok().map(Datum::Integer),
    }
}

/// Returns whether JSON text that another reader found well formed surely is in canonical form: it
/// holds only brackets, commas, whole numbers in their only spelling, and strings without escapes.
fn is_canonical(json: &str) -> bool {
    let mut in_string = false;
    let mut previous = b'[';
    for byte in json.bytes() {
        match byte {
            b'\\' => return false,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'0' if matches!(previous, b'-') => return false,
            b'[' | b']' | b',' | b'-' | b'0'..=b'9' => {}
            // `null`, `true` and `false`; a number with an exponent has a digit before its letter.
            b'a'..=b'z' if !previous.is_ascii_digit() => {}
            _ => return false,
        }
        previous = byte;
    }
    true
}

fn write_canonical(value: &Value, text: &mut String) {
    match value {
        Value::Array(elements) => {
            text.push('[');
            for (number, element) in elements.iter().enumerate() {
                if number > 0 {
                    text.push(',');
                }
                write_canonical(element, text);
            }
            text.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            text.push('{');
            for (number, (name, member)) in members.into_iter().enumerate() {
                if number > 0 {
                    text.push(',');
                }
                write_canonical(&Value::String(name.clone()), text);
                text.push(':');
                write_canonical(member, text);
            }
            text.push('}');
        }
        scalar => write!(text, "{scalar}").expect("a string takes whatever is written"),
    }
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

//! JSON text, in any form that its grammar allows and in the one form that equal values have:
//! no white space, the members of objects by name, strings escaped only where they must be, numbers
//! as `number.rs` writes them.

use std::fmt::Write;

use crate::history::number;

/// The greatest depth of values; deeper input is an attack on the stack, not a history. An event is
/// one level itself.
pub(super) const DEEPEST: usize = 127;

/// The longest whole number, in digits, that surely fits into 64 bits.
const SURELY_64_BITS: usize = 18;

/// The place in a text that is no JSON, or none that can be kept, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flaw {
    /// Counted in bytes from 0.
    pub(super) at: usize,
    pub(super) reason: &'static str,
}

/// Writes a value in its only form.
///
/// # Errors
/// When the text is no JSON, holds a number that is too great or half a character, or nests deep.
pub(super) fn write_canonical(json: &str, text: &mut String) -> Result<(), Flaw> {
    let mut writer = Writer { json, at: 0 };
    writer.value(text, DEEPEST)?;
    writer.skip_space();
    match writer.at == json.len() {
        true => Ok(()),
        false => writer.fail("something follows the value"),
    }
}

/// Writes a string with its quotes.
pub(super) fn write_string(string: &str, text: &mut String) {
    text.push('"');
    let mut plain_from = 0;
    for (at, byte) in string.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        text.push_str(&string[plain_from..at]);
        plain_from = at + 1;
        match byte {
            b'"' => text.push_str("\\\""),
            b'\\' => text.push_str("\\\\"),
            0x08 => text.push_str("\\b"),
            0x0c => text.push_str("\\f"),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            _ => write!(text, "\\u{byte:04x}").expect("a string takes what is written"),
        }
    }
    text.push_str(&string[plain_from..]);
    text.push('"');
}

/// Writes the members of an object by name. Of several with one name the last counts.
pub(super) fn write_members(mut members: Vec<(String, String)>, text: &mut String) {
    members.sort_by(|(one, _), (other, _)| one.cmp(other));
    text.push('{');
    let mut first = true;
    for (place, (name, value)) in members.iter().enumerate() {
        if members.get(place + 1).is_some_and(|(next, _)| next == name) {
            continue;
        }
        if !first {
            text.push(',');
        }
        first = false;
        write_string(name, text);
        text.push(':');
        text.push_str(value);
    }
    text.push('}');
}

/// The end of the value that begins at `at`, if it surely is in its only form: `null`, truth values,
/// whole numbers of 64 bits, strings without escapes, and lists of these.
#[inline]
pub(super) fn canonical_end(json: &[u8], at: usize) -> Option<usize> {
    match json.get(at)? {
        b'[' => canonical_list_end(json, at),
        _ => canonical_scalar_end(json, at),
    }
}

fn canonical_list_end(json: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0;
    loop {
        // Here a value begins.
        if *json.get(at)? == b'[' {
            depth += 1;
            if depth > DEEPEST {
                return None;
            }
            at += 1;
            if *json.get(at)? != b']' {
                continue;
            }
        } else {
            at = canonical_scalar_end(json, at)?;
        }
        loop {
            match json.get(at)? {
                b']' => {
                    at += 1;
                    depth -= 1;
                    if depth == 0 {
                        return Some(at);
                    }
                }
                b',' => {
                    at += 1;
                    break;
                }
                _ => return None,
            }
        }
    }
}

#[inline]
fn canonical_scalar_end(json: &[u8], at: usize) -> Option<usize> {
    match json.get(at)? {
        b'"' => plain_string_end(json, at),
        b'n' => word_end(json, at, b"null"),
        b't' => word_end(json, at, b"true"),
        b'f' => word_end(json, at, b"false"),
        first => {
            let from = if *first == b'-' { at + 1 } else { at };
            let digits = json[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            let end = from + digits;
            let is_only_form = match json.get(from)? {
                b'0' => digits == 1 && from == at,
                _ => (1..=SURELY_64_BITS).contains(&digits),
            };
            let is_whole = !matches!(json.get(end), Some(b'.' | b'e' | b'E'));
            (is_only_form && is_whole).then_some(end)
        }
    }
}

/// The end of a string without escapes that begins with its quote at `at`.
#[inline]
pub(super) fn plain_string_end(json: &[u8], at: usize) -> Option<usize> {
    let from = at + 1;
    let length =
        json.get(from..)?.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))?;
    (json[from + length] == b'"').then_some(from + length + 1)
}

fn word_end(json: &[u8], at: usize, word: &[u8]) -> Option<usize> {
    json[at..].starts_with(word).then_some(at + word.len())
}

/// The end of the value that begins at `at`, in nearly any form, on one line; none if it is no JSON
/// or may not be.
pub(super) fn value_end(json: &[u8], at: usize) -> Option<usize> {
    value_end_within(json, at, DEEPEST)
}

fn value_end_within(json: &[u8], at: usize, depth: usize) -> Option<usize> {
    let close = match json.get(at)? {
        b'[' => b']',
        b'{' => b'}',
        _ => return canonical_scalar_end(json, at),
    };
    let depth = depth.checked_sub(1)?;
    let mut at = blank_end(json, at + 1);
    if *json.get(at)? == close {
        return Some(at + 1);
    }
    loop {
        if close == b'}' {
            at = blank_end(json, plain_string_end(json, string_start(json, at)?)?);
            if *json.get(at)? != b':' {
                return None;
            }
            at = blank_end(json, at + 1);
        }
        at = blank_end(json, value_end_within(json, at, depth)?);
        match json.get(at)? {
            b',' => at = blank_end(json, at + 1),
            byte if *byte == close => return Some(at + 1),
            _ => return None,
        }
    }
}

fn string_start(json: &[u8], at: usize) -> Option<usize> {
    (*json.get(at)? == b'"').then_some(at)
}

/// The first byte from `at` on that is no white space, or ends the line.
#[inline]
pub(super) fn blank_end(json: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\t' | b'\r') = json.get(at) {
        at += 1;
    }
    at
}

/// The first byte from `at` on that is no white space.
fn space_end(json: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\t' | b'\n' | b'\r') = json.get(at) {
        at += 1;
    }
    at
}

/// Reads JSON in any form and writes it in its only one.
struct Writer<'a> {
    json: &'a str,
    at: usize,
}

impl<'a> Writer<'a> {
    fn value(&mut self, text: &mut String, depth: usize) -> Result<(), Flaw> {
        self.skip_space();
        match self.peek() {
            Some(b'[' | b'{') if depth == 0 => self.fail("values nest too deep"),
            Some(b'[') => self.list(text, depth - 1),
            Some(b'{') => self.object(text, depth - 1),
            Some(b'"') => {
                let string = self.string()?;
                write_string(&string, text);
                Ok(())
            }
            Some(b'-' | b'0'..=b'9') => {
                let at = self.at;
                let number = self.number()?;
                number::write_canonical(number, text).map_err(|reason| Flaw { at, reason })
            }
            Some(_) => {
                let words = ["null", "true", "false"];
                let found = words.into_iter().find(|it| self.json[self.at..].starts_with(it));
                let Some(word) = found else { return self.fail("expected a value") };
                self.at += word.len();
                text.push_str(word);
                Ok(())
            }
            None => self.fail("the text ends where a value is missing"),
        }
    }

    fn list(&mut self, text: &mut String, depth: usize) -> Result<(), Flaw> {
        self.at += 1;
        text.push('[');
        let mut is_first = true;
        while !self.ends(b']', is_first)? {
            if !is_first {
                text.push(',');
            }
            self.value(text, depth)?;
            is_first = false;
        }
        text.push(']');
        Ok(())
    }

    fn object(&mut self, text: &mut String, depth: usize) -> Result<(), Flaw> {
        self.at += 1;
        let mut members: Vec<(String, String)> = Vec::new();
        while !self.ends(b'}', members.is_empty())? {
            self.skip_space();
            if self.peek() != Some(b'"') {
                return self.fail("expected the name of a member");
            }
            let name = self.string()?;
            self.skip_space();
            if self.peek() != Some(b':') {
                return self.fail("expected a colon");
            }
            self.at += 1;
            let mut value = String::new();
            self.value(&mut value, depth)?;
            members.push((name, value));
        }
        write_members(members, text);
        Ok(())
    }

    /// Takes the closing bracket, or the comma before the next element.
    fn ends(&mut self, close: u8, is_first: bool) -> Result<bool, Flaw> {
        self.skip_space();
        match self.peek() {
            Some(byte) if byte == close => {
                self.at += 1;
                Ok(true)
            }
            Some(b',') if !is_first => {
                self.at += 1;
                Ok(false)
            }
            Some(_) if is_first => Ok(false),
            _ => self.fail("expected a comma or a closing bracket"),
        }
    }

    /// Takes a string, and resolves its escapes.
    fn string(&mut self) -> Result<String, Flaw> {
        self.at += 1;
        let mut string = String::new();
        loop {
            let rest = &self.json[self.at..];
            let plain = rest.bytes().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20));
            let Some(plain) = plain else { return self.fail("the string does not end") };
            string.push_str(&rest[..plain]);
            self.at += plain;
            match rest.as_bytes()[plain] {
                b'"' => {
                    self.at += 1;
                    return Ok(string);
                }
                b'\\' => string.push(self.escape()?),
                _ => return self.fail("a control character stands in a string"),
            }
        }
    }

    /// Takes what a backslash begins.
    fn escape(&mut self) -> Result<char, Flaw> {
        let start = self.at;
        self.at += 1;
        let character = match self.peek() {
            Some(b'n') => '\n',
            Some(b't') => '\t',
            Some(b'r') => '\r',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'u') => {
                let first = self.code_unit()?;
                let is_first_half = (0xd800..0xdc00).contains(&first);
                if is_first_half && self.json[self.at..].starts_with("\\u") {
                    self.at += 1;
                    let second = self.code_unit()?;
                    if let Some(Ok(character)) = char::decode_utf16([first, second]).next() {
                        return Ok(character);
                    }
                }
                // A whole character, or half of one.
                return char::from_u32(first.into())
                    .ok_or(Flaw { at: start, reason: "a lone surrogate is no character" });
            }
            _ => return self.fail("a backslash begins no escape"),
        };
        self.at += 1;
        Ok(character)
    }

    /// Takes a `u` and four digits.
    fn code_unit(&mut self) -> Result<u16, Flaw> {
        let digits = self.json.get(self.at + 1..self.at + 5);
        let digits = digits.filter(|it| it.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match digits.and_then(|it| u16::from_str_radix(it, 16).ok()) {
            Some(unit) => {
                self.at += 5;
                Ok(unit)
            }
            None => self.fail("an escape takes four hexadecimal digits"),
        }
    }

    fn number(&mut self) -> Result<&'a str, Flaw> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let leads_with_zero = self.peek() == Some(b'0');
        if self.digits()? > 1 && leads_with_zero {
            return self.fail("a number begins with a zero");
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(&self.json[start..self.at])
    }

    fn digits(&mut self) -> Result<usize, Flaw> {
        let rest = &self.json.as_bytes()[self.at..];
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        if count == 0 { self.fail("expected a digit") } else { Ok(count) }
    }

    fn skip_space(&mut self) {
        self.at = space_end(self.json.as_bytes(), self.at);
    }

    fn peek(&self) -> Option<u8> {
        self.json.as_bytes().get(self.at).copied()
    }

    fn fail<T>(&self, reason: &'static str) -> Result<T, Flaw> {
        Err(Flaw { at: self.at, reason })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(json: &str) -> Result<String, Flaw> {
        let mut text = String::new();
        write_canonical(json, &mut text).map(|()| text)
    }

    #[test]
    fn one_value_has_one_form() {
        for (json, form) in [
            (" [ 1 , 2.0,\t3e1 ] ", "[1,2,30]"),
            (r#"{"b": 1, "a": {"d": -0, "c": [ ]}}"#, r#"{"a":{"c":[],"d":0},"b":1}"#),
            (r#"{"a":1,"b":2,"a":3}"#, r#"{"a":3,"b":2}"#),
            (r#""\u0041\/\ud83d\ude00\u000a""#, "\"A/😀\\n\""),
            (r#""\u0001\b\f\"\\""#, r#""\u0001\b\f\"\\""#),
            ("null", "null"),
            ("{}", "{}"),
        ] {
            assert_eq!(canonical(json).as_deref(), Ok(form), "{json}");
            assert_eq!(canonical(form).as_deref(), Ok(form), "it is its own form");
        }
    }

    #[test]
    fn what_cannot_be_kept_is_named_with_its_place() {
        for (json, at, reason) in [
            (r#"["a","\ud800"]"#, 6, "a lone surrogate is no character"),
            (r#""\udc00\ud800""#, 1, "a lone surrogate is no character"),
            (r#""\ud800\ud800""#, 1, "a lone surrogate is no character"),
            (r#""\ud800\n""#, 1, "a lone surrogate is no character"),
            ("[1,1e400]", 3, "the number is too great"),
            ("[01]", 3, "a number begins with a zero"),
            ("[1,]", 3, "expected a value"),
            ("[1 2]", 3, "expected a comma or a closing bracket"),
            ("1 2", 2, "something follows the value"),
            ("{1:2}", 1, "expected the name of a member"),
            ("\"\t\"", 1, "a control character stands in a string"),
        ] {
            assert_eq!(canonical(json), Err(Flaw { at, reason }), "{json}");
        }
        let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(canonical(&nested(DEEPEST)), Ok(nested(DEEPEST)));
        assert!(canonical(&nested(DEEPEST + 1)).is_err());
    }

    #[test]
    fn the_end_of_a_value_is_found_where_it_surely_is_one() {
        for json in ["[]", "[[],[1,-2,\"a]\"],null,true,false]", "\"é\"", "-7", "0", "[0,10]"] {
            assert_eq!(
                canonical_end(format!("{json},x").as_bytes(), 0),
                Some(json.len()),
                "{json}"
            );
        }
        let other_forms =
            ["[1 ]", "[1,]", "[,1]", "1.0", "1e2", "01", "-0", "-", "\"\\n\"", "{}", "nul", "[1"];
        for json in other_forms {
            assert_eq!(canonical_end(json.as_bytes(), 0), None, "{json}");
        }
        for json in [r#"[{"a":1, "b" : [ ]},{}]"#, "[ 1 , 2 ]", "{ }"] {
            assert_eq!(value_end(json.as_bytes(), 0), Some(json.len()), "{json}");
        }
        for json in ["[1 2]", "{1:2}", "{\"a\"}", "[", "{\"a\":}", "[1.5]"] {
            assert_eq!(value_end(json.as_bytes(), 0), None, "{json}");
        }
        let deep = [b'['; 100_000];
        assert_eq!((canonical_end(&deep, 0), value_end(&deep, 0)), (None, None));
    }
}

//! The part of EDN (the extensible data notation of Clojure) that histories use.
//!
//! Values become canonical JSON: keywords, symbols and characters become strings, sets become
//! arrays, a tagged value becomes the value. What JSON cannot say is not needed to judge a history.

use crate::history::{Datum, ReadError, json, number};

/// The greatest depth of values; deeper input is an attack on the stack, not a history.
const DEEPEST: usize = 128;

/// Reads EDN values one after the other.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
    line: usize,
    /// The column of the first byte of `bytes` or, after a line end, of the line.
    column_base: usize,
    line_start: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    /// A reader of a text that begins at this line and column of its file.
    pub(super) fn new(bytes: &'a [u8], line: usize, column: usize) -> Reader<'a> {
        Reader { bytes, offset: 0, line, column_base: column, line_start: 0, depth: 0 }
    }

    /// Skips white space, commas, comments and discarded values; tells the byte that comes then.
    pub(super) fn peek(&mut self) -> Result<Option<u8>, ReadError> {
        loop {
            match self.bytes.get(self.offset) {
                Some(b';') => {
                    while self.bytes.get(self.offset).is_some_and(|byte| *byte != b'\n') {
                        self.offset += 1;
                    }
                }
                Some(b'#') if self.bytes.get(self.offset + 1) == Some(&b'_') => {
                    self.offset += 2;
                    self.nested(|reader| reader.value(&mut String::new()))?;
                }
                Some(byte) if byte.is_ascii_whitespace() || *byte == b',' => self.advance(),
                next => return Ok(next.copied()),
            }
        }
    }

    /// Takes the next byte if it is `expected`, after what [`peek`](Reader::peek) skips.
    pub(super) fn take(&mut self, expected: u8) -> Result<bool, ReadError> {
        let found = self.peek()? == Some(expected);
        if found {
            self.advance();
        }
        Ok(found)
    }

    /// An error at the next byte.
    pub(super) fn error(&self, reason: impl Into<String>) -> ReadError {
        ReadError {
            line: self.line,
            column: Some(self.offset - self.line_start + self.column_base),
            reason: reason.into(),
        }
    }

    /// Reads one value, and writes it behind `text`.
    pub(super) fn value(&mut self, text: &mut String) -> Result<(), ReadError> {
        match self.peek()? {
            None => Err(self.error("the file ends where a value is missing")),
            Some(b'{') => {
                self.advance();
                let members = self.nested(|reader| reader.members(b'}'))?;
                json::write_members(members, text);
                Ok(())
            }
            Some(b'[') => {
                self.advance();
                self.nested(|reader| reader.sequence(b']', text))
            }
            Some(b'(') => {
                self.advance();
                self.nested(|reader| reader.sequence(b')', text))
            }
            Some(b'"') => {
                let string = self.string()?;
                json::write_string(&string, text);
                Ok(())
            }
            Some(b'\\') => {
                self.advance();
                // A character such as `\(` is a token of one delimiter.
                let start = self.offset;
                self.advance();
                self.token();
                json::write_string(self.text(start)?, text);
                Ok(())
            }
            Some(b'#') if self.bytes.get(self.offset + 1) == Some(&b'{') => {
                self.advance();
                self.advance();
                self.nested(|reader| reader.sequence(b'}', text))
            }
            Some(b'#' | b'^') => {
                // A tag, or metadata: what follows it is the value.
                self.advance();
                self.token();
                self.nested(|reader| reader.value(text))
            }
            Some(b'}' | b']' | b')') => Err(self.error("a bracket closes what nothing opened")),
            Some(_) => self.atom(text),
        }
    }

    /// Reads the pairs of a map up to its closing bracket: names and values.
    pub(super) fn members(&mut self, close: u8) -> Result<Vec<(String, String)>, ReadError> {
        let mut members = Vec::new();
        while !self.take(close)? {
            let mut name = String::new();
            self.value(&mut name)?;
            let name = Datum::of_canonical(&name).as_name().unwrap_or("null".into()).into_owned();
            let mut value = String::new();
            self.value(&mut value)?;
            members.push((name, value));
        }
        Ok(members)
    }

    fn sequence(&mut self, close: u8, text: &mut String) -> Result<(), ReadError> {
        text.push('[');
        let mut is_first = true;
        while !self.take(close)? {
            if !is_first {
                text.push(',');
            }
            is_first = false;
            self.value(text)?;
        }
        text.push(']');
        Ok(())
    }

    fn nested<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        if self.depth == DEEPEST {
            return Err(self.error(format!("values nest more than {DEEPEST} deep")));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    fn string(&mut self) -> Result<String, ReadError> {
        let opening = self.error("the file ends inside the string that begins here");
        self.advance();
        let mut text = Vec::new();
        loop {
            let Some(&byte) = self.bytes.get(self.offset) else { return Err(opening) };
            self.advance();
            match byte {
                b'"' => break,
                b'\\' => {
                    let Some(&escaped) = self.bytes.get(self.offset) else { return Err(opening) };
                    self.advance();
                    match escaped {
                        b'n' => text.push(b'\n'),
                        b't' => text.push(b'\t'),
                        b'r' => text.push(b'\r'),
                        b'u' => {
                            let character = self.code_point()?;
                            text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                        }
                        other => text.push(other),
                    }
                }
                byte => text.push(byte),
            }
        }
        String::from_utf8(text).map_err(|_| self.error("the string that ends here is not UTF-8"))
    }

    /// The character of an escape such as `\u0041`, behind its `u`.
    fn code_point(&mut self) -> Result<char, ReadError> {
        let digits = self.bytes.get(self.offset..self.offset + 4).unwrap_or_default();
        let digits = std::str::from_utf8(digits).ok();
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        match code.and_then(char::from_u32) {
            Some(character) => {
                self.offset += 4;
                Ok(character)
            }
            None => Err(self.error("this escape is no character")),
        }
    }

    /// A number, nil, a boolean, a keyword or a symbol.
    fn atom(&mut self, text: &mut String) -> Result<(), ReadError> {
        let start = self.offset;
        self.token();
        if self.offset == start {
            return Err(self.error("this is not EDN"));
        }
        let atom = self.text(start)?;
        match atom {
            "nil" => text.push_str("null"),
            "true" | "false" => text.push_str(atom),
            _ => match (atom.strip_prefix(':'), plain_number(atom)) {
                (Some(keyword), _) => json::write_string(keyword, text),
                (None, Some(plain)) => {
                    number::write_canonical(plain, text).map_err(|reason| self.error(reason))?;
                }
                (None, None) => json::write_string(atom, text),
            },
        }
        Ok(())
    }

    fn text(&self, start: usize) -> Result<&'a str, ReadError> {
        std::str::from_utf8(&self.bytes[start..self.offset])
            .map_err(|_| self.error("the word that ends here is not UTF-8"))
    }

    /// Moves past everything up to the next delimiter.
    fn token(&mut self) {
        while let Some(byte) = self.bytes.get(self.offset)
            && !byte.is_ascii_whitespace()
            && !byte.is_ascii_control()
            && !b",;\"()[]{}\\".contains(byte)
        {
            self.offset += 1;
        }
    }

    fn advance(&mut self) {
        if self.bytes.get(self.offset) == Some(&b'\n') {
            self.line += 1;
            self.line_start = self.offset + 1;
            self.column_base = 1;
        }
        if self.offset < self.bytes.len() {
            self.offset += 1;
        }
    }
}

/// Numbers as Clojure prints them, `5`, `-5`, `5N`, `1.5`, `1.5M`, `1.5E3`, as JSON writes them.
fn plain_number(text: &str) -> Option<&str> {
    let plain = text.strip_suffix(['N', 'M']).unwrap_or(text);
    let plain = plain.strip_prefix('+').unwrap_or(plain);
    let magnitude = plain.strip_prefix('-').unwrap_or(plain);
    let (decimals, exponent) = magnitude.split_once(['e', 'E']).unwrap_or((magnitude, "0"));
    let (whole, fraction) = decimals.split_once('.').unwrap_or((decimals, "0"));
    let are_digits = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let is_number = !whole.is_empty()
        && !exponent.is_empty()
        && [whole, fraction, exponent].into_iter().all(are_digits);
    is_number.then_some(plain)
}

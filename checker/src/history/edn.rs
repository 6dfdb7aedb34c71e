//! The part of EDN (the extensible data notation of Clojure) that histories use.
//!
//! Values become JSON values: keywords, symbols and characters become strings, sets become arrays,
//! a tagged value becomes the value. What JSON cannot say is not needed to judge a history.

use serde_json::{Map, Number, Value};

use crate::history::ReadError;

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
                    self.nested(Reader::value)?;
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

    /// Reads one value.
    pub(super) fn value(&mut self) -> Result<Value, ReadError> {
        match self.peek()? {
            None => Err(self.error("the file ends where a value is missing")),
            Some(b'{') => {
                self.advance();
                self.nested(|reader| reader.map(b'}')).map(Value::Object)
            }
            Some(b'[') => {
                self.advance();
                self.nested(|reader| reader.sequence(b']'))
            }
            Some(b'(') => {
                self.advance();
                self.nested(|reader| reader.sequence(b')'))
            }
            Some(b'"') => self.string(),
            Some(b'\\') => {
                self.advance();
                // A character such as `\(` is a token of one delimiter.
                let start = self.offset;
                self.advance();
                self.token();
                self.text(start).map(|text| Value::String(text.to_string()))
            }
            Some(b'#') if self.bytes.get(self.offset + 1) == Some(&b'{') => {
                self.advance();
                self.advance();
                self.nested(|reader| reader.sequence(b'}'))
            }
            Some(b'#' | b'^') => {
                // A tag, or metadata: what follows it is the value.
                self.advance();
                self.token();
                self.nested(Reader::value)
            }
            Some(b'}' | b']' | b')') => Err(self.error("a bracket closes what nothing opened")),
            Some(_) => self.atom(),
        }
    }

    /// Reads the pairs of a map up to its closing bracket.
    pub(super) fn map(&mut self, close: u8) -> Result<Map<String, Value>, ReadError> {
        let mut map = Map::new();
        while !self.take(close)? {
            let key = match self.value()? {
                Value::String(name) => name,
                other => other.to_string(),
            };
            let value = self.value()?;
            map.insert(key, value);
        }
        Ok(map)
    }

    fn sequence(&mut self, close: u8) -> Result<Value, ReadError> {
        let mut values = Vec::new();
        while !self.take(close)? {
            values.push(self.value()?);
        }
        Ok(Value::Array(values))
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

    fn string(&mut self) -> Result<Value, ReadError> {
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
                    text.push(match escaped {
                        b'n' => b'\n',
                        b't' => b'\t',
                        b'r' => b'\r',
                        other => other,
                    });
                }
                byte => text.push(byte),
            }
        }
        String::from_utf8(text)
            .map(Value::String)
            .map_err(|_| self.error("the string that ends here is not UTF-8"))
    }

    /// A number, nil, a boolean, a keyword or a symbol.
    fn atom(&mut self) -> Result<Value, ReadError> {
        let start = self.offset;
        self.token();
        if self.offset == start {
            return Err(self.error("this is not EDN"));
        }
        let text = self.text(start)?;
        Ok(match text {
            "nil" => Value::Null,
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => match text.strip_prefix(':') {
                Some(keyword) => Value::String(keyword.to_string()),
                None => number(text).unwrap_or_else(|| Value::String(text.to_string())),
            },
        })
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

/// Numbers as Clojure prints them: `5`, `-5`, `5N`, `1.5`, `1.5M`.
fn number(text: &str) -> Option<Value> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !digits.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let plain = text.strip_suffix(['N', 'M']).unwrap_or(text);
    let plain = plain.strip_prefix('+').unwrap_or(plain);
    plain
        .parse::<i64>()
        .map(Number::from)
        .ok()
        .or_else(|| plain.parse::<u64>().map(Number::from).ok())
        .or_else(|| plain.parse::<f64>().ok().and_then(Number::from_f64))
        .map(Value::Number)
}

//! The borders between the events of an EDN or JSON file, so that only one is held at a time.

use std::io::{BufRead, Bytes, Read};

use crate::history::ReadError;

/// The longest event, in bytes; see the limit on lines.
const LONGEST: usize = 256 << 20;

/// The maps of a file, with or without a vector or list around them.
pub(super) struct Forms<R: Read> {
    bytes: std::iter::Peekable<Bytes<R>>,
    line: usize,
    column: usize,
    /// The bracket that closes the history, if one opened it.
    close: Option<u8>,
    begun: bool,
    /// The error about anything else than an event.
    expected: &'static str,
}

/// The next part of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A whole map, with the line and column of its first byte.
    Map { text: Vec<u8>, line: usize, column: usize },
    /// The file ends in the middle of a map that begins on this line, or of the history around it.
    CutOff { line: usize },
    /// Nothing.
    End,
}

impl<R: BufRead> Forms<R> {
    pub(super) fn new(input: R, expected: &'static str) -> Forms<R> {
        let bytes = input.bytes().peekable();
        Forms { bytes, line: 1, column: 1, close: None, begun: false, expected }
    }

    pub(super) fn next(&mut self) -> Result<Form, ReadError> {
        loop {
            let (line, column) = (self.line, self.column);
            match self.peek()? {
                None if self.close.is_some() => return Ok(Form::CutOff { line }),
                None => return Ok(Form::End),
                Some(b'{') => {
                    self.begun = true;
                    let mut text = Vec::new();
                    let whole = self.take_form(&mut text)?;
                    return Ok(match whole {
                        true => Form::Map { text, line, column },
                        false => Form::CutOff { line },
                    });
                }
                Some(open @ (b'[' | b'(')) if !self.begun => {
                    self.begun = true;
                    self.close = Some(if open == b'[' { b']' } else { b')' });
                    self.advance()?;
                }
                Some(byte) if Some(byte) == self.close => {
                    self.advance()?;
                    self.close = None;
                    loop {
                        match self.peek()? {
                            None => return Ok(Form::End),
                            Some(b';') => self.skip_line()?,
                            Some(byte) if byte.is_ascii_whitespace() => drop(self.advance()?),
                            Some(_) => {
                                return Err(
                                    self.error("something follows the history's closing bracket")
                                );
                            }
                        }
                    }
                }
                Some(b';') => self.skip_line()?,
                Some(b'#') => {
                    self.advance()?;
                    if self.peek()? == Some(b'_') {
                        self.advance()?;
                        while self.peek()?.is_some_and(|byte| byte.is_ascii_whitespace()) {
                            self.advance()?;
                        }
                        self.take_form(&mut Vec::new())?;
                    } else {
                        // A tag, such as `#jepsen.history.Op`; what it tags comes behind it.
                        self.take_word(&mut Vec::new())?;
                    }
                }
                Some(byte) if byte.is_ascii_whitespace() || byte == b',' => {
                    self.advance()?;
                }
                Some(_) => {
                    return Err(self.error(self.expected));
                }
            }
        }
    }

    /// Takes one value, up to the bracket that closes it; false when the file ends before.
    fn take_form(&mut self, text: &mut Vec<u8>) -> Result<bool, ReadError> {
        let mut depth = 0_usize;
        loop {
            if text.len() > LONGEST {
                return Err(self.error(format!("an event is longer than {} MiB", LONGEST >> 20)));
            }
            let Some(byte) = self.advance()? else { return Ok(false) };
            text.push(byte);
            match byte {
                b'{' | b'[' | b'(' => depth += 1,
                b'}' | b']' | b')' => depth = depth.saturating_sub(1),
                b'"' if !self.take_string(text)? => return Ok(false),
                b'"' => {}
                b'\\' => {
                    // A character such as `\(` is no bracket.
                    if let Some(character) = self.advance()? {
                        text.push(character);
                    }
                }
                b';' => {
                    self.skip_line()?;
                    text.pop();
                }
                _ if depth == 0 => {
                    self.take_word(text)?;
                }
                _ => {}
            }
            if depth == 0 {
                return Ok(true);
            }
        }
    }

    /// Takes the rest of a string, its closing quote included; false when the file ends before.
    fn take_string(&mut self, text: &mut Vec<u8>) -> Result<bool, ReadError> {
        loop {
            let Some(byte) = self.advance()? else { return Ok(false) };
            text.push(byte);
            match byte {
                b'"' => return Ok(true),
                b'\\' => text.extend(self.advance()?),
                _ if text.len() > LONGEST => {
                    return Err(self.error("a string does not end"));
                }
                _ => {}
            }
        }
    }

    fn take_word(&mut self, text: &mut Vec<u8>) -> Result<(), ReadError> {
        while let Some(byte) = self.peek()?
            && !byte.is_ascii_whitespace()
            && !b",;\"()[]{}".contains(&byte)
            && text.len() <= LONGEST
        {
            text.extend(self.advance()?);
        }
        Ok(())
    }

    fn skip_line(&mut self) -> Result<(), ReadError> {
        while self.peek()?.is_some_and(|byte| byte != b'\n') {
            self.advance()?;
        }
        Ok(())
    }

    fn peek(&mut self) -> Result<Option<u8>, ReadError> {
        match self.bytes.peek() {
            None => Ok(None),
            Some(Ok(byte)) => Ok(Some(*byte)),
            Some(Err(error)) => {
                let reason = format!("cannot read on: {error}");
                Err(self.error(reason))
            }
        }
    }

    fn advance(&mut self) -> Result<Option<u8>, ReadError> {
        let byte = self.peek()?;
        self.bytes.next();
        if byte == Some(b'\n') {
            self.line += 1;
            self.column = 1;
        } else {
            self.column += 1;
        }
        Ok(byte)
    }

    fn error(&self, reason: impl Into<String>) -> ReadError {
        ReadError { line: self.line, column: Some(self.column), reason: reason.into() }
    }
}

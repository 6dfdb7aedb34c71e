//! The lines of a file, one at a time.

use std::io::{BufRead, Read};

use crate::history::ReadError;

/// The longest line, in bytes. No operation is so large; a file without line ends is not read
/// into memory to find that out.
const LONGEST: u64 = 256 << 20;

/// Reads lines into one buffer.
pub(super) struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
    number: usize,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(input: R) -> Lines<R> {
        Lines { input, buffer: Vec::new(), number: 0 }
    }

    /// The next line with its line end, which only the last one may lack, and its number, counted
    /// from 1; none at the end of the file.
    pub(super) fn next(&mut self) -> Result<Option<(usize, &[u8])>, ReadError> {
        self.buffer.clear();
        self.number += 1;
        let mut limited = (&mut self.input).take(LONGEST);
        let read = limited
            .read_until(b'\n', &mut self.buffer)
            .map_err(|error| ReadError::on_line(self.number, format!("cannot read on: {error}")))?;
        if read as u64 == LONGEST {
            return Err(ReadError::on_line(
                self.number,
                format!("the line is longer than {} MiB", LONGEST >> 20),
            ));
        }
        Ok((read > 0).then_some((self.number, &self.buffer)))
    }
}

//! Columns of integers, packed so that 100,000 operations make a page of a few megabytes.
//!
//! A column is base64 of LEB128 varints; where values rise slowly, of their differences. The
//! decoder stands in `columns.js`.

/// The script that unpacks them.
pub(crate) const COLUMNS: &str = include_str!("columns.js");

/// One column in the making.
#[derive(Debug, Default)]
pub(crate) struct Column {
    bytes: Vec<u8>,
    last: u64,
}

impl Column {
    /// Appends a value.
    pub(crate) fn push(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    /// Appends a value of a column that never falls, as the difference from the one before.
    pub(crate) fn push_rising(&mut self, value: u64) {
        // A history whose times fall is malformed; the page then shows the later time.
        let value = value.max(self.last);
        self.push(value - self.last);
        self.last = value;
    }

    /// Appends a value that may be negative: those take turns with the others, 0, −1, 1, −2…
    pub(crate) fn push_signed(&mut self, value: i64) {
        self.push((value << 1 ^ value >> 63) as u64);
    }

    /// The column as text for the page.
    pub(crate) fn encode(&self) -> String {
        base64(&self.bytes)
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let mut group = 0_u32;
        for position in 0..3 {
            group = group << 8 | u32::from(chunk.get(position).copied().unwrap_or(0));
        }
        for position in 0..4 {
            if position <= chunk.len() {
                let digit = group >> (18 - 6 * position) & 0x3f;
                out.push(char::from(DIGITS[digit as usize]));
            } else {
                out.push('=');
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_rfc_4648() {
        let vectors = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ];
        for (plain, encoded) in vectors {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
    }

    #[test]
    fn values_are_varints_signed_ones_fold_and_rising_ones_are_differences() {
        let mut column = Column::default();
        column.push(300);
        assert_eq!(column.bytes, [0xac, 0x02]);
        let mut signed = Column::default();
        for value in [0, -1, 1, -300] {
            signed.push_signed(value);
        }
        assert_eq!(signed.bytes, [0, 1, 2, 0xd7, 0x04]);
        let mut rising = Column::default();
        for value in [1_000, 1_005, 1_005, 1_004] {
            rising.push_rising(value);
        }
        assert_eq!(rising.bytes, [0xe8, 0x07, 5, 0, 0]);
    }
}

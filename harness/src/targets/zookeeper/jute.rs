//! Jute, in which ZooKeeper's protocol is written: big-endian numbers, strings and buffers behind
//! their length, everything one after the other.
//!
//! Source: `zookeeper-jute/src/main/java/org/apache/jute/BinaryOutputArchive.java`.

/// Writes values one after the other.
#[derive(Debug, Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// A 32-bit number.
    pub fn int(mut self, value: i32) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    /// A 64-bit number.
    pub fn long(mut self, value: i64) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    /// A truth value.
    pub fn boolean(mut self, value: bool) -> Self {
        self.0.push(value.into());
        self
    }

    /// Bytes, and strings as well, behind their length.
    ///
    /// # Panics
    /// When they are longer than 2 GiB.
    pub fn buffer(self, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref();
        let mut written = self.int(i32::try_from(value.len()).expect("no value is that long"));
        written.0.extend(value);
        written
    }

    /// The bytes that were written, behind their length: a frame of the protocol.
    ///
    /// # Panics
    /// When it is longer than 2 GiB.
    pub fn frame(self) -> Vec<u8> {
        Writer::default().buffer(self.0).0
    }
}

/// Reads values one after the other; none where the bytes do not hold one.
#[derive(Debug)]
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// A 32-bit number.
    pub fn int(&mut self) -> Option<i32> {
        self.array().map(i32::from_be_bytes)
    }

    /// A 64-bit number.
    pub fn long(&mut self) -> Option<i64> {
        self.array().map(i64::from_be_bytes)
    }

    /// A truth value.
    pub fn boolean(&mut self) -> Option<bool> {
        self.array::<1>().map(|[byte]| byte != 0)
    }

    /// Bytes behind their length; those of nothing at all, whose length is -1, are none as well.
    pub fn buffer(&mut self) -> Option<&'a [u8]> {
        let length = self.int()?;
        if length == -1 {
            return Some(&[]);
        }
        let (taken, left) = self.0.split_at_checked(length.try_into().ok()?)?;
        self.0 = left;
        Some(taken)
    }

    /// A string behind its length.
    pub fn string(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.buffer()?).ok()
    }

    fn array<const LENGTH: usize>(&mut self) -> Option<[u8; LENGTH]> {
        let (taken, left) = self.0.split_first_chunk()?;
        self.0 = left;
        Some(*taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_again_and_nothing_beyond_it() {
        let frame = Writer::default().int(-7).boolean(true).long(1 << 40).buffer("znode").frame();
        let mut outer = Reader(&frame);
        let mut reader = Reader(outer.buffer().expect("a frame is a buffer"));
        assert_eq!((reader.int(), reader.boolean()), (Some(-7), Some(true)));
        assert_eq!((reader.long(), reader.string()), (Some(1 << 40), Some("znode")));
        assert_eq!((reader.int(), outer.int()), (None, None));
    }

    #[test]
    fn a_length_beyond_the_end_or_below_nothing_is_no_value() {
        for length in [i32::MAX, 1, -2] {
            assert_eq!(Reader(&length.to_be_bytes()).buffer(), None);
        }
        assert_eq!(Reader(&(-1_i32).to_be_bytes()).buffer(), Some(&[][..]));
    }
}

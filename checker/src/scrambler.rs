//! A hash for tables whose keys come from histories. Writers of histories have nothing to gain by
//! collisions, so it is made for speed; and it is the same in every run.

use std::hash::{BuildHasherDefault, Hasher};

/// Makes a [`Scrambler`] for each key.
pub(crate) type Scrambled = BuildHasherDefault<Scrambler>;

/// Hashes integers and short texts.
#[derive(Debug, Default)]
pub(crate) struct Scrambler(u64);

impl Scrambler {
    #[inline]
    fn add(&mut self, number: u64) {
        // The multiplier of Fibonacci hashing; the table takes the top bits for its tags and the
        // bottom bits for its slots, so both must depend on all of the number.
        let product = (self.0.rotate_left(5) ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 = product ^ (product >> 32);
    }
}

impl Hasher for Scrambler {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let mut words = bytes.chunks_exact(size_of::<u64>());
        for word in &mut words {
            self.add(u64::from_le_bytes(word.try_into().expect("eight bytes")));
        }
        let rest =
            words.remainder().iter().rev().fold(0, |rest, byte| rest << 8 | u64::from(*byte));
        self.add(rest);
    }

    #[inline]
    fn write_u8(&mut self, number: u8) {
        self.add(number.into());
    }

    #[inline]
    fn write_u64(&mut self, number: u64) {
        self.add(number);
    }

    #[inline]
    fn write_i64(&mut self, number: i64) {
        self.add(number.cast_unsigned());
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

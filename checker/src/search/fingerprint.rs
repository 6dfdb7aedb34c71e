//! 128-bit fingerprints of what a search has reached, and the memo of those already explored.
//!
//! The set of linearized operations is hashed incrementally (Zobrist: the exclusive or of one
//! random number for each member), so that a step costs two operations instead of a cloned bit
//! set. Two different configurations share a fingerprint with a probability of about n²/2¹²⁸ for n
//! configurations; who says Invalid asks again with another seed.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hash, Hasher};

/// Seeds a family of fingerprints; two seeds give unrelated families.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Seed(pub(crate) u64);

impl Seed {
    /// The fingerprint of `value` in the role `salt`.
    pub(crate) fn of<T: Hash>(self, salt: u64, value: &T) -> u128 {
        self.with_size(salt, value).0
    }

    /// The same, and the number of words that it was made from.
    pub(crate) fn with_size<T: Hash>(self, salt: u64, value: &T) -> (u128, u64) {
        let (low, high) = (scramble(self.0 ^ salt), scramble(self.0.rotate_left(32) ^ !salt));
        let mut hasher = Lanes { low, high, words: 0 };
        value.hash(&mut hasher);
        let Lanes { low, high, words } = hasher;
        (u128::from(scramble(low)) << 64 | u128::from(scramble(high ^ low)), words)
    }
}

/// Two independent 64-bit hashes of the same input.
struct Lanes {
    low: u64,
    high: u64,
    words: u64,
}

impl Hasher for Lanes {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
        self.write_u64(bytes.len() as u64);
    }

    fn write_u8(&mut self, byte: u8) {
        self.write_u64(u64::from(byte));
    }

    fn write_u32(&mut self, word: u32) {
        self.write_u64(u64::from(word));
    }

    fn write_u64(&mut self, word: u64) {
        self.words += 1;
        self.low = scramble(self.low ^ word);
        self.high = scramble(self.high.rotate_left(23) ^ word.wrapping_mul(0xD6E8_FEB8_6659_FD93));
    }

    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }

    fn finish(&self) -> u64 {
        self.low
    }
}

/// The finalizer of SplitMix64 (Steele, Lea & Flood, OOPSLA 2014): a bijection without structure.
fn scramble(word: u64) -> u64 {
    let mut word = word.wrapping_add(0x9E37_79B9_7F4A_7C15);
    word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}

/// The fingerprints of configurations that were explored.
#[derive(Debug, Default)]
pub(crate) struct Memo {
    seen: HashSet<u128, BuildHasherDefault<AlreadyHashed>>,
    hits: u64,
}

/// Bytes that one slot of the memo takes: the fingerprint and the table's control byte.
const SLOT: usize = size_of::<u128>() + 1;

impl Memo {
    /// Remembers a configuration; false if it was known.
    pub(crate) fn insert(&mut self, fingerprint: u128) -> bool {
        let new = self.seen.insert(fingerprint);
        self.hits += u64::from(!new);
        new
    }

    /// Returns whether a configuration was remembered.
    pub(crate) fn knows(&mut self, fingerprint: u128) -> bool {
        let known = self.seen.contains(&fingerprint);
        self.hits += u64::from(known);
        known
    }

    /// Returns whether anything was ever recognized. If not, no collision can have misled the
    /// search.
    pub(crate) fn was_hit(&self) -> bool {
        self.hits > 0
    }

    /// Bytes that the memo will take once it holds one more configuration.
    pub(crate) fn next_size(&self) -> usize {
        let grows = self.seen.len() == self.seen.capacity();
        SLOT * self.seen.capacity() * if grows { 2 } else { 1 }
    }
}

/// Fingerprints are random already.
#[derive(Debug, Default)]
struct AlreadyHashed(u64);

impl Hasher for AlreadyHashed {
    fn write(&mut self, _bytes: &[u8]) {
        unreachable!("a memo holds u128 only");
    }

    fn write_u128(&mut self, fingerprint: u128) {
        self.0 = fingerprint as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

//! Sequences of values whose copies share what they have in common.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, OnceLock};

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::size::json_bytes;

/// The most values of a part. A copy that is being read costs the next change a copy of one part, and
/// one pointer a part now and then.
const PART_VALUES: usize = 128;

/// About the most bytes of a part, but for its last value.
const PART_BYTES: usize = 64 * 1024;

/// Values that come at one end, and go at either. A copy costs nothing that grows with it: of what is
/// read of a list of many megabytes, the state machine keeps serving while it is written out.
#[derive(Debug, Clone, Default)]
pub struct Sequence {
    /// The parts that are full.
    full: Arc<VecDeque<Arc<Vec<Value>>>>,
    /// The last part.
    last: Arc<Vec<Value>>,
    /// About the bytes of the last part.
    last_bytes: usize,
    /// The number of values at the beginning of the first part that are gone.
    gone: usize,
    /// The number of values.
    length: usize,
    /// A digest of the values, once one was asked for: to digest a state again and again, as the
    /// simulator does, costs no more than what has changed in between.
    digest: OnceLock<u64>,
}

impl Sequence {
    /// The number of values.
    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// The values in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Value> {
        let parts = self.full.iter().chain([&self.last]);
        parts.flat_map(|part| part.iter()).skip(self.gone)
    }

    /// Adds a value behind the last one.
    pub(super) fn push(&mut self, value: Value) {
        if self.last.len() >= PART_VALUES || self.last_bytes >= PART_BYTES {
            let part = std::mem::take(&mut self.last);
            Arc::make_mut(&mut self.full).push_back(part);
            self.last_bytes = 0;
        }
        self.last_bytes += json_bytes(&value);
        Arc::make_mut(&mut self.last).push(value);
        self.length += 1;
        self.digest.take();
    }

    /// Takes the last value away.
    pub(super) fn pop(&mut self) -> Option<Value> {
        if self.length == 0 {
            return None;
        }
        if self.last.is_empty() {
            self.last = Arc::make_mut(&mut self.full).pop_back().expect("it has values");
            self.last_bytes = self.last.iter().map(json_bytes).sum();
        }
        let value = Arc::make_mut(&mut self.last).pop().expect("it has values");
        self.last_bytes -= json_bytes(&value);
        self.length -= 1;
        self.digest.take();
        self.forget_if_empty();
        Some(value)
    }

    /// Takes the first value away.
    pub(super) fn pop_first(&mut self) -> Option<Value> {
        let value = self.iter().next()?.clone();
        self.gone += 1;
        self.length -= 1;
        self.digest.take();
        if self.full.front().is_some_and(|part| part.len() == self.gone) {
            Arc::make_mut(&mut self.full).pop_front();
            self.gone = 0;
        }
        self.forget_if_empty();
        Some(value)
    }

    /// Begins anew once nothing is left, so that what is gone takes no memory.
    fn forget_if_empty(&mut self) {
        if self.length == 0 {
            *self = Sequence::default();
        }
    }
}

impl Extend<Value> for Sequence {
    fn extend<I: IntoIterator<Item = Value>>(&mut self, values: I) {
        values.into_iter().for_each(|value| self.push(value));
    }
}

impl From<Vec<Value>> for Sequence {
    fn from(values: Vec<Value>) -> Sequence {
        let mut sequence = Sequence::default();
        sequence.extend(values);
        sequence
    }
}

/// Equal are those with equal values, however they are parted.
impl PartialEq for Sequence {
    fn eq(&self, other: &Sequence) -> bool {
        self.length == other.length && self.iter().eq(other.iter())
    }
}

impl Eq for Sequence {}

impl PartialEq<[Value]> for Sequence {
    fn eq(&self, other: &[Value]) -> bool {
        self.length == other.len() && self.iter().eq(other)
    }
}

impl Hash for Sequence {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let digest = || {
            let mut hasher = DefaultHasher::new();
            self.iter().for_each(|value| value.hash(&mut hasher));
            hasher.finish()
        };
        self.length.hash(state);
        self.digest.get_or_init(digest).hash(state);
    }
}

impl Serialize for Sequence {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::ChaCha8Rng;
    use rand::{RngExt, SeedableRng};
    use serde_json::json;

    use super::*;

    fn digest(sequence: &Sequence) -> u64 {
        let mut hasher = DefaultHasher::new();
        sequence.hash(&mut hasher);
        hasher.finish()
    }

    #[test]
    fn a_digest_shows_every_change() {
        let mut sequence = Sequence::default();
        let mut digests = vec![digest(&sequence)];
        for number in 0..300 {
            sequence.push(number.into());
            digests.push(digest(&sequence));
        }
        for left in (0..300).rev() {
            sequence.pop();
            assert_eq!(digest(&sequence), digests[left]);
        }
        digests.sort_unstable();
        digests.dedup();
        assert_eq!(digests.len(), 301);
        let mut moved = Sequence::from(vec![1.into(), 2.into()]);
        let before = digest(&moved);
        moved.pop_first();
        moved.push(1.into());
        assert_ne!(digest(&moved), before, "the order counts");
    }

    /// Does the same to a sequence and to a deque, and compares them, while copies are kept.
    #[test]
    fn it_holds_what_a_deque_holds_whatever_its_copies_do() {
        for seed in 0..20 {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            let (mut sequence, mut expected) = (Sequence::default(), VecDeque::new());
            let mut kept: Vec<(Sequence, Vec<Value>)> = Vec::new();
            let grows = random.random_range(0.3..0.8);
            for number in 0..2_000 {
                if random.random_bool(grows) {
                    let large = random.random_range(0..50) == 0;
                    let value = json!([number, "x".repeat(if large { PART_BYTES } else { 3 })]);
                    sequence.push(value.clone());
                    expected.push_back(value);
                } else if random.random_bool(0.5) {
                    assert_eq!(sequence.pop(), expected.pop_back());
                } else {
                    assert_eq!(sequence.pop_first(), expected.pop_front());
                }
                assert_eq!(sequence.len(), expected.len());
                if number % 10 == 0 {
                    let anew = Sequence::from(Vec::from(expected.clone()));
                    assert_eq!(digest(&sequence), digest(&anew), "equal ones have equal digests");
                }
                if number % 100 == 0 {
                    kept.push((sequence.clone(), expected.iter().cloned().collect()));
                }
            }
            kept.push((sequence, expected.into()));
            for (copy, expected) in kept {
                assert_eq!(copy, expected[..]);
                assert_eq!(copy, Sequence::from(expected.clone()));
                assert_eq!(serde_json::to_value(&copy).unwrap(), Value::Array(expected));
            }
        }
    }

    #[test]
    fn a_copy_shares_all_but_the_last_part() {
        let mut sequence = Sequence::from(vec![json!(1); 1_000]);
        let copy = sequence.clone();
        sequence.push(json!(2));
        let shared = |(one, other): (&Arc<_>, &Arc<_>)| Arc::ptr_eq(one, other);
        assert_eq!(sequence.full.iter().zip(copy.full.iter()).filter(|it| shared(*it)).count(), 7);
        assert_eq!((copy.len(), sequence.len()), (1_000, 1_001));
    }
}
